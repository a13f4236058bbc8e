"""The scales on which rewards are given."""

from itertools import pairwise

import pytest

from infra.contracts.base import Label
from ranker.rewards import Scale, reward_of

RISING = [
    (Label.COMPILE_ERROR, 0.0),
    (Label.RUNTIME_ERROR, 0.0),
    (Label.PARTIAL_PASS, 0.0),
    (Label.PARTIAL_PASS, 0.5),
    (Label.PARTIAL_PASS, 999 / 1000),
    (Label.ALL_PASS, 1.0),
]


def test_the_usual_scale_rises_from_nothing_by_the_share_of_tests():
    rewards = [reward_of(*result, Scale.GRADED) for result in RISING]

    assert rewards == pytest.approx([0, 0.05, 0.1, 0.5, 0.8992, 1])


@pytest.mark.parametrize("scale", Scale)
def test_no_scale_is_against_the_order_of_label_and_share(scale):
    rewards = [reward_of(*result, scale) for result in RISING]

    assert all(worse <= better for worse, better in pairwise(rewards))
    assert (rewards[0], rewards[-1]) == (0, 1)


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (Scale.BINARY, [0, 0, 0, 0, 0, 1]),
        (Scale.FRACTION, [0, 0, 0, 0.5, 0.999, 1]),
        (Scale.PAPER, [0, 1 / 3, 2 / 3, 2 / 3, 2 / 3, 1]),
    ],
)
def test_the_other_scales_are_as_named(scale, expected):
    assert [reward_of(*result, scale) for result in RISING] == pytest.approx(expected)
