"""Rates of problems solved, with intervals, and whether two models differ: pure.

Every interval is one of 95 %, and the same numbers give the same interval for ever.
"""

import bisect
import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Final, NamedTuple

_RESAMPLES: Final = 2_000
_MANY: Final = 5_000
"""Problems above which their mean is taken as normal, which resampling would only find slowly."""
_CONFIDENCE: Final = 0.95
_TAIL: Final = (1.0 - _CONFIDENCE) / 2
_Z: Final = NormalDist().inv_cdf(1.0 - _TAIL)


class Estimate(NamedTuple):
    """A mean over problems with its 95 % interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.1%} [{self.low:.1%}, {self.high:.1%}]"


class Count(NamedTuple):
    """The programs of one problem."""

    all: int
    right: int


def pass_at_k(n: int, c: int, k: int) -> float:
    """Return the chance that k of n programs, c of them right, hold a right one.

    Unbiased (Chen et al. 2021, arXiv 2107.03374): 1 - C(n-c, k) / C(n, k), as a product.

    Raises:
        ValueError: there are fewer than k programs.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs at least {k} programs, and has {n} with {c} right")
    return 1.0 - math.prod(1.0 - k / i for i in range(n - c + 1, n + 1)) if c else 0.0


def wilson(right: int, total: int) -> Estimate:
    """Return a share with Wilson's score interval, which says something of 0 and of all too.

    Raises:
        ValueError: there is nothing to take a share of.
    """
    if not 0 <= right <= total or not total:
        raise ValueError(f"{right} of {total} is no share")
    share, spread = right / total, _Z * _Z / total
    middle = (share + spread / 2) / (1.0 + spread)
    half = _Z * math.sqrt(share * (1.0 - share) / total + spread / total / 4) / (1.0 + spread)
    # Rounding must not move the ends past what was found.
    return Estimate(share, max(0.0, min(middle - half, share)), min(1.0, max(middle + half, share)))


def mean_of(values: Sequence[float], seed: int = 0, *, many: int = _MANY) -> Estimate:
    """Return the mean of one value from 0 to 1 for each problem.

    Wilson's interval where each problem is solved or not; else the percentile interval of means of
    problems drawn with replacement. Above `many` problems their mean is taken as normal.

    Raises:
        ValueError: there are no values.
    """
    if values and all(value in (0.0, 1.0) for value in values):
        return wilson(round(sum(values)), len(values))
    return _bootstrap(values, 0.0, seed, many)


def difference(before: Sequence[float], after: Sequence[float], seed: int = 0) -> Estimate:
    """Return how much the mean rose over the same problems; problems are drawn as pairs.

    Raises:
        ValueError: they are not of the same problems, or of none.
    """
    rises = [float(b) - float(a) for a, b in zip(before, after, strict=True)]
    return _bootstrap(rises, -1.0, seed)


def over_problems(counts: Sequence[Count], k: int, seed: int = 0) -> Estimate:
    """Return pass@k, with how far it may be from that of other problems of the kind.

    Raises:
        ValueError: there is no problem, or one with fewer than k programs.
    """
    return mean_of([pass_at_k(count.all, count.right, k) for count in counts], seed)


def over_seeds(by_seed: Sequence[Sequence[Count]], k: int, seed: int = 0) -> Estimate:
    """Return the mean pass@k of several seeds over the same problems, each with its own programs.

    The interval says how far another seed on other problems of the kind may be from it: seeds and
    problems are drawn with replacement, each for itself.

    Raises:
        ValueError: there is no seed or no problem, or one with fewer than k programs.
    """
    values = [[pass_at_k(*count, k) for count in counts] for counts in by_seed]
    return _crossed(values, mean_of(_means(values), seed), 0.0, seed)


def difference_over_seeds(
    before: Sequence[Sequence[float]], after: Sequence[Sequence[float]], seed: int = 0
) -> Estimate:
    """Return how much the mean rose over the same problems, with the same seeds.

    Args:
        before: A row for each seed, with a value for each problem.
        after: The same of the other one.
        seed: Of the resampling.

    Raises:
        ValueError: they are not of the same problems and seeds, or of none.
    """
    rises = [
        [b - a for a, b in zip(one, other, strict=True)]
        for one, other in zip(before, after, strict=True)
    ]
    return _crossed(rises, _bootstrap(_means(rises), -1.0, seed), -1.0, seed)


def over_programs(counts: Sequence[Count], k: int, seed: int = 0) -> Estimate:
    """Return pass@k, with how far another run on these very problems may be from it.

    The programs of each problem are drawn with replacement. What is drawn holds fewer different
    ones, so its mean is off; the interval is put around the estimate. Where the programs of each
    problem are all right or all wrong, drawing shows nothing of what is rare: Wilson's bound on the
    share of others stands in.

    Raises:
        ValueError: there is no problem, or one with fewer than k programs.
    """
    mean = math.fsum(pass_at_k(*count, k) for count in counts) / _some(len(counts))
    if all(count.right in (0, count.all) for count in counts):
        rare = wilson(0, sum(count.all for count in counts)).high
        more = (1.0 - mean) * (1.0 - (1.0 - rare) ** k)
        return Estimate(mean, mean - mean * rare**k, mean + more)
    rng = random.Random(seed)  # noqa: S311 - resampling, not secrets
    draws = [_drawn(count, k) for count in counts]
    means = [sum(draw(rng.random()) for draw in draws) / len(counts) for _ in range(_RESAMPLES)]
    off = mean - math.fsum(means) / len(means)
    low, high = _percentiles(means)
    return Estimate(mean, max(0.0, min(mean, low + off)), min(1.0, max(mean, high + off)))


def mcnemar(before: Sequence[bool], after: Sequence[bool]) -> float:
    """Return how likely a split as uneven is among problems that one of two models solves (exact).

    Raises:
        ValueError: they are not of the same problems.
    """
    won = sum(b and not a for a, b in zip(before, after, strict=True))
    lost = sum(a and not b for a, b in zip(before, after, strict=True))
    total = won + lost
    tail = sum(math.comb(total, number) for number in range(min(won, lost) + 1))
    return min(1.0, 2 * tail / (1 << total))


def _bootstrap(values: Sequence[float], least: float, seed: int, many: int = _MANY) -> Estimate:
    """Draw problems with replacement; a value is from `least` to 1."""
    size = _some(len(values))
    mean = math.fsum(values) / size
    if min(values) == max(values):
        # All alike: resampling shows nothing of those that are rare.
        rare = wilson(0, size).high
        return Estimate(mean, mean - rare * (mean - least), mean + rare * (1.0 - mean))
    if size > many:
        half = _Z * math.sqrt(math.fsum((v - mean) ** 2 for v in values)) / size
        return Estimate(mean, max(least, mean - half), min(1.0, mean + half))
    rng = random.Random(seed)  # noqa: S311 - resampling, not secrets
    means = [sum(rng.choices(values, k=size)) / size for _ in range(_RESAMPLES)]
    return Estimate(mean, *_percentiles(means))


def _means(values: Sequence[Sequence[float]]) -> list[float]:
    """Return the mean over seeds for each problem."""
    count = _some(len(values))
    return [math.fsum(column) / count for column in zip(*values, strict=True)]


def _crossed(
    values: Sequence[Sequence[float]], alone: Estimate, least: float, seed: int
) -> Estimate:
    """Widen the interval of problems alone by what seeds add; a row of values for each seed."""
    count, size = len(values), len(values[0])
    if count < 2:
        return alone
    of_seed = [math.fsum(row) / size for row in values]
    # Few seeds that are drawn with replacement differ less than seeds do.
    wider = math.sqrt(count / (count - 1)) - 1.0
    off = [wider * (mean - alone.mean) for mean in of_seed]
    rng = random.Random(seed)  # noqa: S311 - resampling, not secrets
    means = []
    for _ in range(_RESAMPLES):
        drawn = rng.choices(range(count), k=count)
        problems = rng.choices(range(size), k=size)
        total = sum(
            times * (sum(map(values[row].__getitem__, problems)) / size + off[row])
            for row, times in Counter(drawn).items()
        )
        means.append(max(least, min(1.0, total / count)))
    low, high = _percentiles(means)
    return Estimate(alone.mean, min(low, alone.low), max(high, alone.high))


def _percentiles(means: list[float]) -> tuple[float, float]:
    means = sorted(means)
    last = len(means) - 1
    return means[round(_TAIL * last)], means[round((1.0 - _TAIL) * last)]


def _drawn(count: Count, k: int) -> Callable[[float], float]:
    """Return what gives the pass@k of programs drawn again, for a number from 0 to 1."""
    n, c = count
    values = [pass_at_k(n, i, k) for i in range(n + 1)]
    if c in (0, n):
        return lambda chance: values[c]
    # By logarithms, for binomials of many programs are greater than a float can be.
    chances = (
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(i + 1)
            - math.lgamma(n - i + 1)
            + i * math.log(c / n)
            + (n - i) * math.log(1.0 - c / n)
        )
        for i in range(n)
    )
    bounds = list(itertools.accumulate(chances))
    return lambda chance: values[bisect.bisect_right(bounds, chance)]


def _some(number: int) -> int:
    if not number:
        raise ValueError("no problem was evaluated")
    return number
