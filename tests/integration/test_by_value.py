"""Right programs whose answers and classes cross as they are, where no reference program decides."""

import pytest

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
