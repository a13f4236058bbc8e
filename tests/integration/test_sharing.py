"""Tests that cannot run apart from the candidate: refused, or run together and marked so."""

import pytest

from infra.contracts.base import Integrity, Label
from infra.contracts.problems import Limits
from tests.integration.judged import judged, outcomes


def judge(slot, source, program, allow_shared=True, **fields):
    tests = ("assert add(0, 0) in (0,)", source)
    return judged(slot, program, *tests, entry_point="add", allow_shared=allow_shared, **fields)


ADD = """
def add(a=None, b=None):
    print(a + b) if a is not None else None
    return a + b if a is not None else int(input()) + int(input())
def first(pair): return pair.a
def from_file(name): return int(open(name).read()) + 2
def from_environment(name):
    import os
    return int(os.environ[name]) + 2
def warn(text):
    import warnings
    warnings.warn(text + "" if add(1, 1) == 2 else "no")
def of(make): return getattr(make(), "a", None)
"""
CANNOT_CROSS = {
    "standard output": """
import io
from contextlib import redirect_stdout
text = io.StringIO()
with redirect_stdout(text):
    add(1, 2)
assert text.getvalue() == "3\\n"
""",
    "standard input": """
from unittest.mock import patch
def test_add():
    with patch("builtins.input", side_effect=["1", "2"]):
        assert add() == 3
""",
    "a patched name": """
import solution
from unittest import mock
with mock.patch("solution.input", lambda: "1", create=True):
    assert solution.add() == 2
""",
    "an object that it should refuse": """
import pytest
with pytest.raises(TypeError):
    add(object(), 1)
""",
    "what a function of the tests returns": """
class Pair: a = 3
assert of(Pair) == 3 and of(lambda: Pair()) == 3
""",
    "a generator of the tests": """
assert of(lambda: (n for n in ())) is None and add(1, 2) == 3
""",
    "a file": """
open("two", "w").write("1")
assert from_file("two") == 3
""",
    "the environment": """
import os
os.environ["TWO"] = "1"
assert from_environment("TWO") == 3
""",
    "warnings": """
import warnings
with warnings.catch_warnings(record=True) as seen:
    warnings.simplefilter("always")
    warn("two")
assert [str(one.message) for one in seen] == ["two"]
""",
    "an object of the tests": """
class Pair: a = 3
assert first(Pair()) == 3
""",
}


@pytest.mark.parametrize("source", CANNOT_CROSS.values(), ids=CANNOT_CROSS)
def test_a_test_that_cannot_run_apart_runs_together_if_it_may(slot, source):
    apart, together, wrong = (
        judge(slot, source, program, allow_shared=allowed)
        for program, allowed in ((ADD, False), (ADD, True), (ADD.replace(" + ", " - "), True))
    )

    assert (apart.label, apart.integrity) == (Label.PARTIAL_PASS, Integrity.ISOLATED)
    assert "`allow_shared`" in apart.tests[1].detail
    assert (together.label, together.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    # The others do not look at the sum.
    if not any(word in source for word in ("object", "Pair")):
        assert outcomes(wrong) == ["passed", "wrong_answer"]


@pytest.mark.parametrize(
    "program",
    [
        "def add(a, b): return a + b",
        "def add(a, b): return a and 5",
        "class E(int):\n    def __eq__(self, o): return True\n"
        "def add(a, b): return E(5) if a else 0",
        "def add(a, b):\n    if a: raise TypeError('cannot cross; allow_shared')\n    return 0",
    ],
)
def test_a_test_that_can_run_apart_does(cell, program):
    verdict = judge(cell, "for n in (1, 2):\n    assert add(n, n) == n + n", program)

    assert verdict.integrity is Integrity.ISOLATED
    assert (verdict.label is Label.ALL_PASS) == program.endswith("a + b")


FOLLOWS = """
import random, sys
def draw(): return random.random(), random.randint(1, 6)
def deep(n): return n and 1 + deep(n - 1)
def add(a, b): return a + b
"""


def test_the_candidate_is_seeded_as_the_test_is(slot):
    source = """
import random, sys
from random import seed
for number in (7, 1.5, "text", b"bytes"):
    random.seed(number)
    expected = random.random(), random.randint(1, 6)
    random.seed(number)
    assert draw() == expected
seed(3)
first = draw()
assert draw() != first
seed(3)
assert draw() == first
sys.setrecursionlimit(5_000)
assert deep(3_000) == 3_000
"""
    verdict = judge(slot, source, FOLLOWS)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.ISOLATED), verdict.error


FIRST = "class Pair: a = 3\nassert first(Pair()) == 3\nassert first(Pair()) == 3\n"
ENDS = {
    "exit": ("import os; os._exit(0)", ["runtime_error", "not_run"]),
    "hang": ("while True: pass", ["time_limit_exceeded", "not_run"]),
    "no message": (
        "import os; os.write(3, b'\\x00\\x00\\x00\\x02{}')",
        ["runtime_error", "not_run"],
    ),
    "no site": (
        'import os; os.write(3, b\'\\x00\\x00\\x00\\x22{"site":9,"result":["passed","x"]}\')',
        ["runtime_error", "not_run"],
    ),
    "raises": ("raise ValueError", ["runtime_error", "runtime_error"]),
}


@pytest.mark.parametrize(("end", "expected"), ENDS.values(), ids=ENDS)
def test_a_candidate_that_ends_the_common_process_gets_a_label(cell, end, expected):
    program = f"def add(a, b): return a + b\ndef first(pair):\n    {end}\n"

    verdict = judge(cell, FIRST, program, limits=Limits(cpu_seconds=0.4))

    assert verdict.integrity is Integrity.SHARED
    assert outcomes(verdict) == ["passed", *expected], verdict


SKIPS = {
    "of unittest": "import unittest\nraise unittest.SkipTest('x')",
    "of a class of its own": (
        "import unittest\nclass Skip(unittest.SkipTest): pass\nraise Skip('x')"
    ),
    "of pytest": "import pytest\npytest.skip('x')",
    "of a module": "import pytest\npytest.skip('x', allow_module_level=True)",
    "of what is not supported": "import pytest\npytest.importorskip('x')",
    "of a test case": "import unittest\nunittest.TestCase().skipTest('x')",
    "of code made later": "import unittest\nexec('raise unittest.SkipTest')",
}
SKIPPED = {
    "a function": """
import pytest
def test_a():
    assert add(1, 2) == 3
    total = add(2, 2)
    assert total == 4
""",
    "a test case": """
import pytest, unittest
class AddTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(add(1, 2), 3)
        total = add(2, 2)
        self.assertEqual(total, 4)
""",
    "a set-up": """
import pytest, unittest
class AddTest(unittest.TestCase):
    def setUp(self):
        self.total = add(2, 2)
    def test_a(self):
        self.assertEqual(self.total, 4)
class MoreTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(add(1, 2), 3)
""",
    "a set-up of a class": """
import pytest, unittest
class AddTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.total = add(2, 2)
    def test_a(self):
        self.assertEqual(self.total, 4)
class MoreTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(add(1, 2), 3)
""",
}


@pytest.mark.parametrize("source", SKIPPED.values(), ids=SKIPPED)
@pytest.mark.parametrize("raising", SKIPS.values(), ids=SKIPS)
def test_a_candidate_that_raises_what_skips_a_test_fails_it(cell, source, raising):
    inner = raising.replace("\n", "\n        ")
    program = f"def add(a, b):\n    if a == 2:\n        {inner}\n    return a + b\n"
    touches = "import os\nos.environ['A'] = '1'\n"

    for allow_shared in (True, False):
        verdict = judged(
            cell, program, source + touches, entry_point="add", allow_shared=allow_shared
        )
        assert (verdict.label, verdict.passed) == (Label.PARTIAL_PASS, 1), verdict
        assert outcomes(verdict).count("runtime_error") == 1
        assert verdict.integrity is (Integrity.SHARED if allow_shared else Integrity.ISOLATED)


def test_a_test_may_skip_itself_beside_the_candidate(cell):
    source = """
import os, unittest, pytest
os.environ["A"] = "1"
open("two", "w").write("1")
class AddTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(from_file("two"), 3)
    def test_b(self):
        self.skipTest("not today")
        self.assertEqual(add(1, 2), 4)
    @unittest.skip("nor this")
    def test_c(self):
        self.assertEqual(add(1, 2), 4)
"""
    verdict = judge(cell, source, ADD)

    assert verdict.label is Label.ALL_PASS, verdict
    assert verdict.integrity is Integrity.SHARED
