"""Lists, dicts and the like that test code and the candidate both hold, across two real jails."""

import pytest

from infra.contracts.base import Label, Outcome
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


def passes(program, test):
    """Tell whether the test passes in one process."""
    try:
        exec(program + "\n" + test, {"__name__": "one"})  # noqa: S102 - what both must agree with
    except AssertionError:
        return False
    return True


ROWS = "p = [{'n': 'a', 'age': 30}, {'n': 'b', 'age': 20}]\n"
REORDERED = {
    "sorted": (
        "def f(rows):\n    rows.sort(key=lambda r: r['age'])\n    return rows",
        ROWS + "want = sorted(p, key=lambda r: r['age'])\nassert f(p) == want and f(p) is p",
    ),
    "a copy of the list kept": (
        "def f(rows): rows.reverse()",
        "p = [[1], [2], [3]]\nkept = p[:]\nf(p)\n"
        "assert kept == [[1], [2], [3]] and p == [[3], [2], [1]] and p[0] is kept[2]",
    ),
    "first one out": (
        "def f(rows): return rows.pop(0)",
        "p = [[1], [2]]\nfirst = p[0]\ngot = f(p)\nassert got is first == [1] and p == [[2]]",
    ),
    "bubble sort": (
        "def f(a):\n    for i in range(len(a)):\n        for j in range(len(a) - 1):\n"
        "            if a[j] > a[j + 1]: a[j], a[j + 1] = a[j + 1], a[j]",
        "p = [[3, 1], [2, 2], [1, 3]]\nthree = p[0]\nf(p)\n"
        "assert p == [[1, 3], [2, 2], [3, 1]] and three == [3, 1] and p[2] is three",
    ),
    "swapped and changed": (
        "def f(a):\n    a[0], a[1] = a[1], a[0]\n    a[0].append(9)",
        "p = [[1], [2]]\none, two = p\nf(p)\n"
        "assert (one, two) == ([1], [2, 9]) and p == [two, one]",
    ),
    "within a tuple": (
        "def f(pair):\n    pair[0].append(pair[1])",
        "x = ([1], [2])\nf(x)\nassert x == ([1, [2]], [2]) and x[0][1] is x[1]",
    ),
}
OF_EVERY_TYPE = {
    "by keyword": ("def f(arr): arr.sort()", "x = [3, 1]\nf(arr=x)\nassert x == [1, 3]"),
    "both ways": ("def f(a, *, b): a.append(b)", "x = []\nf(x, b=x)\nassert x[0] is x"),
    "deque": (
        "def f(d, n):\n    d.rotate(n)\n    return d",
        "from collections import deque\nd = deque([1, 2, 3])\nassert f(d, 1) is d\n"
        "assert d == deque([3, 1, 2])",
    ),
    "bounded deque": (
        "def f(d): d.append(3)",
        "from collections import deque\nd = deque([1, 2], maxlen=2)\nf(d)\nassert [*d] == [2, 3]",
    ),
    "defaultdict": (
        "def f(d):\n    d['a'].append(1)\n    d['b']",
        "from collections import defaultdict\nd = defaultdict(list)\nf(d)\nf(d)\n"
        "assert d == {'a': [1, 1], 'b': []} and d['c'] == []",
    ),
    "Counter": (
        "def f(c, t):\n    c.update(t)\n    return c",
        "from collections import Counter\nc = Counter()\nassert f(c, 'aab') is c\n"
        "assert c.most_common(1) == [('a', 2)] and type(c) is Counter",
    ),
    "OrderedDict": (
        "def f(d): d.move_to_end('a')",
        "from collections import OrderedDict\nd = OrderedDict(a=1, b=2)\nf(d)\n"
        "assert list(d) == ['b', 'a'] and d.popitem() == ('a', 1)",
    ),
    "bytearray": (
        "def f(b):\n    b[0] = 65\n    b += b'!'\n    return b",
        "b = bytearray(b'xyz')\nassert f(b) is b == b'Ayz!'",
    ),
    "array": (
        "def f(a):\n    a.reverse()\n    a.append(7)\n    return a",
        "from array import array\na = array('i', [1, 2])\n"
        "assert f(a) is a == array('i', [2, 1, 7])",
    ),
    "set": ("def f(s):\n    s ^= {1, 2}", "s = {1, 3}\nf(s)\nassert s == {2, 3}"),
    "dict": ("def f(d):\n    d[1] = d.pop('a')", "d = {'a': [2]}\nf(d)\nassert d == {1: [2]}"),
    "of a class of the tests": (
        "def f(x): x.append(1)",
        "class Mine(list): more = 5\nx = Mine()\nf(x)\nassert x == [1] and x.more == 5",
    ),
}
SHARED = {
    "a shallow copy": (
        "def f(x): return list(x)",
        "x = [[1], [2]]\ny = f(x)\ny[0].append(9)\nassert x == [[1], [2]]",
    ),
    "a shallow copy is told": (
        "def f(x): return list(x)",
        "x = [[1], [2]]\ny = f(x)\nassert y[0] is not x[0]",
    ),
    "a deep copy": (
        "import copy\ndef f(x): return copy.deepcopy(x)",
        "x = [[1], [2]]\ny = f(x)\ny[0].append(9)\nassert x == [[1], [2]] and y[1] is not x[1]",
    ),
    "rows of one list": (
        "def f(n): return [[0] * n] * n",
        "g = f(2)\ng[0][0] = 1\nassert g == [[1, 0], [0, 0]]",
    ),
    "rows of their own": (
        "def f(n): return [[0] * n for _ in range(n)]",
        "g = f(2)\ng[0][0] = 1\nassert g == [[1, 0], [0, 0]]",
    ),
    "values of one list": (
        "def f(ks): return dict.fromkeys(ks, [])",
        "d = f('ab')\nd['a'].append(1)\nassert d['b'] == []",
    ),
    "a ring": (
        "def f():\n    x = [1]\n    x.append(x)\n    return {'x': x}",
        "d = f()\nassert d['x'][1] is d['x'] and d['x'][1][1][0] == 1",
    ),
    "an argument in itself": ("def f(x): x.append(x)", "x = []\nf(x)\nassert x[0] is x"),
    "one argument twice": (
        "def f(a, b):\n    a.append(1)\n    return a is b",
        "x = []\nassert f(x, x) and x == [1] and not f([], [])",
    ),
}
TRANSFER = (
    "def f(acc, a, n):\n{}    if acc[a] < n: raise ValueError('no')\n    acc[a] -= n\n",
    "acc = {'a': 1}\ntry:\n    f(acc, 'a', 5)\nexcept ValueError:\n    pass\n",
)
RAISED = {
    "before it raises": (
        TRANSFER[0].format("    acc[a] -= n\n"),
        TRANSFER[1] + "assert acc == {'a': 1}",
    ),
    "not before it raises": (TRANSFER[0].format(""), TRANSFER[1] + "assert acc == {'a': 1}"),
    "as the test wants": (
        "def f(log):\n    log.append('tried')\n    raise KeyError",
        "log = []\ntry:\n    f(log)\nexcept KeyError:\n    pass\nassert log == ['tried']",
    ),
}
STACK = """
class S:
    shared = []
    def __init__(self, xs=None): self.xs = xs if xs is not None else []
    def push(self, x): self.xs.append(x)
    def all(self): return self.xs
    def size(self): return len(self.xs)
    def add(self, x, to=[]):
        to.append(x)
        return to
class Careful(S):
    def __init__(self, xs=()): self.xs = list(xs)
    def all(self): return list(self.xs)
"""
LATER = {
    "a getter of the list": (STACK, "s = S()\ns.push(1)\ns.all().clear()\nassert s.all() == [1]"),
    "a getter of a copy": (
        STACK,
        "s = Careful()\ns.push(1)\ns.all().clear()\nassert s.all() == [1]",
    ),
    "an attribute": (STACK, "s = S()\ns.xs.append(1)\nassert s.size() == 1 and s.xs is s.xs"),
    "a list of the class": (STACK, "s = S()\ns.shared.append(1)\nassert S().shared == []"),
    "the caller's list": (STACK, "xs = [1]\ns = S(xs)\nxs.append(2)\nassert s.size() == 1"),
    "its own list": (STACK, "xs = [1]\ns = Careful(xs)\nxs.append(2)\nassert s.size() == 1"),
    "changed later": (STACK, "xs = [1]\ns = S(xs)\ns.push([2])\ns.push(3)\nassert xs == [1]"),
    "a list that was dropped": (
        STACK,
        "xs = [1]\ns = S(xs)\nxs += [2]\ndel xs\nassert s.size() == 2",
    ),
    "what was put in later": (
        STACK,
        "s = S()\nrow = [1]\ns.push(row)\nrow.append(2)\nassert s.all() == [[1, 2]]\n"
        "assert s.all()[0] is row",
    ),
    "a default that is a list": (STACK, "a = S().add(1)\nb = S().add(2)\nassert a == [1]"),
    "a cache": (
        "import functools\n@functools.lru_cache\ndef f(n): return list(range(n))",
        "a = f(3)\na.append(9)\nassert f(3) == [0, 1, 2]",
    ),
    "a global of the program": (
        "SEEN = []\ndef f(x):\n    SEEN.append(x)\n    return len(SEEN)",
        "f(1)\nSEEN.clear()\nassert f(1) == 1 and SEEN == [1]",
    ),
    "inside an object that is a list": (
        "class f(list):\n    def put(self, x): self[0].append(x)\n",
        "a = f([[1]])\na.put(2)\nassert list(a) == [[1, 2]]\na[0].append(3)\n"
        "assert a[0] == [1, 2, 3]",
    ),
    "a function of the tests": (
        "def f(visit):\n    x = []\n    visit(x)\n    return x, len(x)",
        "assert f(lambda x: x.append(1)) == ([1], 1)\n"
        "kept = []\ndef visit(x):\n    kept.append(x)\n    x.append(kept)\n"
        "got, _ = f(visit)\nassert got is kept[0] and got[0] is kept",
    ),
    "what a function of the tests returns": (
        "def f(get):\n    get().append(1)\n    get().append(2)",
        "mine = []\nf(lambda: mine)\nassert mine == [1, 2]",
    ),
    "a function that raises": (
        "def f(x, fails):\n    x.append(1)\n    try:\n        fails(x)\n    except ValueError:\n"
        "        x.append(3)",
        "def fails(x):\n    x.append(2)\n    raise ValueError\nx = []\nf(x, fails)\n"
        "assert x == [1, 2, 3]",
    ),
}
CASES = REORDERED | OF_EVERY_TYPE | SHARED | RAISED | LATER


@pytest.mark.parametrize(("program", "test"), CASES.values(), ids=CASES)
def test_a_container_is_one_as_in_one_process(slot, program, test):
    verdict = judged(slot, program, test)

    assert (verdict.label is Label.ALL_PASS) == passes(program, test), verdict.tests
    assert {t.outcome for t in verdict.tests} <= {Outcome.PASSED, Outcome.WRONG_ANSWER}


@pytest.mark.usefixtures("numpy_image")
def test_arrays_of_numpy_are_changed_in_place(slot):
    program = "def f(a, b=None):\n    a.sort()\n    b[0] = a\n    return b\n"
    test = (
        "import numpy as np\na, b = np.array([3, 1]), np.zeros((2, 2))\n"
        "assert f(a, b=b) is b and a.tolist() == [1, 3] and b.tolist() == [[1, 3], [0, 0]]\n"
    )

    verdict = judged(slot, program, test, image="numpy")

    assert verdict.label is Label.ALL_PASS, verdict.tests


def test_what_was_lost_with_a_process_is_a_copy(slot):
    program = STACK + "def f(): import os; os._exit(0)\n"
    test = (
        "xs = [1]\ns = S(xs)\nys = s.all()\nassert f() is None\n"
        "xs.append(2)\ns = S(xs)\nassert s.size() == 2\n"
        "xs.append(ys)\nassert s.size() == 3 and s.all() is xs is ys\n"
    )

    verdict = judged(slot, program, test)

    assert [t.outcome.value for t in verdict.tests] == ["runtime_error", "passed", "passed"]


def test_what_can_cross_no_more_is_no_trouble_of_other_calls(slot):
    test = (
        "class Own: pass\n"
        "xs = [1]\ns = S(xs)\nxs.append(Own())\n"
        "assert S([2]).size() == 1 and s.size() == 1\n"
    )

    assert judged(slot, STACK, test).label is Label.ALL_PASS


def test_more_than_can_be_kept_is_no_trouble(slot):
    test = (
        "many = [[n] for n in range(1000)]\ns = S(many)\nbig = S(list(range(50_000)))\n"
        "lists = [big.all(), s.all()]\n"
        "for n in range(50):\n    assert S(many).size() == 1000\n"
    )

    assert judged(slot, STACK, test).label is Label.ALL_PASS


NESTED = """
def f(x):
    depth = 0
    while x:
        x, depth = x[0], depth + 1
    return depth
def nest(n, x=None):
    for _ in range(n):
        x = [x]
    return x
"""


def test_lists_are_nested_as_deeply_as_in_one_process(slot):
    test = (
        "def down(x):\n    n = 0\n    while x:\n        x, n = x[0], n + 1\n    return n\n"
        "x = []\nfor _ in range(3000):\n    x = [x]\n"
        "assert f(x) == 3000\nassert down(nest(3000)) == 3000\n"
        "d = {}\nfor _ in range(3000):\n    d = {0: d}\nassert f(d) == 3000\n"
    )

    verdict = judged(slot, NESTED, test)

    assert verdict.label is Label.ALL_PASS, verdict.tests


def test_what_cannot_cross_for_its_depth_leaves_a_label(slot):
    test = "x = ()\nfor _ in range(500):\n    x = (x,)\nassert f(x) == 500\nassert f([]) == 0\n"

    verdict = judged(slot, NESTED, test)

    assert [t.outcome.value for t in verdict.tests] == ["runtime_error", "passed"]
    assert "nested too deeply" in verdict.tests[0].detail
