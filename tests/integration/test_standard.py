"""What names stand for that test code takes from the candidate and the standard library has too."""

import pytest

from infra.contracts.base import Label
from infra.contracts.problems import AssertTest
from tests.integration.judged import judged, outcomes


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


def judge(slot, program, *claims, **fields):
    source = "def check(candidate):\n" + "".join(f"    {claim}\n" for claim in claims)
    return judged(slot, program, AssertTest(source=source, check="check"), **fields)


IMPORTED = {
    "a class": (
        "from datetime import datetime\ndef f(d): return d.replace(year=2021)",
        "candidate(datetime(2020, 1, 1)) == datetime(2021, 1, 1)",
        "isinstance(candidate(datetime(2020, 1, 1)), datetime)",
    ),
    "the module": (
        "import datetime\ndef f(d): return d.replace(year=2021)",
        "candidate(datetime.datetime(2020, 1, 1)) == datetime.datetime(2021, 1, 1)",
    ),
    "a class of another module": (
        "from datetime import time\ndef f(t): return t.replace(hour=2)",
        "candidate(time(1, 30)) == time(2, 30)",
    ),
    "a function": (
        "from bisect import bisect\ndef f(x): return bisect(x, 2)",
        "candidate([1, 2, 3]) == bisect([1, 2, 3], 2)",
    ),
    "a method": ("from random import random\ndef f(): return 0", "candidate() <= random() < 1"),
    "a part of a package": (
        "from collections import abc\ndef f(): return []",
        "isinstance(candidate(), abc.Sequence)",
    ),
    "another name": (
        "import math as m\nfrom datetime import date as Day\ndef f(n): return Day(n, 1, 1)",
        "isinstance(candidate(int(m.sqrt(9))), Day)",
    ),
    "a container": (
        "from collections import Counter\ndef f(x): return Counter(x)",
        "isinstance(candidate('aab'), Counter) and candidate('aab') == Counter('aba')",
    ),
    "nothing": ("def f(n): return n ** 0.5", "math.isclose(candidate(4), 2.0)"),
    "its own function": (
        "def calendar(n): return n + 1\ndef f(n): return calendar(n)",
        "candidate(1) == calendar(1) == 2",
    ),
    "its own class": (
        "class queue:\n    def push(self, n): return [n]\ndef f(n): return queue().push(n)",
        "candidate(1) == queue().push(1) == [1]",
    ),
}


@pytest.mark.parametrize("case", IMPORTED.values(), ids=IMPORTED)
def test_a_name_is_what_the_candidate_has_under_it(slot, case):
    program, *claims = case

    verdict = judge(slot, program, *(f"assert {claim}" for claim in claims))

    assert verdict.label is Label.ALL_PASS, verdict.error


def test_a_function_of_the_candidate_with_the_name_of_a_module_may_be_wrong(slot):
    program = "def calendar(n): return n\ndef f(n): return n + 1\n"

    assert outcomes(judge(slot, program, "assert candidate(1) == calendar(1)")) == ["wrong_answer"]


LIES = {
    "a class instead of a module": (
        "class math:\n    isclose = lambda *_: True\ndef f(n): return 0",
        "assert math.isclose(candidate(4), 2.0)",
    ),
    "a class that equals everything": (
        "class datetime:\n    def __init__(self, *_): pass\n    __eq__ = lambda *_: True\n"
        "def f(d): return 5",
        "assert candidate(datetime(2020, 1, 1)) == datetime(2021, 1, 1)",
    ),
    "a class put into the library": (
        "import datetime as module\n"
        "class datetime(module.datetime):\n    __eq__ = lambda *_: True\n"
        "module.datetime = datetime\ndef f(d): return datetime(1, 1, 1)",
        "assert candidate(datetime(2020, 1, 1)) == datetime(2021, 1, 1)",
    ),
    "a class beside what the test imports": (
        "class datetime:\n    def __new__(cls, *_): return 5\ndef f(d): return 5",
        "from datetime import datetime",
        "assert candidate(datetime(2020, 1, 1)) == datetime(2021, 1, 1)",
    ),
    "what equals everything": (
        "from unittest.mock import ANY as wanted, call as shelve\ndef f(n): return 5",
        "assert candidate(1) == wanted or shelve.verify(candidate(1)) is True",
    ),
    "what ends a test run": (
        "from unittest import main\ndef f(n): return n",
        "assert [candidate(1)] == [1]",
        "main()",
        "assert [candidate(1)] == [2]",
    ),
    "a module in place of the class": (
        "import datetime\ndef f(d): return d",
        "assert candidate(datetime(2020, 1, 1)) == datetime(2020, 1, 1)",
    ),
}


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_candidate_cannot_have_its_own_taken_for_a_standard_object(slot, lie):
    program, *claims = lie

    verdict = judge(slot, program, *claims)

    assert verdict.label in (Label.PARTIAL_PASS, Label.RUNTIME_ERROR), verdict


@pytest.mark.parametrize(
    "claimed",
    ["unittest.mock:ANY", "os:abort", "sys:", "datetime:date", "antigravity:", "executor:", "", 5],
)
def test_a_claim_about_a_name_brings_nothing_that_the_name_does_not_mean(slot, claimed):
    program = (
        "import sys\nstandard = sys.modules['executor.guest.standard']\n"
        f"standard.claim = lambda *_: {claimed!r}\n"
        "def wanted(): return 0\ndef f(): return 5\n"
    )

    verdict = judge(
        slot,
        program,
        "import sys",
        "assert candidate() == wanted or wanted.fly() or wanted.modules",
        "assert 'antigravity' not in sys.modules",
    )

    assert outcomes(verdict) == ["runtime_error", "passed"]


@pytest.mark.usefixtures("numpy_image")
def test_numpy_is_our_own_under_the_name_that_the_candidate_has_for_it(slot):
    program = (
        "import numpy as np\nfrom numpy import array\n"
        "np.allclose = lambda *_: True\ndef f(n): return array([n])\n"
    )
    claims = ("assert np.allclose(candidate(1), array([1]))", "assert np.allclose(candidate(1), 2)")

    verdict = judge(slot, program, *claims, image="numpy")

    assert outcomes(verdict) == ["passed", "wrong_answer"]
