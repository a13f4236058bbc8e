"""What only a candidate's object could answer leads to one process, where that is allowed."""

import pytest

from infra.contracts.base import Integrity, Label
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


PROGRAM = """
import abc, contextlib, dataclasses, enum, functools, math
@functools.total_ordering
class Ver:
    def __init__(self, text): self.parts = [int(part) for part in text.split(".")]
    def __eq__(self, other): return self.parts == other.parts
    def __lt__(self, other): return self.parts < other.parts
@dataclasses.dataclass(order=True)
class Card:
    rank: int
    note: str = dataclasses.field(default="", compare=False)
class Ratio:
    def __init__(self, over, under): self.over, self.under = over, under
    def __eq__(self, other): return self.over * other.under == other.over * self.under
class Money:
    def __init__(self, cents): self.cents = cents
    def __eq__(self, other): return self.cents == getattr(other, "cents", other)
    def __add__(self, other): return Money(self.cents + getattr(other, "cents", other))
    def __contains__(self, cents): return cents <= self.cents
    def __truediv__(self, other): return self.cents / getattr(other, "cents", other)
class Near:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return math.isclose(self.x, other.x)
class Never:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return False
class Pair(tuple):
    def __add__(self, other): return Pair(a + b for a, b in zip(self, other))
class Team:
    def __init__(self): self.members, self.size = [], 0
    def count(self): return len(self.members)
class Animal(abc.ABC):
    @abc.abstractmethod
    def sound(self): ...
    def says(self): return self.sound() + "!"
class Dog(Animal):
    def sound(self): return "woof"
class Wrong(ValueError):
    pass
class Path:
    def __init__(self, text): self.text = text
    def __truediv__(self, other): return Path(self.text + "/" + other)
def echo():
    heard = None
    while heard != "end":
        heard = yield heard
    return 7
def f(*args): return Pair(args)
def scale(x: int, by: int = 2) -> int: return x * by
"""
UNANSWERED = {
    "order": "assert Ver('1.2') < Ver('1.10')",
    "total ordering": "assert Ver('1.2') <= Ver('1.2') and not Ver('2') > Ver('10')",
    "order of a dataclass": "assert Card(1) < Card(2)",
    "most and least": "assert max(Card(1), Card(3), Card(2)).rank == 3 == min([Card(3)]).rank",
    "sorting": "assert [c.rank for c in sorted([Card(2), Card(1)])] == [1, 2]",
    "a refusal expected": "import pytest\nwith pytest.raises(AttributeError):\n    Ver('1') < 'x'",
    "equality of its own": "assert Ratio(1, 2) == Ratio(2, 4)",
    "inequality of its own": "assert not Ratio(1, 2) != Ratio(2, 4)",
    "ignored fields": "assert Card(1, 'a') == Card(1, 'b')",
    "nearness": "assert Near(0.1 + 0.2) == Near(0.3)",
    "not even itself": "x = Never(1)\nassert x != x and Never(1) != Never(1)",
    "equal to plain data": "assert Money(5) == 5 and [Money(5)] == [5]",
    "containing": "assert 3 in Money(5) and 6 not in Money(5)",
    "an operand of the test": "assert (Path('a') / 'b').text == 'a/b'",
    "a number of a number": "assert Money(5) / 2 == 2.5",
    "operators of a derived class": "assert f(1, 2) + f(3, 4) == (4, 6)",
    "class": "assert type(Dog()) is Dog",
    "classes that differ": "assert type(Dog()) != type(Team())",
    "class by name": "assert Dog().__class__ is Dog",
    "bases": "assert Dog.__bases__ == (Animal,) and Dog.__mro__[1] is Animal",
    "as a dict": "import dataclasses as d\nassert d.asdict(Card(1)) == {'rank': 1, 'note': ''}",
    "a copy": "import copy\nt = Team()\nassert copy.copy(t) is not t and copy.copy(t).size == 0",
    "a deep copy": "from copy import deepcopy\nassert deepcopy(Team()).members == []",
    "the value of the end": "g = echo()\nnext(g)\nimport pytest\n"
    "with pytest.raises(StopIteration) as e:\n    g.send('end')\nassert e.value.value == 7",
    "being a generator": "from typing import Generator\nassert isinstance(echo(), Generator)",
    "being none": "from collections.abc import Iterator\nassert not isinstance(Dog(), Iterator)",
    "a signature": "import inspect\nassert list(inspect.signature(f).parameters) == ['args']",
    "a class of the test": "class Cat(Animal):\n    def sound(self): return 'meow'\n"
    "assert Cat().says() == 'meow!'",
    "an error of the test": "class Worse(Wrong): pass\n"
    "import pytest\nwith pytest.raises(Wrong):\n    raise Worse('x')",
    "a pattern": "match Card(3):\n    case Card(rank=n): found = n\nassert found == 3",
}
ANSWERED = {
    "truth": "assert not Bag() and Bag(1) and (Bag() or 3) == 3 and not Off()",
    "plain truth": "assert Off()",
    "length": "assert len(Bag(1)) == 1",
    "conversions": "import math\nb = Bag(1.25, 2)\nassert float(b) == 3.25 and int(b) == 3 and "
    "math.floor(b) == 3 and round(b, 1) == 3.2 and round(b) == 3 and math.isclose(b, 3.25)",
    "size": "assert abs(Bag(-3, 4)) == 7",
    "position": "assert 'abcd'[Bag(2)] == 'c' and list(range(Bag(2))) == [0, 1]",
    "a form": "b = Bag(1.25)\nassert f'{b:.1f}' == '1.2' and f'{b}' == 'a bag' == '%s' % b",
    "backwards": "assert list(reversed(Bag(1, 2))) == [2, 1]",
    "a factor": "assert list((Bag(1, 2) * 2.5).items) == [2.5, 5.0] == (2.5 * Bag(1, 2)).items",
    "a power": "assert (Bag(1, 2) ** 2).items == [1, 4]",
    "a summand": "assert (Bag(1) + 2).items == [3] == (2 + Bag(1)).items",
    "a divisor": "assert (Bag(3) / 2).items == [1.5] and str(Bag(3) / 2) == 'a bag'",
    "a sum": "assert sum([Bag(1), Bag(2)]).items == [3]",
    "in place": "b = c = Bag(1)\nb += Bag(2)\nb -= 1\nassert c is b and b.items == [2]",
    "attributes": "b = Bag(1)\nassert vars(b) == b.__dict__ == {'items': [1]}\n"
    "del b.items\nassert not hasattr(b, 'items')",
    "members": "assert list(Colour.__members__) == ['RED'] and 'RED' in Colour.__members__",
    "defaults": "assert scale.__defaults__ == (2,) and scale.__code__.co_argcount == 2",
    "sent": "g = echo()\nnext(g)\nassert g.send(3) == 3",
    "the value of the end": "def both():\n    got.append((yield from ends()))\n"
    "got = []\nassert list(both()) == [1] and got == [7]",
    "a plain dataclass": "assert Plain(1, [2]) == Plain(1, [2]) != Plain(1, [3])",
    "elements": "assert 2 in Bag(1, 2) and 3 not in Bag(1, 2)",
    "a container": "b = Bag(1)\nb.items.append(2)\nassert len(b) == 2 and b[1] == 2",
    "no class of its own": "assert f() != 3 and Colour.RED == Colour.RED and f is not scale",
}
PROGRAM_ANSWERED = (
    PROGRAM
    + """
class Bag:
    def __init__(self, *items): self.items = list(items)
    def __len__(self): return len(self.items)
    def __getitem__(self, place): return self.items[place]
    def __float__(self): return float(sum(self.items))
    def __int__(self): return int(sum(self.items))
    def __index__(self): return int(sum(self.items))
    def __floor__(self): return math.floor(float(self))
    def __round__(self, digits=None): return round(sum(self.items), digits)
    def __abs__(self): return sum(map(abs, self.items))
    def __str__(self): return "a bag"
    def __format__(self, spec): return format(float(self), spec) if spec else "a bag"
    def __mul__(self, by): return Bag(*(item * by for item in self.items))
    __rmul__ = __mul__
    def __pow__(self, by): return Bag(*(item ** by for item in self.items))
    def __truediv__(self, by): return Bag(*(item / by for item in self.items))
    def __add__(self, other): return Bag(sum(self.items) + sum(getattr(other, "items", [other])))
    __radd__ = __add__
    def __iadd__(self, other):
        self.items = [sum(self.items + other.items)]
        return self
    def __isub__(self, other):
        self.items = [sum(self.items) - other]
        return self
def ends():
    yield 1
    return 7
class Off:
    def __bool__(self): return False
class Colour(enum.Enum):
    RED = 1
@dataclasses.dataclass
class Plain:
    x: int
    y: list
"""
)


def in_one_process(source):
    """Tell whether the test code passes as it stands."""
    try:
        exec(PROGRAM_ANSWERED + source, {"__name__": "one"})  # noqa: S102 - both must agree
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("source", ANSWERED.values(), ids=ANSWERED)
def test_what_the_candidate_can_be_asked_is_answered_apart(slot, source):
    verdict = judged(slot, PROGRAM_ANSWERED, source, allow_shared=True, entry_point="Off")

    assert verdict.integrity is Integrity.ISOLATED, verdict.error
    assert (verdict.label is Label.ALL_PASS) == in_one_process(source), verdict.error


@pytest.mark.parametrize("source", UNANSWERED.values(), ids=UNANSWERED)
def test_what_only_the_candidate_can_say_is_said_in_one_process(slot, source):
    together, apart = (
        judged(slot, PROGRAM, source, allow_shared=allowed) for allowed in (True, False)
    )

    assert (together.label, together.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert apart.integrity is Integrity.ISOLATED
    assert apart.label is Label.ALL_PASS or "`allow_shared`" in apart.error


def test_a_plain_comparison_with_an_object_is_made_in_one_process(slot):
    verdicts = [
        judged(slot, PROGRAM, "assert Money(5) == 5", entry_point="Money", allow_shared=allowed)
        for allowed in (True, False)
    ]

    assert [(verdict.label, verdict.integrity) for verdict in verdicts] == [
        (Label.ALL_PASS, Integrity.SHARED),
        (Label.PARTIAL_PASS, Integrity.ISOLATED),
    ]
    assert "`allow_shared`" in verdicts[1].error
