"""Ways round a site: which are the test code's own, and which a candidate has opened by raising."""

import pytest

from infra.contracts.base import Integrity, IntegrityRule, Label
from infra.contracts.problems import AssertTest
from tests.integration.judged import judged, outcomes


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


PAIR = "def f(n):\n    if n < 0: raise ValueError('negative')\n    return (n, n)\n"
BRANCH = """
    r = candidate(3)
    if isinstance(r, tuple):
        assert r == (3, 3)
    else:
        assert r == [3, 3]
"""
EXPECTED = {
    "a handler that does nothing": "    try: candidate(-1)\n    except ValueError: pass\n",
    "a result that is replaced": "    try: r = candidate(-1)\n    except ValueError: r = 0\n",
    "a flag that is judged": (
        "    raised = False\n    try: candidate(-1)\n    except ValueError: raised = True\n"
        "    assert raised\n"
    ),
    "an exception that is judged": (
        "    caught = None\n    try: candidate(-1)\n    except Exception as error: caught = error\n"
        "    assert isinstance(caught, ValueError) and 'neg' in str(caught)\n"
    ),
    "an end that fails": (
        "    for n in (-1, -2):\n        try: candidate(n)\n        except ValueError: continue\n"
        "        assert False\n"
    ),
    "a helper that returns": "    assert fails(ValueError, candidate, -1)\n",
    "a helper with a lambda": "    assert fails(ValueError, lambda: candidate(-1))\n",
    "a helper in a loop": "    assert all(fails(ValueError, candidate, n) for n in (-1, -2))\n",
    "a helper that fails": "    demand(ValueError, candidate, -1)\n",
    "an attribute that it may not have": "    assert not hasattr(candidate, 'more')\n",
}
HELPERS = """
def fails(kind, function, *args):
    try:
        function(*args)
    except kind:
        return True
    return False
def demand(kind, function, *args):
    try:
        function(*args)
    except kind:
        return
    raise AssertionError("nothing was raised")
def check(candidate):
"""


@pytest.mark.parametrize("expects", EXPECTED.values(), ids=EXPECTED)
def test_an_exception_that_is_only_judged_opens_no_way_round_a_site(slot, expects):
    test = AssertTest(source=HELPERS + expects + BRANCH, check="check")

    verdict = judged(slot, PAIR, test)

    assert verdict.label is Label.ALL_PASS, verdict


DECIDED = {
    "by the interpreter": "import sys\nif sys.version_info < (3, 8):\n    assert f(1) == 5\n",
    "by a constant": "SLOW = False\nif SLOW:\n    assert f(1) == 5\n",
    "by what a module has": "import math\nif not hasattr(math, 'pi'):\n    assert f(1) == 5\n",
    "in a function": (
        "import platform\ndef test_a():\n    if platform.system() == 'Windows':\n"
        "        assert f(1) == 5\n"
    ),
    "because nothing calls it": "def unused():\n    assert f(1) == 5\n",
}
RAISED = "try: seen = f(-1)\nexcept ValueError: seen = []\nif seen is None: seen = 0\n"


@pytest.mark.parametrize("raised", ["", RAISED], ids=["quiet", "raised"])
@pytest.mark.parametrize("decided", DECIDED.values(), ids=DECIDED)
def test_a_site_that_no_candidate_can_reach_does_not_count(slot, decided, raised):
    verdict = judged(slot, PAIR, f"assert f(2) in ((2, 2),)\n{raised}{decided}")

    assert verdict.label is Label.ALL_PASS, verdict


OPENED = {
    "by what it leaves out of a list": (
        "seen = []\ntry: seen.append(f(1))\nexcept Exception: pass\n"
        "if seen: assert seen == [1]\n"
    ),
    "by what a lambda leaves out": (
        "seen = []\ntry: (lambda: seen.append(f(1)))()\nexcept Exception: pass\n"
        "if seen: assert seen == [1]\n"
    ),
    "by what a built-in function calls": (
        "seen = []\ntry: seen.append(max([1], key=f))\nexcept Exception: pass\n"
        "if seen: assert seen == [1]\n"
    ),
    "by what an iterator calls": (
        "seen, answers = [], map(f, [1])\ntry: seen.append(next(answers))\nexcept Exception: pass\n"
        "if seen: assert seen == [1]\n"
    ),
    "by what follows its call": (
        "seen = []\ntry:\n    f(1)\n    seen.append(1)\nexcept Exception: pass\n"
        "if seen: assert f(1) == 1\n"
    ),
    "by a name that is not there then": (
        "try: r = f(1)\nexcept Exception: pass\nif 'r' in locals(): assert r == 1\n"
    ),
    "by a name that a function reads": (
        "r = None\ntry: r = f(1)\nexcept Exception: pass\n"
        "def test_a():\n    assert f(0) in (0,)\n    if r: assert r == 1\n"
    ),
    "by a name in the next round": (
        "r = 0\nfor n in (1, 2):\n    if r: assert r == 1\n"
        "    try: r = f(n)\n    except Exception: r = 0\n"
    ),
    "by a helper's answer to a condition": (
        "def works(function, n):\n    try: function(n)\n    except Exception: return False\n"
        "    return True\nif works(f, 1): assert f(1) == 1\n"
    ),
    "by a helper's answer to a helper": (
        "def works(function, n):\n    try: function(n)\n    except Exception: return False\n"
        "    return True\ndef verify(is_there):\n    assert f(0) in (0,)\n"
        "    if is_there: assert f(1) == 1\nassert verify(works(f, 1)) is None\n"
    ),
    "by a helper's end": (
        "def verify(n):\n    try: r = f(n)\n    except Exception: return\n"
        "    assert r == n\nassert verify(1) is None\n"
    ),
    "by a helper that compares": (
        "def compare(r):\n    assert r == 1\ntry: compare(f(1))\nexcept Exception: pass\n"
    ),
    "by one kind of answer": (
        "def compare(r, n):\n    if isinstance(n, float): assert r == n\n    else: assert r == n\n"
        "for n in (0, 1.5):\n    try: r = f(n)\n    except Exception: continue\n    compare(r, n)\n"
    ),
    "by a class": (
        "class Seen:\n    r = 0\n    try: r = f(1)\n    except Exception: pass\n"
        "if Seen.r: assert Seen.r == 1\n"
    ),
}  # fmt: skip


@pytest.mark.parametrize("source", OPENED.values(), ids=OPENED)
def test_a_site_that_a_candidate_has_opened_a_way_round_is_not_passed(slot, source):
    right = "def f(n):\n    return n\nmore = 1\n"
    program = "def f(n):\n    if n: raise ValueError\n    return n\n"
    fields = {"reference_program": right, "integrity": IntegrityRule.AUTO}

    verdicts = [
        judged(slot, p, "assert f(0) in (0,)\n" + source, **fields) for p in (right, program)
    ]

    assert [verdict.label for verdict in verdicts] == [Label.ALL_PASS, Label.PARTIAL_PASS], verdicts
    assert {verdict.integrity for verdict in verdicts} == {Integrity.ISOLATED}


def test_an_assertion_that_the_tests_catch_themselves_is_passed_as_in_one_process(slot):
    program = "def f(n):\n    if n: raise ValueError\n    return n\n"
    source = "try: assert f(1) == 1\nexcept Exception: pass\n"

    assert outcomes(judged(slot, program, "assert f(0) in (0,)\n" + source)) == ["passed", "passed"]
