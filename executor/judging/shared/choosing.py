"""Which siblings of tests are tried and used: of every check some, and no more than time allows."""

import itertools
import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from executor.judging.shared.arranging import Pattern
from executor.judging.shared.guarding import Runs
from infra.contracts.problems import MAX_WALL_SECONDS

_LEAST_SECONDS: Final = 1.0
"""CPU and idle time that siblings may always take together; more only if the tests do."""
_TIMES: Final = 4
"""What the first of each check may take together, as a multiple of the tests' time."""
_WANTED: Final = ((5, 3), (20, 2), (10**9, 1))
"""Up to how many checks how many siblings of each are in use: where there are few, guessing which
is which must not pay."""
ALL_SECONDS: Final = 0.45 * MAX_WALL_SECONDS
"""CPU seconds, and idle ones, that tests and siblings may take together: less than we wait for
them, so that what takes longer is told from what gets no processor."""


class NoTime(Exception):
    """The tests take so long that none is left for anything beside them."""


def with_time(pattern: Pattern, seconds: float) -> list[int]:
    """Return as many siblings as there is time for: of every check one, and then more.

    Tests alone take so many `seconds`, and each sibling is taken to need as long as a test.

    Raises:
        NoTime: there is time for none, and no check is made outside.
    """
    siblings = pattern.siblings()
    tests = len(pattern.items) - len(siblings)
    room = tests * (ALL_SECONDS / seconds - 1) if seconds else math.inf
    if len(siblings) <= room:
        return siblings
    turns: Counter[tuple[int | None, bool]] = Counter()
    turn = {}
    for item in siblings:
        turn[item] = turns[way_of(pattern, item)]
        turns[way_of(pattern, item)] += 1
    found = sorted(siblings, key=turn.__getitem__)[: max(0, int(room))]
    if not (found or pattern.outside):
        raise NoTime
    return sorted(found)


def parted(pattern: Pattern, siblings: Iterable[int], wanted: int) -> tuple[list[int], list[int]]:
    """Part the first siblings of each check, and of each way in which it is to fail, from others.

    They are as many as may be in use, if so many are `wanted`.
    """
    first: list[int] = []
    others: list[int] = []
    counts: Counter[tuple[int | None, bool]] = Counter()
    for item in siblings:
        way = way_of(pattern, item)
        counts[way] += 1
        (first if counts[way] <= _most_in_use(way, wanted) else others).append(item)
    return first, others


def how_many(sites: int = _WANTED[-1][0]) -> int:
    """Return how many siblings of each way are wanted where there are so many checks."""
    return next(count for most, count in _WANTED if sites <= most)


def _most_in_use(way: tuple[int | None, bool], wanted: int) -> int:
    """Return how many siblings of a way are in use, if so many of other ways are wanted."""
    # Of those in which nothing happens one more: it expects what the test does.
    return wanted + way[1]


def way_of(pattern: Pattern, item: int) -> tuple[int | None, bool]:
    """Return the check of a sibling, and whether what that expects does not happen.

    Siblings that expect something else find who lets a check hold whatever is expected; those in
    which nothing happens, who lets it hold by what is expected.
    """
    return pattern.items[item].site, pattern.items[item].is_uneventful


def chosen(pattern: Pattern, siblings: Iterable[int], runs: Runs) -> list[int]:
    """Take one sibling of each check, and then more, where there are few or there is time."""
    by_way: dict[tuple[int | None, bool], list[int]] = {}
    for item in sorted(siblings):
        by_way.setdefault(way_of(pattern, item), []).append(item)
    sites = len({site for site, _ in by_way})
    wanted = how_many(sites)
    seconds = {
        item: sum(r.cpu_seconds + r.idle_seconds for r in told.values())
        for item, told in runs.items()
    }
    tests = sum(s for n, s in seconds.items() if n is None or pattern.items[n].site is None)
    spent, taken = 0.0, []
    rows = [items[: _most_in_use(way, wanted)] for way, items in by_way.items()]
    for turn, row in enumerate(itertools.zip_longest(*rows)):
        most = max(_LEAST_SECONDS, min(tests if turn else _TIMES * tests, ALL_SECONDS - tests))
        for item in row:
            if item is not None and spent + seconds[item] <= most:
                spent += seconds[item]
                taken.append(item)
    return taken
