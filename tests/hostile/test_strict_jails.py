"""Every attack on one of its suites, in a jail of its own nsjail."""

import pytest

from tests.hostile.attacks import attack, attacks_in_strict_jails

ATTACKS = list(attacks_in_strict_jails())


@pytest.mark.parametrize(("folder", "suite", "expect"), ATTACKS)
@pytest.mark.parametrize("slot", ["strict"], indirect=True)  # Alone, or each test has its own.
def test_attack_gets_its_label_and_leaves_nothing(folder, suite, expect, judges):
    attack(folder, suite, expect, judges)
