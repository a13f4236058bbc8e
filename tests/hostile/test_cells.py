"""Every attack on each of its suites, in a jail forked from a cell."""

import pytest

from tests.hostile.attacks import attack, attacks_in_cells

ATTACKS = list(attacks_in_cells())


@pytest.mark.parametrize(("folder", "suite", "expect"), ATTACKS)
@pytest.mark.parametrize("slot", ["cell"], indirect=True)  # Alone, or each test has its own.
def test_attack_gets_its_label_and_leaves_nothing(folder, suite, expect, judges):
    attack(folder, suite, expect, judges)
