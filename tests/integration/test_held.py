"""What test code holds of a candidate's objects, across two real jails."""

import pytest

from infra.contracts.base import Label
from infra.contracts.problems import CallTest
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


CACHE = """
from collections import OrderedDict
class f(OrderedDict):
    def __init__(self, room):
        super().__init__()
        self.room = room
    def get(self, key):
        if key not in self:
            return -1
        self.move_to_end(key)
        return self[key]
    def put(self, key, value):
        self[key] = value
        self.move_to_end(key)
        if len(self) > self.room:
            self.popitem(last=False)
"""
USES_CACHE = """
cache = f(2)
assert not cache
cache.put(1, 1)
cache.put(2, 2)
assert cache.get(1) == 1
cache.put(3, 3)
assert cache.get(2) == -1
assert cache == {1: 1, 3: 3}
assert list(cache) == [1, 3] and len(cache) == 2 and 3 in cache
other = f(2)
other.put(1, 1)
other.put(3, 3)
assert cache == other and not cache != other
"""
STACK = """
class Stack(list):
    def push(self, item): self.append(item)
    def top(self): return self[-1]
    def __repr__(self): return f'Stack{list(self)}'
def f(): return Stack()
def grow(stack): stack.push(0)
"""
USES_STACK = """
stack = f()
stack.push(1)
stack.push(2)
assert stack == [1, 2] and stack.top() == 2 and len(stack) == 2
stack.append(5)
stack[0] = 7
stack += [8]
assert stack.top() == 8 and stack == [7, 2, 5, 8]
del stack[0]
assert stack.pop() == 8 and stack.top() == 5 and sum(stack) == 7
grow(stack)
assert stack == [2, 5, 0] and repr(stack) == 'Stack[2, 5, 0]'
"""
TUPLES = """
from collections import namedtuple
from typing import NamedTuple
Point = namedtuple('Point', 'x y')
class Named(NamedTuple):
    x: int
    y: int = 2
    def norm(self): return self.x ** 2 + self.y ** 2
class Longer(namedtuple('Longer', 'x y')):
    __slots__ = ()
    def norm(self): return self.x + self.y
def f(): return Point(1, 2)
def named(): return Named(3, 4)
def is_one(point): return type(point) is Point
def again(point): return point
"""
USES_TUPLES = """
from collections import namedtuple
Own = namedtuple('Own', 'x y')
assert f() == (1, 2) == Point(1, 2) and f().y == 2
assert is_one(Point(1, 2)) and is_one(f()) and not is_one((1, 2)) and not is_one(Own(1, 2))
assert isinstance(f(), Point) and not isinstance(f(), Longer) and not isinstance((1, 2), Point)
assert type(again(Own(1, 2))) is Own
x, y = f()
assert [x, y] == [1, 2] and f()._asdict() == {'x': 1, 'y': 2}
assert repr(f()) == 'Point(x=1, y=2)' and {f()} == {(1, 2)}
assert named() == (3, 4) and named().x == 3 and named().norm() == 25
assert Longer(1, 2) == (1, 2) and Longer(1, 2).norm() == 3
assert Named(3) == (3, 2) and repr(Named(1)) == 'Named(x=1, y=2)'
"""
COLLECTED = """
from collections import Counter, OrderedDict, defaultdict
def f(text): return Counter(text)
def groups():
    found = defaultdict(list)
    found[1].append(2)
    return found
def ordered():
    found = OrderedDict(a=1, b=2)
    found.move_to_end('a')
    return found
def common(counter): return counter.most_common(1)
def keys(): return ordered().keys()
def items(): return {'a': 1, 2: {'b'}}.items()
def shared(): return {1: 2}.items()
class Lines:
    left = 3
    def __iter__(self): return self
    def __next__(self):
        self.left -= 1
        if not self.left: raise StopIteration('over')
        return self.left
def upwards(n):
    yield from range(n)
    return 'end'
"""
USES_COLLECTED = """
from collections import Counter, OrderedDict
counted = f('aab')
assert counted == {'a': 2, 'b': 1} and counted['z'] == 0
assert counted.most_common(1) == [('a', 2)] and counted - Counter('a') == Counter('ab')
assert groups() == {1: [2]} and groups()[9] == []
assert list(ordered()) == ['b', 'a'] and ordered() != OrderedDict(a=1, b=2)
assert common(Counter('xyy')) == [('y', 2)]
assert keys() == {'a', 'b'} and list(keys()) == ['b', 'a'] and keys() & {'a'} == {'a'}
assert keys() != ['b', 'a'] and len(keys()) == 2 and 'a' in keys() and keys() >= {'a'}
assert items() == {'a': 1, 2: {'b'}}.items() and dict(items())[2] == {'b'}
assert shared() == {(1, 2)} and shared() - {(1, 2)} == set()
lines = Lines()
assert iter(lines) is lines and [next(lines), *lines] == [2, 1]
numbers = upwards(4)
assert iter(numbers) is numbers and next(numbers) == 0
for number in numbers:
    break
def rest():
    return (yield from numbers)
ended = rest()
assert number == 1 and [next(ended), next(ended)] == [2, 3]
try:
    next(ended)
    assert False
except StopIteration as end:
    assert end.value == 'end'
"""
OBJECTS = """
import asyncio, contextlib, enum, functools
from dataclasses import dataclass, field
@dataclass
class Point:
    x: int
    y: list = field(default_factory=list)
class Vector:
    def __init__(self, *parts): self.parts = parts
    def __add__(self, other): return Vector(*map(sum, zip(self.parts, other.parts)))
    def __mul__(self, times): return Vector(*(part * times for part in self.parts))
    def __neg__(self): return self * -1
    def __eq__(self, other): return self.parts == other.parts
    def __getitem__(self, place): return self.parts[place]
class Colour(enum.IntEnum):
    RED = 1
class Guard:
    seen = None
    def __enter__(self): return self
    def __exit__(self, kind, error, _):
        self.seen = str(error)
        return kind is ValueError
@dataclass(frozen=True)
class Fixed:
    x: int
async def counting():
    yield 1
    yield 2
class Twice(dict):
    def __missing__(self, key): return key * 2
def doubled(): return Twice(a=1)
async def later(x):
    await asyncio.sleep(0)
    return x + 1
def deco(g):
    @functools.wraps(g)
    def inner(*args): return g(*args)
    return inner
@deco
def f(x):
    'Says so.'
    return Point(x, [x])
"""
USES_OBJECTS = """
import asyncio
assert f(1) == Point(1, [1]) and f(1) != Point(1, [2]) and [f(1)] == [f(1)]
assert isinstance(f(1), Point) and not isinstance(f(1), Vector) and not isinstance(1, Point)
assert Vector(1, 2) + Vector(3, 4) == Vector(4, 6) and Vector(1, 2) * 3 == Vector(3, 6)
assert -Vector(1, 2) != Vector(1, 2) and list(Vector(1, 2)) == [1, 2]
assert Colour(1) is Colour.RED and Colour.RED == 1 and Colour.RED.name == 'RED'
assert f.__name__ == 'f' and f.__doc__ == 'Says so.'
async def both():
    return await asyncio.gather(later(1), later(2))
assert asyncio.run(later(1)) == 2 and asyncio.run(both()) == [2, 3]
async def listed():
    return [x async for x in counting()]
assert asyncio.run(listed()) == [1, 2]
assert {Fixed(1): 5}[Fixed(1)] == 5 and len({Fixed(1), Fixed(1), Fixed(2)}) == 2
assert doubled() == {'a': 1} and doubled()['b'] == 'bb' and 'b' not in doubled()
guard = Guard()
with guard:
    raise ValueError('told')
assert guard.seen == 'told'
with guard:
    assert f(1).x == 1
"""


@pytest.mark.parametrize(
    ("program", "test"),
    [
        (CACHE, USES_CACHE),
        (STACK, USES_STACK),
        (TUPLES, USES_TUPLES),
        (COLLECTED, USES_COLLECTED),
        (OBJECTS, USES_OBJECTS),
    ],
    ids=["cache", "stack", "tuples", "collected", "objects"],
)
def test_an_object_of_the_candidate_is_used_as_in_one_process(slot, program, test):
    exec(program + test, {"__name__": "one"})  # noqa: S102 - what both must agree with

    verdict = judged(slot, program, test)

    assert verdict.label is Label.ALL_PASS, verdict.tests


ARRAYS = """
import numpy as np
def f(x): return np.array(x) * 2
def total(x): return np.array(x).sum()
def half(): return np.float32(0.5)
def order(x): x.sort()
def kind(x): return x.dtype.name
def truth(): return np.bool_(True)
def long(): return np.longdouble(1.5)
"""


@pytest.mark.usefixtures("numpy_image")
def test_numbers_and_arrays_of_numpy_are_what_they_are(slot):
    code = (
        "import numpy as np\n"
        "mixed = np.array([3, 1])\n"
        "order(mixed)\n"
        "assert mixed.tolist() == [1, 3]\n"
        "for _ in range(1):\n"
        "    assert total([1, 2]) == 3 and total([1]) + 1 == 2\n"
        "    assert half() == 0.5 and long() == 1.5\n"
        "    assert truth() and truth() is not True and not isinstance(total([1]), int)\n"
        "    assert total([1]).dtype == np.int64 and kind(np.int8(1)) == 'int8'\n"
        "    assert f([1]) == [2]\n"
        "    assert (f([1, 2]) == np.array([2, 4])).all() and f([[1, 2]]).shape == (1, 2)\n"
        "    assert np.allclose(f([1.5]), [3]) and f(np.array([1])).dtype == np.int64\n"
        "    assert f(['a'] if False else [True]).tolist() == [2]\n"
    )
    verdict = judged(
        slot, ARRAYS, code,
        CallTest(args=([1, 2],), expected=[2, 4], comparator="equal"),
        CallTest(args=([[1.5]],), expected=[[3.0]], comparator="tolerance"),
        CallTest(args=([1, 2],), expected=3, function="total"),
        image="numpy",
    )  # fmt: skip

    assert verdict.label is Label.ALL_PASS, verdict.tests


@pytest.mark.usefixtures("numpy_image")
@pytest.mark.parametrize(
    "claim", ["f([1, 2]) == [2, 4]", "f([])", "truth() is True", "isinstance(total([1]), int)"]
)
def test_an_array_is_no_list_and_a_number_of_numpy_not_built_in(slot, claim):
    verdict = judged(slot, ARRAYS, f"assert {claim}", image="numpy")

    assert verdict.label in (Label.PARTIAL_PASS, Label.RUNTIME_ERROR), verdict
