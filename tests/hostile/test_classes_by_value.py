"""Candidates that gain by what the process of the tests cannot know of their classes."""

import pytest

from executor.judging.judge import Judge
from infra.contracts.base import Integrity, IntegrityRule, Label
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest
from tests.hostile.attacks import LIMITS

POINT = """
class Point:
    def __init__(self, x): self.x = x
"""
SUITES = {
    "an answer is no object of it": (
        "def check(make):\n    assert not isinstance(make(1), Point)\n    assert Point(2).x == 2\n",
        POINT + "def make(n): return n\n",
        POINT + "def make(n): return Point(n)\n",
    ),
    "it does not derive from another": (
        "def check(make):\n    assert not issubclass(Line, Point)\n    assert make(1) == 1\n",
        POINT + "class Line: pass\ndef make(n): return n\n",
        POINT + "class Line(Point): pass\ndef make(n): return n\n",
    ),
    "another does not derive from it": (
        "def check(make):\n    assert not issubclass(Point, Line)\n    assert make(1) == 1\n",
        POINT + "class Line: pass\ndef make(n): return n\n",
        "class Line: pass\nclass Point(Line): pass\ndef make(n): return n\n",
    ),
    "it derives from no builtin class": (
        "def check(make):\n    assert not issubclass(Point, dict)\n    assert make(1) == 1\n",
        POINT + "def make(n): return n\n",
        "class Point(dict): pass\ndef make(n): return n\n",
    ),
    "nor from one by another name of the question": (
        "import builtins\nof = builtins.issubclass\ndef check(make):\n"
        "    assert [*map(of, [Point], [(dict, list)])] == [False]\n    assert make(1) == 1\n",
        POINT + "def make(n): return n\n",
        "class Point(dict): pass\ndef make(n): return n\n",
    ),
    "its bases are none": (
        "def check(make):\n    assert Point.__bases__ == (object,)\n    assert make(1) == 1\n",
        POINT + "def make(n): return n\n",
        "class Point(dict): pass\ndef make(n): return n\n",
    ),
    "it is no class of data": (
        "import dataclasses\ndef check(make):\n    assert not dataclasses.is_dataclass(Point)\n"
        "    assert make(1) == 1\n",
        POINT + "def make(n): return n\n",
        "import dataclasses\n@dataclasses.dataclass\nclass Point:\n    x: int\n"
        "def make(n): return n\n",
    ),
}


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", SUITES)
def test_what_nobody_outside_knows_passes_nobody(slot, name):
    source, right, wrong = SUITES[name]
    suite = Suite(
        tests=(AssertTest(source=source, check="check"),),
        entry_point="make",
        integrity=IntegrityRule.AUTO,
        limits=LIMITS,
        reference_program=right,
    )
    judge = Judge(slot.sandbox, suite, slot.version)

    assert judge.judge(right).label is Label.ALL_PASS
    assert judge.judge(wrong).label is not Label.ALL_PASS


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", SUITES)
def test_nor_where_the_problem_wants_them_apart(slot, name):
    source, _, wrong = SUITES[name]
    suite = Suite(
        tests=(AssertTest(source=source, check="check"),),
        entry_point="make",
        limits=LIMITS,
        integrity=IntegrityRule.ISOLATED,
    )

    verdict = Judge(slot.sandbox, suite, slot.version).judge(wrong)

    assert verdict.integrity is Integrity.ISOLATED
    assert verdict.label is not Label.ALL_PASS
