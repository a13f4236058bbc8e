"""Test code of the forms that people write: every site counts, and nothing but sites does."""

import pytest

from executor.judging.asserting import SuiteBroken
from infra.contracts.base import Label
from infra.contracts.problems import AssertTest, Limits
from tests.integration.judged import judged, outcomes

GOOD = "def add(a, b): return a + b\n"
WRONG = "def add(a, b): return a - b\n"
RAISES = "def add(a, b): raise ValueError('no')\n"


def judge(slot, source, program, check=None, **fields):
    test = AssertTest(source=source, check=check)
    return judged(slot, program, test, entry_point="add", **fields)


FORMS = {
    "script with a guard": """
def test_add():
    assert add(1, 2) == 3
if __name__ == "__main__":
    test_add()
""",
    "unittest with a guard": """
import unittest
class AddTest(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)
if __name__ == "__main__":
    unittest.main()
""",
    "unittest with fixtures": """
import unittest
class AddTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.one = 1
    def setUp(self): self.two = 2
    def test_add(self):
        for n in (0, 1):
            with self.subTest(n):
                self.assertEqual(add(self.one, self.two), 3)
""",
    "pytest class": """
class TestAdd:
    @classmethod
    def setup_class(cls): cls.one = 1
    def setup_method(self, method): self.two = 2
    def teardown_method(self): del self.two
    def test_add(self):
        assert add(self.one, self.two) == 3
""",
    "pytest parameters": """
import pytest
@pytest.mark.parametrize("a, b, total", [(1, 2, 3), pytest.param(2, 2, 4, id="twos")])
def test_add(a, b, total):
    assert add(a, b) == pytest.approx(total)
""",
    "coroutine of a test case": """
import unittest
class AddTest(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self): self.one = 1
    async def test_add(self):
        self.assertEqual(add(self.one, 2), 3)
""",
    "import from the solution": "from solution import add\nassert add(1, 2) == 3 and add",
    "import of the solution": "import solution as s\nassert s.add(1, 2) == 3 and s",
}


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_every_form_of_test_code_is_run(slot, source):
    right, wrong, raises = (judge(slot, source, p) for p in (GOOD, WRONG, RAISES))

    assert right.label is Label.ALL_PASS
    assert (wrong.label, {*outcomes(wrong)}) == (Label.PARTIAL_PASS, {"wrong_answer"})
    assert (raises.label, {*outcomes(raises)}) == (Label.RUNTIME_ERROR, {"runtime_error"})


@pytest.mark.parametrize(("answer", "passed"), [("Fraction(1, 3)", 1), ("Fraction(1, 2)", 0)])
def test_a_fraction_may_be_near_a_number(slot, answer, passed):
    source = (
        "import pytest\ndef test_a():\n    assert add(1, 2) == pytest.approx(1 / 3)\n"
        "    assert [add(1, 2)] == pytest.approx([1 / 3], abs=0.01)\n"
    )
    program = f"from fractions import Fraction\ndef add(a, b): return {answer}\n"

    assert judge(slot, source, program).passed == passed


def test_what_pytest_expects_to_be_raised_must_be_raised(slot):
    source = """
import pytest
def test_add():
    with pytest.raises(ValueError, match="no") as caught:
        add(1, 2)
    assert "no" in str(caught.value)
"""

    assert judge(slot, source, RAISES).label is Label.ALL_PASS
    assert outcomes(judge(slot, source, GOOD))[0] == "wrong_answer"
    assert outcomes(judge(slot, source, "def add(a, b): raise KeyError"))[0] == "runtime_error"


BRANCHES = """
def compare(output, expected):
    if isinstance(expected, float):
        assert abs(output - expected) < 1e-6
    else:
        assert output == expected
def unused(output):
    assert output
def check(candidate):
    for a, b in [(1, 2), (3, 4)]:
        compare(candidate(a, b), a + b)
"""


def test_a_branch_that_the_tests_do_not_take_does_not_count(slot):
    right, wrong = (judge(slot, BRANCHES, p, check="check") for p in (GOOD, WRONG))

    assert right.label is Label.ALL_PASS
    assert wrong.label is Label.PARTIAL_PASS
    assert wrong.passed == 0


OWN_ASSERTIONS = {
    "a function": """
def assert_near(a, b):
    if a != b:
        assert abs(a - b) < 1e-6
def check(candidate):
    assert_near(candidate(1, 2), 3)
    assert_near(candidate(2, 0), 2)
""",
    "a method": """
import unittest
class AddTest(unittest.TestCase):
    def assertNear(self, a, b):
        self.assertIsInstance(a, int)
        self.assertAlmostEqual(a, b)
    def test_a(self):
        self.assertNear(add(1, 2), 3)
    def test_b(self):
        self.assertNear(add(2, 0), 2)
""",
    "a loop": """
def assertion(out, exp, atol):
    exact = out == exp
    if not exact and atol:
        assert abs(out - exp) < atol
    else:
        assert exact
def check(candidate):
    inputs = [[1, 2], [2, 0]]
    results = [3, 2]
    for i, (inp, exp) in enumerate(zip(inputs, results)):
        assertion(candidate(*inp), exp, 0)
""",
}


@pytest.mark.parametrize("source", OWN_ASSERTIONS.values(), ids=OWN_ASSERTIONS)
def test_a_call_of_an_assertion_of_the_tests_is_one_test(slot, source):
    check = "check" if "def check" in source else None
    programs = (GOOD, WRONG, "def add(a, b): return a - b + 1", RAISES)
    right, half, wrong, raises = (judge(slot, source, p, check=check) for p in programs)

    assert (right.label, outcomes(right)) == (Label.ALL_PASS, ["passed"] * 2)
    assert (half.label, outcomes(half)) == (Label.PARTIAL_PASS, ["wrong_answer", "passed"])
    assert (wrong.label, outcomes(wrong)) == (Label.PARTIAL_PASS, ["wrong_answer"] * 2)
    assert (raises.label, outcomes(raises)[0]) == (Label.RUNTIME_ERROR, "runtime_error")
    assert raises.passed == 0


SKIPPED = {
    "by a value for which a test skips itself": (
        "import pytest\ndef test_a():\n    assert add(0, 0) == 0\n"
        "def test_b():\n    r = add(1, 2)\n    if r is None: pytest.skip()\n    assert r == 3\n",
        "def add(a, b): return None if a else 0\n",
    ),
    "by a value for which a test case does": (
        "import pytest, unittest\nclass AddTest(unittest.TestCase):\n"
        "    def test_a(self):\n        assert add(0, 0) == 0\n    def test_b(self):\n"
        "        r = add(1, 2)\n        if r is None: pytest.skip('no')\n        assert r == 3\n",
        "def add(a, b): return None if a else 0\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("source", "program"), SKIPPED.values(), ids=SKIPPED)
def test_a_candidate_gains_nothing_by_skipping_a_site(slot, source, program):
    verdict = judge(slot, source.replace("add(0, 0) == 0", "add(0, 0) in (0,)"), program)

    assert verdict.label is Label.PARTIAL_PASS, verdict
    assert outcomes(verdict)[-1] == "not_run"


SWALLOWED = {
    "a bare handler": "try:\n    add(1, 2)\n    done = 1\nexcept:\n    done = 0\nassert not done\n",
    "an exception of any kind": (
        "import pytest\nwith pytest.raises(BaseException):\n    add(1, 2)\nassert not add(0, 0)\n"
    ),
    "a manager": (
        "import contextlib\nwith contextlib.suppress(BaseException):\n    add(1, 2)\n"
        "assert not add(0, 0)\n"
    ),
}


@pytest.mark.parametrize("end", ["while a: pass", "if a: os._exit(0)", "if a: os.abort()"])
@pytest.mark.parametrize("source", SWALLOWED.values(), ids=SWALLOWED)
def test_the_end_of_a_candidate_is_no_exception_that_tests_expect(cell, source, end):
    program = f"import os\ndef add(a, b):\n    {end}\n    return 0\n"

    verdict = judge(cell, source, program, limits=Limits(cpu_seconds=0.2))

    expected = "time_limit_exceeded" if "while" in end else "runtime_error"
    assert outcomes(verdict)[0] == expected, verdict


def test_an_exception_that_the_tests_demand_skips_nothing(slot):
    source = BRANCHES + (
        "    try:\n        candidate(None, 1)\n        assert False\n    except TypeError:\n"
        "        pass\n"
    )

    assert judge(slot, source, GOOD, check="check").label is Label.ALL_PASS


BROKEN = {
    "a package that is not there": ("import numpy as np\nassert add(1, 2) == 3", "'numpy'"),
    "one inside": ("def test_a():\n    import pandas\n    assert add(1, 2) == 3", "'pandas'"),
    "a relative import": ("from . import add\nassert add(1, 2) == 3", "'.'"),
    "a name that a module lacks": ("from math import pie\nassert add(1, 2) == 3", "'pie'"),
    "an error before any call": ("x = {}['a']\nassert add(1, x) == 3", "KeyError"),
    "more of pytest": ("import pytest\n@pytest.fixture\ndef a(): assert add(1, 2)", "no test"),
    "nothing that calls": ("def verify():\n    assert more(1, 2) == 3", "no test"),
    "no way to an assert": ("if __name__ == 'tests':\n    assert add(1, 2) == 3", "no test"),
    "a check that is not there": ("assert add(1, 2) == 3", "'check'"),
    "a built-in function": ("assert pow(2, 3) == 8", "takes nothing from the candidate"),
}


@pytest.mark.parametrize(("source", "told"), BROKEN.values(), ids=BROKEN)
def test_a_suite_that_fails_by_itself_is_no_label(cell, source, told):
    check = "check" if told == "'check'" else None

    with pytest.raises(SuiteBroken, match=told):
        judge(cell, source, GOOD, check=check)


BLAMED = {
    "what is done with its answer": ("r = add(1, 2)\nr.total()\nassert r == 3", WRONG),
    "a name that it lacks": ("assert more(1) == 3", GOOD),
    "what a name of it is": ("assert LIMIT + 1 == 3", GOOD + "LIMIT = object()"),
    "an import that it fails": ("from solution import more\nassert more(1) == 3", GOOD),
    "the type of a name": ("if isinstance(LIMIT, int): assert LIMIT == 3", "LIMIT = object()"),
    "parameters that it made": (
        "import pytest\n@pytest.mark.parametrize('a, b', add(1, 2))\n"
        "def test_a(a, b):\n    assert a == b",
        "def add(a, b): return [(1, 2, 3)]",
    ),
}


@pytest.mark.parametrize(("source", "program"), BLAMED.values(), ids=BLAMED)
def test_a_candidate_cannot_blame_the_suite(cell, source, program):
    assert judge(cell, source, program).passed == 0


def test_a_test_case_that_fails_between_sites_stops_no_other(slot):
    source = """
import unittest
class AddTest(unittest.TestCase):
    def test_a(self):
        add("a", 1).upper()
        self.assertEqual(add(1, 2), 3)
    def test_b(self):
        self.assertEqual(add(2, 2), 4)
    def test_c(self):
        self.addCleanup(self.seen.append, "cleaned")
        self.assertEqual(add(3, 3), 6)
    def test_d(self):
        self.assertEqual(self.seen, ["down", "down", "down", "cleaned"])
    def tearDown(self):
        self.seen.append("down")
    @classmethod
    def setUpClass(cls):
        cls.seen = []
"""

    assert outcomes(judge(slot, source, GOOD)) == ["runtime_error", "passed", "passed", "passed"]
    assert judge(slot, source, "def add(a, b): return str(a) if b == 1 else a + b").passed == 4


def test_a_test_case_whose_class_cannot_be_set_up_fails(slot):
    source = (
        "import unittest\nclass AddTest(unittest.TestCase):\n    @classmethod\n"
        "    def setUpClass(cls): cls.total = add(1, 2)\n"
        "    def test_a(self): self.assertEqual(self.total, 3)\n"
    )

    assert outcomes(judge(slot, source, RAISES)) == ["runtime_error"]
    assert judge(slot, source, GOOD).label is Label.ALL_PASS


BY_HAND = {
    "a test case": """
import unittest
class AddTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(add(1, 2), 1)
class MoreTest(unittest.TestCase):
    def test_a(self):
        self.assertEqual(add(1, 2), 2)
if __name__ == "__main__":
    suite = unittest.TestLoader().loadTestsFromTestCase(AddTest)
    raise SystemExit(not unittest.TextTestRunner().run(suite).wasSuccessful())
""",
    "a plain class": """
class TestAdd:
    def test_a(self):
        assert add(1, 2) == 1
    def test_b(self):
        assert add(1, 2) == 2
if __name__ == "__main__":
    TestAdd().test_a()
""",
}


@pytest.mark.parametrize("source", BY_HAND.values(), ids=BY_HAND)
def test_a_method_that_a_script_runs_is_run_once(slot, source):
    counts = "n = 0\ndef add(a, b):\n    global n\n    n += 1\n    return n\n"

    assert judge(slot, source, counts).label is Label.ALL_PASS
    assert outcomes(judge(slot, source, RAISES)) == ["runtime_error", "runtime_error"]


def test_a_hang_between_sites_costs_no_other_test(slot):
    source = (
        "class TestAdd:\n    def test_a(self):\n        total = add(9, 9)\n"
        "        assert total == 18\n    def test_b(self):\n        assert add(1, 2) == 3\n"
    )
    program = "def add(a, b):\n    while a == 9: pass\n    return a + b\n"

    verdict = judge(slot, source, program, limits=Limits(cpu_seconds=0.3))

    assert outcomes(verdict) == ["time_limit_exceeded", "passed"]


def test_a_test_that_another_replaces_does_not_count(slot):
    source = "def test_a():\n    assert add(1, 2) == {}\n"

    verdict = judge(slot, source.format(4) + source.format(3), GOOD)

    assert (verdict.label, verdict.total) == (Label.ALL_PASS, 1)


def test_tests_that_other_answers_would_have_run_are_no_fault_of_the_suite(slot):
    source = "def test_add(): assert add(1, 2) == 3\nif add(1, 1) != 2: del test_add\n"

    assert judge(slot, source, GOOD).label is Label.ALL_PASS
    assert judge(slot, source, WRONG).label is Label.RUNTIME_ERROR
