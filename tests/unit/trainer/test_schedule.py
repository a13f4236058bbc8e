"""The learning rate as a function of the step."""

import pytest

from trainer.schedule import learning_rate


def rate(step, warmup=4, decay=0):
    return learning_rate(step, 0.1, warmup, decay, 0.2)


def test_it_rises_linearly_and_stays():
    assert [rate(step) for step in (1, 2, 4, 5, 900)] == pytest.approx([0.025, 0.05, 0.1, 0.1, 0.1])


def test_it_falls_along_half_a_cosine_to_its_final_share():
    halfway = 0.1 * (0.2 + 0.8 / 2)

    assert rate(4, decay=24) == pytest.approx(0.1)
    assert rate(14, decay=24) == pytest.approx(halfway)
    assert rate(24, decay=24) == pytest.approx(0.02)
    assert rate(900, decay=24) == pytest.approx(0.02)


def test_without_a_warm_up_the_first_step_is_a_full_one():
    assert rate(1, warmup=0) == pytest.approx(0.1)


def test_a_decay_that_ends_within_the_warm_up_ends_at_its_final_share():
    assert rate(5, warmup=4, decay=2) == pytest.approx(0.02)
