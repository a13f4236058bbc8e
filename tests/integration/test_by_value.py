"""Right programs whose answers and classes cross where no reference program decides."""

import pytest

from executor.judging.asserting import SuiteBroken
from infra.contracts.base import Integrity, IntegrityRule, Label
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


def passes(slot, program, test):
    verdict = judged(slot, program, test, integrity=IntegrityRule.ISOLATED)
    assert verdict.integrity is Integrity.ISOLATED
    return verdict.label is Label.ALL_PASS


@pytest.mark.parametrize("name", ["of", "make", "load"])
def test_a_class_method_may_have_any_name(slot, name):
    program = f"""
class Row:
    def __init__(self, *items): self.items = list(items)
    @classmethod
    def {name}(cls, *items): return cls(*items)
"""

    assert passes(slot, program, f"assert Row.{name}(1, 2).items == [1, 2]")


@pytest.mark.parametrize("factory", ["lambda: 0", "Counter", "defaultdict(int).copy", "Node"])
@pytest.mark.parametrize(
    "test", ["assert f('aab') == {'a': 2, 'b': 1}", "d = f('aab')\nassert d['a'] + d['b'] == 3"]
)
def test_what_makes_the_values_of_missing_keys_may_be_anything(slot, factory, test):
    program = f"""
from collections import Counter, defaultdict
class Node: pass
def f(text):
    found = defaultdict({factory})
    for letter in text: found[letter] = text.count(letter)
    return found
"""

    assert passes(slot, program, test)


def test_a_missing_key_of_which_nobody_knows_the_value_is_not_passed(slot):
    program = "from collections import defaultdict\ndef f(): return defaultdict(lambda: 0)\n"
    test = """
import pytest
def test_a():
    with pytest.raises(BaseException): f()["a"]
def test_b():
    try: assert f()["a"] == 0
    except Exception: pass
"""

    verdict = judged(slot, program, test, integrity=IntegrityRule.ISOLATED)

    assert all("not_plain_data" in test.detail for test in verdict.tests)


def test_tests_that_hand_over_such_a_dict_are_at_fault(slot):
    test = "from collections import defaultdict\nassert f(defaultdict(lambda: 0)) == {}\n"

    with pytest.raises(SuiteBroken, match="hand over"):
        passes(slot, "def f(d): return d", test)
