"""Every attack on each of its suites, in a jail forked from a cell."""

import pytest

from tests.hostile.attacks import attack, attacks_in_cells

ATTACKS = list(attacks_in_cells())


@pytest.mark.parametrize(("slot", "folder", "suite", "expect"), ATTACKS, indirect=["slot"])
def test_attack_gets_its_label_and_leaves_nothing(folder, suite, expect, judges):
    attack(folder, suite, expect, judges)
