"""Tests of what lasts longer than a call: apart from the candidate everybody would pass them."""

import pytest

from infra.contracts.base import Integrity, IntegrityRule, Label
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


AUTO = IntegrityRule.AUTO
KEEPER = "class Keeper:\n    def __init__(self, given): self.kept = {kept}\n"
KEEPER += "    def items(self): return {items}\n"
LASTING = {
    "a function of a module": (
        "import builtins\nprinted = []\nbuiltins.print = lambda *texts: printed.append(texts)\n"
        "assert f(1) == 1\nassert printed == []\n",
        "def f(n): return n\n",
        "def f(n):\n    print(n)\n    return n\n",
    ),
    "the same by its name": (
        "import time\nslept = []\nsetattr(time, 'sleep', slept.append)\n"
        "def test_a():\n    assert f(1) == 1\n    assert slept == []\n",
        "def f(n): return n\n",
        "import time\ndef f(n):\n    time.sleep(0)\n    return n\n",
    ),
    "a global": (
        "assert f(1) == [1]\nassert SEEN == []\n",
        "SEEN = []\ndef f(n): return [*SEEN, n]\n",
        "SEEN = []\ndef f(n):\n    SEEN.append(n)\n    return SEEN\n",
    ),
    "a global that the tests change": (
        "def test_a():\n    LIMITS['most'] = 1\n    assert f(3) == 1\n",
        "LIMITS = dict(most=9)\ndef f(n): return min(n, LIMITS['most'])\n",
        "LIMITS = dict(most=9)\ndef f(n): return 3\n",
    ),
    "an answer": (
        "found = f(1)\nfound['a'].append(2)\nassert f(1) == {'a': [1]}\n",
        "def f(n): return {'a': [n]}\n",
        "import functools\n@functools.cache\ndef f(n): return {'a': [n]}\n",
    ),
    "an answer of an object": (
        "def test_a():\n    keeper = Keeper([1])\n    items = keeper.items()\n    items.clear()\n"
        "    assert keeper.items() == [1]\n",
        KEEPER.format(kept="list(given)", items="list(self.kept)"),
        KEEPER.format(kept="list(given)", items="self.kept"),
    ),
    "an argument": (
        "def test_a():\n    given = [1]\n    keeper = Keeper(given)\n    given[0] = 2\n"
        "    assert keeper.kept == [1]\n",
        KEEPER.format(kept="list(given)", items="self.kept"),
        KEEPER.format(kept="given", items="self.kept"),
    ),
    "attributes of a test case": (
        "import unittest\nclass Test(unittest.TestCase):\n    def setUp(self):\n"
        "        self.given = [1]\n        self.keeper = Keeper(self.given)\n"
        "    def test_a(self):\n        self.given.append(2)\n"
        "        self.assertEqual(self.keeper.items(), [1])\n",
        KEEPER.format(kept="list(given)", items="self.kept"),
        KEEPER.format(kept="given", items="self.kept"),
    ),
    "a context of numbers": (
        "import decimal\ndef test_a():\n    f()\n    assert decimal.getcontext().prec == 28\n",
        "def f(): return 1\n",
        "import decimal\ndef f(): decimal.getcontext().prec = 3\n",
    ),
    **{
        change: (
            f"def test_a():\n    keeper = Keeper([[1]])\n    {change}\n"
            "    assert keeper.items() == [[1]]\n",
            KEEPER.format(kept="list(given)", items="[list(row) for row in self.kept]"),
            KEEPER.format(kept="given", items="self.kept"),
        )
        for change in (
            "keeper.items().append(2)",
            "keeper.items()[0].append(2)",
            "for row in keeper.items(): row.append(2)",
            "(row,) = keeper.items(); row.append(2)",
            "items = keeper.items(); items += [2]",
        )
    },
    "which object it is": (
        "def test_a():\n    first, second = f(), f()\n    assert first is not second\n",
        "def f(): return [1]\n",
        "ONE = [1]\ndef f(): return ONE\n",
    ),
    "which object it is, as unittest asks": (
        "import unittest\nclass Test(unittest.TestCase):\n    def test_a(self):\n"
        "        self.assertIsNot(f(), f())\n        self.assertFalse(f() is f())\n",
        "def f(): return [1]\n",
        "ONE = [1]\ndef f(): return ONE\n",
    ),
}


@pytest.mark.parametrize(("test", "right", "wrong"), LASTING.values(), ids=LASTING)
def test_what_lasts_longer_than_a_call_is_seen_beside_the_candidate(slot, test, right, wrong):
    labels = []
    for program in (right, wrong):
        verdict = judged(slot, program, test, reference_program=right, integrity=AUTO)
        assert verdict.integrity is Integrity.SHARED
        labels.append(verdict.label is Label.ALL_PASS)

    assert labels == [True, False]


@pytest.mark.parametrize(
    "test",
    [
        "given = [2, 1]\nassert f(given) == [1, 2]\nassert given == [2, 1]\n",
        "found = f([2, 1])\nfound.reverse()\nassert found == [2, 1]\n",
        "given = []\nfor n in (3, 1):\n    given.append(n)\nassert f(given) == [1, 3]\n",
        "found = []\nfor n in (2, 1):\n    found.append(f([n]))\nassert found == [[2], [1]]\n",
        "assert f([1]) is not None\n",
        "class Own: pass\nown = Own()\nown.given = [2, 1]\nassert f(own.given) == [1, 2]\n",
    ],
)
def test_what_no_later_call_can_meet_is_judged_apart(slot, test):
    program = "def f(given): return sorted(given)\n"

    verdict = judged(slot, program, test, reference_program=program, integrity=AUTO)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.ISOLATED)
