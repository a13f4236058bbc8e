"""Every attack on one of its suites, in a jail of its own nsjail."""

import pytest

from tests.hostile.attacks import attack, attacks_in_strict_jails

ATTACKS = list(attacks_in_strict_jails())


@pytest.mark.parametrize(("slot", "folder", "suite", "expect"), ATTACKS, indirect=["slot"])
def test_attack_gets_its_label_and_leaves_nothing(folder, suite, expect, judges):
    attack(folder, suite, expect, judges)
