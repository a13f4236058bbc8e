"""What `unittest` skips or expects to fail, and what a candidate cannot have skipped."""

import pytest

from executor.judging.asserting import SuiteBroken
from infra.contracts.base import Label
from infra.contracts.problems import Limits
from tests.integration.judged import judged, outcomes


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


GOOD = "def f(n): return n\n"
CASE = """
import sys, unittest
from unittest import skipIf as unless
class One(unittest.TestCase):
    def test_a(self):
        self.assertEqual(f(1), 1)
"""
SKIPPED = {
    "a test": """
    @unittest.skip("later")
    def test_b(self):
        self.assertEqual(f(1), 2)
""",
    "under a condition": """
    @unittest.skipIf(sys.version_info < (99,), "later")
    def test_b(self):
        self.assertEqual(f(1), 2)
    @unittest.skipUnless(sys.platform == "none", "elsewhere")
    def test_c(self):
        self.assertEqual(f(1), 2)
    @unless(True, "by another name")
    async def test_d(self):
        self.assertEqual(f(1), 2)
""",
    "a class": """
@unittest.skip("later")
class Two(unittest.TestCase):
    def test_b(self):
        self.assertEqual(f(1), 2)
    def test_c(self):
        self.verify(2)
    def verify(self, n):
        self.assertEqual(f(1), n)
""",
    "a function": """
@unittest.skip("later")
def test_b():
    assert f(1) == 2
""",
}


@pytest.mark.parametrize("skipped", SKIPPED.values(), ids=SKIPPED)
def test_what_the_tests_skip_does_not_count(slot, skipped):
    verdict = judged(slot, GOOD, CASE + skipped)

    assert (verdict.label, verdict.total) == (Label.ALL_PASS, 1), verdict


def test_a_suite_that_skips_everything_is_no_label(slot):
    source = CASE.replace("class One", "@unittest.skip('later')\nclass One")

    with pytest.raises(SuiteBroken, match="no test"):
        judged(slot, GOOD, source)


BY_THE_CANDIDATE = {
    "a condition": """
    @unittest.skipIf(f(5) == 5, "later")
    def test_b(self):
        self.assertEqual(f(1), 2)
""",
    "an answer": """
    def test_b(self):
        if f(5) == 5:
            self.skipTest("later")
        self.assertEqual(f(1), 2)
""",
    "an exception": """
    def test_b(self):
        try:
            r = f(-1)
        except ValueError:
            self.skipTest("later")
    def test_c(self):
        for _ in range(f(1)):
            self.skipTest("later")
        self.assertEqual(f(1), 2)
""",
    "what prepares it": """
class Two(unittest.TestCase):
    def setUp(self):
        if f(5) == 5:
            self.skipTest("later")
    def test_b(self):
        self.assertEqual(f(1), 2)
""",
    "an exception before it": """
    def test_b(self):
        f(-1)
        self.skipTest("later")
        self.assertEqual(f(1), 2)
""",
}


@pytest.mark.parametrize("skipped", BY_THE_CANDIDATE.values(), ids=BY_THE_CANDIDATE)
def test_what_a_candidate_may_have_had_skipped_counts(slot, skipped):
    program = "def f(n):\n    if n < 0: raise ValueError\n    return n\n"

    verdict = judged(slot, program, CASE + skipped)

    assert verdict.label is Label.PARTIAL_PASS, verdict


EXPECTED = """
class Two(unittest.TestCase):
    def verify(self, n, expected):
        self.assertEqual(f(n), expected)
    @unittest.expectedFailure
    def test_b(self):
        "It is wrong here."
        self.assertEqual(f(2), 3)
        self.assertEqual(f(2), 4)
    @unittest.expectedFailure
    def test_c(self):
        self.verify(3, 4)
    @unittest.expectedFailure
    def test_d(self):
        f(-1)
"""


def test_a_failure_that_is_expected_is_passed(slot):
    program = "def f(n):\n    if n < 0: raise ValueError\n    return n\n"

    verdict = judged(slot, program, CASE + EXPECTED)

    assert verdict.label is Label.ALL_PASS, verdict


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("def f(n): return n + (n > 1)", "wrong_answer"),
        ("import os\ndef f(n): return n if n == 1 else os._exit(0)", "runtime_error"),
        ("import sys\ndef f(n): return n if n == 1 else sys.exit(0)", "runtime_error"),
        ("def f(n):\n    while n > 1: pass\n    return n", "time_limit_exceeded"),
    ],
)
def test_a_success_or_an_end_is_no_failure_that_is_expected(slot, program, outcome):
    source = CASE + (
        "    @unittest.expectedFailure\n    def test_b(self):\n        self.assertEqual(f(2), 3)\n"
    )

    verdict = judged(slot, program, source, limits=Limits(cpu_seconds=0.5))

    assert outcomes(verdict) == ["passed", outcome]


RESULT = """
if __name__ == "__main__":
    ran = unittest.main(argv=[""], exit=False)
    sys.exit(not ran.result.wasSuccessful())
"""


def test_a_script_may_ask_for_the_result(slot):
    right, wrong = (judged(slot, p, CASE + RESULT) for p in (GOOD, "def f(n): return 0"))

    assert right.label is Label.ALL_PASS
    assert outcomes(wrong) == ["wrong_answer"]
