"""Pass rates: unbiased, with intervals that cover, and never guessed."""

import itertools
import json
import random

import pytest

from infra import errors
from services.evaluation import bootstrap, paired_difference, pass_at_k, read_problems
from services.exercises import files
from services.exercises.exercise import Split


@pytest.mark.parametrize(
    ("n", "c", "k", "expected"),
    [
        (200, 1, 1, 0.005),
        (200, 1, 10, 0.05),
        (200, 1, 100, 0.5),
        (200, 191, 10, 1.0),
        (5, 2, 3, 0.9),
        (4, 0, 2, 0.0),
        (4, 4, 4, 1.0),
    ],
)
def test_pass_at_k_has_the_published_values(n, c, k, expected):
    assert pass_at_k(n, c, k) == pytest.approx(expected)


def test_pass_at_k_is_the_share_of_draws_that_hold_a_right_one():
    for n, c, k in [(6, 2, 3), (7, 1, 4), (5, 4, 2)]:
        right = [index < c for index in range(n)]
        draws = list(itertools.combinations(right, k))

        assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws))


@pytest.mark.parametrize(("n", "c", "k"), [(5, 2, 6), (5, 6, 1), (5, -1, 1), (5, 2, 0)])
def test_pass_at_k_refuses_what_it_cannot_know(n, c, k):
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k(n, c, k)


def test_intervals_cover_the_truth_as_often_as_they_say():
    rng = random.Random(0)
    covered = 0
    for seed in range(60):
        found = bootstrap([float(rng.random() < 0.3) for _ in range(120)], seed)
        covered += found.low <= 0.3 <= found.high
        assert found.low <= found.mean <= found.high

    assert covered >= 51


def test_a_paired_difference_is_narrower_than_two_rates_apart():
    before = [number % 3 == 0 for number in range(300)]
    after = [number % 3 == 0 or number % 10 == 1 for number in range(300)]

    rise = paired_difference(before, after)

    apart = bootstrap([float(one) for one in after])
    assert rise.mean == pytest.approx((sum(after) - sum(before)) / 300)
    assert 0 < rise.low < rise.mean < rise.high
    assert rise.high - rise.low < apart.high - apart.low
    with pytest.raises(ValueError, match="argument"):
        paired_difference(before, after[:-1])


def test_a_file_with_a_bad_problem_is_not_evaluated_in_part(tmp_path):
    path = files.write_problems(tmp_path, Split.HELD_OUT, 0, 3)
    assert len(read_problems(path)) == 3
    path.write_text(path.read_text() + json.dumps({"slug": "broken"}) + "\n")

    with pytest.raises(errors.InvalidInput, match="line 4"):
        read_problems(path)
