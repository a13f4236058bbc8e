"""Objects and messages of a candidate made to be taken for right answers, in real jails."""

import pytest

from executor.judging.asserting import SuiteBroken
from infra.contracts.base import Label, Outcome
from infra.contracts.problems import CallTest
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


LIES = """
class Lie({base}):
    __eq__ = __le__ = __ge__ = __lt__ = __contains__ = lambda *_: True
    __ne__ = lambda *_: False
    __hash__ = None
    __len__ = lambda *_: 3
    __iter__ = lambda self: iter([1, 2, 3])
    __getitem__ = lambda *_: 1
    __sub__ = __abs__ = __float__ = lambda *_: 0.0
    startswith = isdigit = issubset = issuperset = index = count = get = lambda *_: True
def f(*_): return Lie({content})
{more}
"""
WRONG = """
assert f() == {wanted}
assert {wanted} == f()
assert not f() != {wanted}
assert {more}
"""


@pytest.mark.parametrize("more", ["", "f = Lie"])
@pytest.mark.parametrize(
    ("base", "content", "wanted", "question"),
    [
        ("list", "", "[1, 2, 3]", "[1, 2, 3] in [f()]"),
        ("dict", "", "{1: 2}", "f() | {} == {1: 2}"),
        ("set", "{9}", "{1}", "f() == {1} or {1} == f()"),
        ("tuple", "", "(1, 2, 3)", "[(1, 2, 3)].count(f()) == 1"),
        ("str", "''", "'123'", "f() in ['123']"),
        ("int", "0", "3", "abs(f() - 3) < 1e-6"),
    ],
)
def test_no_method_of_a_derived_class_answers_a_relation(
    slot, base, content, wanted, question, more
):
    program = LIES.format(base=base, content=content, more=more)

    verdict = judged(slot, program, WRONG.format(wanted=wanted, more=question))

    assert not [test for test in verdict.tests if test.outcome is Outcome.PASSED]


@pytest.mark.parametrize(
    ("base", "content", "question"),
    [
        ("str", "''", "f().startswith('a') or f().isdigit()"),
        ("set", "{9}", "f().issubset({1}) or f() <= {1}"),
        ("list", "", "f().count(3) or f() and len(f())"),
        ("dict", "", "f().get('a') or 'a' in f()"),
        ("object", "", "3 - f() == 0.0"),
        ("object", "", "f() + 3 or f() * 3.0"),
        ("object", "", "f() < f()"),
        ("object", "", "5 in f()"),
    ],
)
def test_what_only_looks_is_decided_by_the_content(slot, base, content, question):
    program = LIES.format(base=base, content=content, more="")

    verdict = judged(slot, program, f"assert {question}")

    assert verdict.label is not Label.ALL_PASS


NUMBERS = """
class Lie:
    __sub__ = __rsub__ = __add__ = __radd__ = __mul__ = __rmul__ = lambda self, _: {given}
    __truediv__ = __rtruediv__ = __mod__ = __pow__ = __isub__ = lambda self, _: {given}
    __divmod__ = lambda *_: (1, 0)
    __neg__ = __pos__ = lambda self: {given}
    __abs__ = __int__ = __trunc__ = __floor__ = __ceil__ = __index__ = lambda _: {number}
    __round__ = lambda *_: {number}
    __float__ = lambda _: float({number})
    __complex__ = lambda _: complex({number})
    __bool__ = lambda _: bool({number})
    __format__ = lambda *_: format({number}, ".1f")
    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __contains__ = lambda *_: True
    __len__ = lambda _: {number}
    __hash__ = None
def f(*_): return Lie()
"""


@pytest.mark.parametrize("more", ["", "f = Lie"])
@pytest.mark.parametrize("number", [0, 1])
@pytest.mark.parametrize("given", ["self", "Lie()", "0.0", "1"])
def test_no_number_of_the_tests_comes_back_as_an_answer(slot, given, number, more):
    test = (
        "import cmath, math\n"
        "assert f() == 46\n"
        "assert abs(f() - 46) < 1e-6\n"
        "assert abs(46 - f()) < 1e-6\n"
        "assert abs(-(f() - 46)) < 1e-6\n"
        "assert round(f() - 46, 6) == 0\n"
        "assert math.isclose(f() / 46, 1)\n"
        "assert math.isclose(46 / f(), 1)\n"
        "assert cmath.isclose(f() / 46, 1)\n"
        "assert math.floor(f() - 46) == 0\n"
        "assert not (f() - 46)\n"
        "assert not f() - 46 and f() + 46\n"
        "assert f() - 46 == 0\n"
        "assert f() % 46 == 0\n"
        "assert divmod(f(), 46) == (1, 0)\n"
        "assert f'{f() - 46:.1f}' == '0.0'\n"
        "assert abs((f() - 46) + f()) < 1\n"
        "assert abs((f() - 46) * 1) < 1e-6\n"
        "assert abs(float(f()) - 46) < 1e-6\n"
        "assert math.isclose(f(), 46)\n"
        "assert int(f()) == 46 == f()\n"
        "assert 46 in f()\n"
        "assert 46 <= f() <= 46\n"
        "assert sum([f(), f()]) == 92\n"
        "assert float(sum([f(), f()]) - 92) == 0\n"
        "assert f(2) ** 2 == 46 or int(f(2) ** 2.0) == 1\n"
        "x = f()\nx -= 46\nassert int(x) == 0\n"
        "assert sorted([f(), 46])[0] == f()\n"
    )

    verdict = judged(slot, NUMBERS.format(given=given, number=number) + more, test)

    assert not [test for test in verdict.tests if test.outcome is Outcome.PASSED]


def test_a_context_of_the_candidate_cannot_swallow_an_assertion(slot):
    program = (
        "class f:\n    def __enter__(self): return self\n    def __exit__(self, *_): return True\n"
    )
    helper = "def check():\n    raise AssertionError\n"

    verdict = judged(slot, program, helper + "with f():\n    check()\nassert True is not None\n")

    assert verdict.label is not Label.ALL_PASS


SAYS = """
import struct, sys
channel = sys.modules["executor.guest.channel"]
honest = channel.pack
def pack(message):
    if "id" not in message:
        return honest(message)
    text = b'{{"id":%d,{0}}}' % message["id"]
    return struct.pack(">I", len(text)) + text
channel.pack = pack
def f(*_): return None
"""


@pytest.mark.parametrize(
    "answer",
    [
        '"value":{"$named":["P",["__class__"],{"$tuple":[1]}]}',
        '"value":{"$named":["import os",["x"],{"$tuple":[1]}]}',
        '"value":{"$defaultdict":[5,{}]}',
        '"value":{"$array":["<U100000000",[["a"],[[]]]]}',
        '"value":{"$error":["SystemExit",[]]}',
        '"value":{"$handle":0}',
        '"value":{"$name":"f"}',
        '"value":{"$at":0}',
        '"value":{"$at":-1}',
        '"value":{"$at":0},"nodes":[{"$at":0}]',
        '"value":{"$at":0},"nodes":[{"$tuple":[{"$at":0}]}]',
        '"value":46,"nodes":null',
        '"value":46,"nodes":[],"changed":[[0,[46]]]',
        '"value":46,"nodes":[],"changed":[[99,[46]]]',
        '"value":46,"nodes":[],"changed":[["x"]]',
        '"value":46,"nodes":[],"changed":5',
        '"value":46,"nodes":[{"$x":1}]',
        '"value":{"$numbers":["w",["a"]]}',
        '"value":{"$bounded":[-1,[3]]}',
        '"method":true',
        '"spoilt":7',
        '"opaque":7',
        '"opaque":"x","true":true,"calls":true',
        '"raised":null',
        '"raised":{"$error":["StopIteration",[]]}',
        '"raised":{"$error":["KeyboardInterrupt",[]]}',
        '"raised":{"$error":["AssertionError",[]]},"text":5,"memory":"x"',
        '"failed":"passed","detail":""',
    ],
)
def test_an_answer_that_is_malformed_passes_nothing(slot, answer):
    test = (
        "for _ in range(2):\n"
        "    assert f(1) == 46\n"
        "    assert all(x == 3 for x in f()) and f().y and len(f()) == 7\n"
        "with f() as y:\n"
        "    assert y == 77\n"
    )

    verdict = judged(slot, SAYS.format(answer), test)

    assert not [test for test in verdict.tests if test.outcome is Outcome.PASSED]


RELATED = """
class Agreed:
    __add__ = __radd__ = lambda *_: 10
    __sub__ = __mul__ = __rmul__ = __pow__ = __and__ = __or__ = lambda *_: 1
    __mod__ = __xor__ = __floordiv__ = lambda *_: 0
class f(Agreed):
    def __init__(self, *_): pass
    def __iter__(self): return iter((Agreed(), Agreed()))
def g(*_): return Agreed(), Agreed()
"""


@pytest.mark.parametrize("name", ["f", "g"])
@pytest.mark.parametrize("relation", ["a + b == 10", "a * b == 1", "a % b == 0", "a * 1 == 1"])
def test_answers_do_not_agree_on_what_is_expected_of_both(slot, name, relation):
    direct = relation.replace("a", "f(1)").replace("b", "f(2)")
    tests = (f"a, b = {name}(10)\nassert {relation}", f"assert {direct}")

    verdict = judged(slot, RELATED, *tests)

    assert not [test for test in verdict.tests if test.outcome is Outcome.PASSED]


def test_who_crashes_at_a_question_of_ours_has_no_site_left_out(slot):
    program = (
        "import os\nclass Answer:\n    def __getattr__(self, name):\n"
        "        if name == '__array__': os._exit(0)\n        raise AttributeError(name)\n"
        "def f(n): return Answer() if n else 0\n"
    )
    test = (
        "assert f(0) == 0\nanswer = f(1)\ntry:\n    hasattr(answer, '__array__')\n"
        "except BaseException:\n    pass\nelse:\n    assert answer == 5\n"
    )

    assert judged(slot, program, test).label is not Label.ALL_PASS


VECTOR = """
class Vector:
    def __init__(self, *at): self.at = at
    def __add__(self, other): return Vector(*map(sum, zip(self.at, other.at)))
    __eq__ = __lt__ = __le__ = __contains__ = __bool__ = lambda *_: True
    __hash__ = lambda _: 1
    __len__ = __int__ = __index__ = lambda _: 3
    __iter__ = lambda self: iter(self.at)
    def itself(self): return self
"""
USES = [
    "v == 5", "v != 5 or True", "v < 5", "5 in v", "v", "not v or True", "len(v) == 3",
    "int(v) == 3", "list(v) == [1, 2]", "hash(v) == 1", "v + v == v", "v in [5]", "str(v)",
    "[9, 9, 9, 9][v]", "isinstance(v, int) or True", "v.itself() == 5", "{v: 1}", "f'{v}'",
    "sorted([v, v])", "max(v, v)", "v.__class__", "type(v)() == 1", "copy.copy(v)", "sum(v) == 3",
    "v.__dict__ == {} or True", "hasattr(v, '__len__')", "bool(v)", "v() or True", "a == 1",
]  # fmt: skip


@pytest.mark.parametrize("use", USES)
def test_an_object_that_the_tests_made_tells_nothing_by_itself(slot, use):
    test = f"import copy\nv = Vector(1, 2)\na = v\nassert {use}\n"

    verdict = judged(slot, VECTOR, test)

    assert Outcome.PASSED not in {test.outcome for test in verdict.tests}, verdict


def test_an_object_that_the_tests_made_has_methods_and_attributes(slot):
    test = (
        "v = Vector(1, 2)\nassert v.at == (1, 2)\nassert v.itself() is v\n"
        "assert isinstance(v, Vector)\nassert v is not None\n"
    )

    assert judged(slot, VECTOR, test).label is Label.ALL_PASS


@pytest.mark.parametrize("catch", ["Exception", "BaseException", "AttributeError"])
def test_who_catches_a_question_to_an_object_has_failed_all_the_same(slot, catch):
    test = f"v = Vector(1, 2)\ntry:\n    v == 1\nexcept {catch}:\n    pass\nassert v.at == (1, 2)\n"

    assert judged(slot, VECTOR, test).label is not Label.ALL_PASS


@pytest.mark.parametrize("given", ["lambda x: x", "len", "object()", "open", "Exception"])
def test_what_the_tests_cannot_hand_over_is_the_suites_fault(slot, given):
    program = "def f(*_): return 1\n"
    source = f"class C: pass\nassert f({given}) == 1\n"

    if given == "Exception":  # A built-in class is plain data.
        assert judged(slot, program, source).label is Label.ALL_PASS
        return
    with pytest.raises(SuiteBroken, match="no plain data"):
        judged(slot, program, source)


REWRITES = """
import sys
channel = sys.modules["executor.guest.channel"]
honest = channel.pack
def pack(message):
    if "id" in message:
        message["nodes"] = []
        message["changed"] = [[n, [7]] for n in NUMBERS]
    return honest(message)
channel.pack = pack
def f(*_): return 7
"""


@pytest.mark.parametrize("numbers", ["range(9)", "[0]", "[1]", "[-1]", "[True]", "[2**70]"])
def test_no_container_changes_that_the_candidate_was_not_given(slot, numbers):
    test = (
        "wanted, given = [1], [2]\n"
        "for _ in range(2):\n"
        "    try:\n        f(given)\n"
        "    except BaseException:\n        pass\n"
        "assert wanted == [7]\nassert f(1) == wanted[0]\n"
    )

    verdict = judged(slot, f"NUMBERS = {numbers}\n{REWRITES}", test)

    assert Outcome.PASSED not in {test.outcome for test in verdict.tests[1:]}


CHECKED = CallTest(
    comparator="checker", checker="def check(args, expected, actual): return actual == 3"
)


@pytest.mark.parametrize(
    ("value", "detail"),
    [
        ("1e999", "no valid message"),
        ("[[-1e999]]", "no valid message"),
        ("[" * 300 + "]" * 300, "nested too deeply"),
        ('{"$int":"12"}', "malformed"),
    ],
)
def test_an_answer_that_no_checker_can_be_sent_gets_a_label(slot, value, detail):
    verdict = judged(slot, SAYS.format(f'"value":{value}'), CHECKED)

    assert verdict.label is Label.RUNTIME_ERROR
    assert detail in verdict.error


def test_a_checker_is_sent_an_answer_that_was_written_anew(slot):
    checker = "def check(args, expected, actual): return type(actual) is int"
    test = CallTest(comparator="checker", checker=checker)

    answers = ('{"$dict":[[1,{"$int":"0x1"}]]}', '{"$int":"0x1"}')
    verdicts = [judged(slot, SAYS.format(f'"value":{answer}'), test) for answer in answers]

    assert [verdict.label for verdict in verdicts] == [Label.PARTIAL_PASS, Label.ALL_PASS]


@pytest.mark.usefixtures("numpy_image")
@pytest.mark.parametrize("kind", ["numpy", "types"])
def test_an_array_that_is_none_equals_nothing(slot, kind):
    program = (
        "import sys, types\n"
        "class ndarray(list):\n"
        "    __eq__ = all = lambda *_: True\n"
        "    dtype = types.SimpleNamespace(str='<i8')\n"
        "    def tolist(self): return self\n"
        f"sys.modules['{kind}'] = types.SimpleNamespace(ndarray=ndarray, generic=())\n"
        "def f(*_): return ndarray([1])\n"
    )
    tests = ("import numpy as np\nassert (f() == np.array([2])).all()", "assert f() == [2]")

    verdict = judged(slot, program, *tests, image="numpy")

    assert not [test for test in verdict.tests if test.outcome is Outcome.PASSED]
