"""What a reference program shows of tests, their siblings, and the checks that are made outside."""

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from executor.judging.shared.arranging import NAME, Arrangement, Learnt, Pattern
from executor.judging.shared.guarding import LIMITS, Guard, Ran, Runs, read
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult
from infra.contracts.values import tagged

_ATTEMPTS: Final = 6
_LEAST_SECONDS: Final = 1.0
"""CPU time that siblings may always take together; more only if the tests do."""
_TIMES: Final = 4
"""What the first of each check may take together, as a multiple of the tests' time."""
_WANTED: Final = ((5, 3), (20, 2), (10**9, 1))
"""Up to how many checks how many siblings of each are in use: where there are few, guessing which
is which must not pay."""
_LARGE: Final = 100_000
"""Characters of siblings that are all tried at once; of more, as many as there may be in use."""
_NO_GROUP: Final = -1
_MOST_TIMES: Final = 1_000
"""How often a reference program may come to a check that is made outside, in one test."""


class Mistaken(Exception):
    """Some checks cannot be made outside: the reference program has no right value for them."""

    def __init__(self, checks: Collection[int]) -> None:
        super().__init__(f"{len(checks)} checks")
        self.checks = frozenset(checks)


def learn(
    pattern: Pattern,
    tests: Sequence[str],
    run: Callable[[Arrangement], Ran],
) -> Guard | None:
    """Find by runs of the reference program which siblings it fails; None if order decides.

    Two runs in two orders have to agree. Where tests of a group fail in another order than theirs,
    the group is kept as it is. `tests` are the names of what it passes when nothing is changed.

    Raises:
        Mistaken: some checks cannot be made outside.
    """
    siblings, kept, thinned = pattern.siblings(), frozenset[int](), False
    others: list[int] = []
    if pattern.characters(siblings) > _LARGE:
        _require_outside(pattern, tests, run)
        wanted = _wanted(len({pattern.items[item].site for item in siblings}))
        siblings, others, thinned = *_thinned(pattern, siblings, wanted), True
    before: Guard | None = None
    tried: list[int] | None = None
    failed: frozenset[int] = frozenset()
    load = 0.0
    for _ in range(_ATTEMPTS):
        # What comes before another in one run comes after it in the next.
        order = reversed if before is None else sorted
        siblings, arrangement, ran = _run_through(pattern, siblings, kept, order, run)
        runs = read(arrangement, ran.told)
        broken, failed = _broken(pattern, tests, runs), failed | _failed(pattern, tests, runs)
        if broken - kept and tried is not None:
            siblings, others, tried = tried, [], None
        elif broken - kept and not thinned:
            # So many copies of a test may take more than there is for one.
            siblings, thinned = _thinned(pattern, siblings, _wanted())[0], True
        elif ran.used_up:
            break
        elif broken - kept:
            kept, before = kept | broken, None
            siblings = [item for item in siblings if pattern.group_of(item) not in kept]
        elif broken:
            break
        elif before is None:
            before = _guard(pattern, tests, kept, runs, *_reached(pattern, arrangement, ran))
            siblings, load = list(before.failing), ran.load
            found = {_way(pattern, item) for item in siblings}
            others = [item for item in others if _way(pattern, item) not in found]
            if others:
                tried, siblings, others, before = siblings, siblings + others, [], None
        else:
            guard = _guard(pattern, tests, kept, runs, *_reached(pattern, arrangement, ran))
            return guard._replace(
                load=max(load, ran.load),
                learnt=_agreed(before.learnt, guard.learnt),
                runs={n: told for n, told in guard.runs.items() if before.runs.get(n) == told},
                failing={n: f for n, f in guard.failing.items() if before.failing.get(n) == f},
                slowest=max(before.slowest, guard.slowest),
                reached={n: r & before.reached.get(n, r) for n, r in guard.reached.items()},
            )
        if not (siblings or pattern.outside) or _NO_GROUP in kept:
            break
    if pattern.outside:
        # What a check raises may be what its test is about, or it has lost what it computes with.
        own = frozenset[int]().union(*map(pattern.outside_of, failed))
        raise Mistaken(own or pattern.outside)
    return None


def _run_through(
    pattern: Pattern,
    siblings: list[int],
    kept: frozenset[int],
    order: Callable[[Sequence[int]], Iterable[int]],
    run: Callable[[Arrangement], Ran],
) -> tuple[list[int], Arrangement, Ran]:
    """Run tests and siblings, less those that met a limit: each keeps all that follow from a turn.

    Returns the siblings that are left, and the last run with how it was arranged.
    """
    for attempt in itertools.count(1):
        arrangement = Arrangement(pattern, siblings, kept, order, learns=True)
        ran = run(arrangement)
        ending = {
            item
            for item, results in read(arrangement, ran.told).items()
            if item in siblings and any(r.outcome in LIMITS for r in results.values())
        }
        if not ending or ran.used_up or attempt == _ATTEMPTS:
            break
        # Those of one check are alike; the first time it may have been this one alone.
        sites = {pattern.items[item].site for item in ending} if attempt > 1 else set()
        siblings = [
            item
            for item in siblings
            if item not in ending and pattern.items[item].site not in sites
        ]
    return siblings, arrangement, ran


def _reached(
    pattern: Pattern, arrangement: Arrangement, ran: Ran
) -> tuple[dict[tuple[int | None, str], frozenset[int]], Learnt]:
    """Return the checks made outside to which each run of a test comes, and what is learnt there.

    Raises:
        Mistaken: some do not hold there, or nobody comes to them.
    """
    reached: dict[tuple[int | None, str], frozenset[int]] = {}
    learnt: dict[tuple[int | None, str], dict[int, tuple[Any, ...]]] = {}
    missing, wrong = set(pattern.outside), set[int]()
    for name, compared in ran.compared.items():
        item, run = arrangement.read(name)
        if item is not None and pattern.items[item].site is not None:
            continue  # It may end before it has come to all.
        reached[item, run] = frozenset(compared.times)
        missing -= compared.times.keys()
        learnt[item, run] = {
            check: tuple(map(tagged.decode_tree, values))
            for check, values in compared.learnt.items()
            if check not in compared.failed
        }
        wrong |= compared.failed | {
            check
            for check, times in compared.times.items()
            if not pattern.outside[check].least <= times <= _MOST_TIMES
        }
    if missing | wrong:
        raise Mistaken(missing | wrong)
    return reached, learnt


def _agreed(one: Learnt, other: Learnt) -> Learnt:
    """Return what two runs expect: as often as both do, or once where it is always the same.

    Raises:
        Mistaken: some checks expect something else another time.
    """
    found: dict[tuple[int | None, str], dict[int, tuple[Any, ...]]] = {}
    wrong = set[int]()
    for run in one.keys() | other.keys():
        found[run] = {}
        for check in one.get(run, {}).keys() | other.get(run, {}).keys():
            here, there = one.get(run, {}).get(check), other.get(run, {}).get(check)
            if not _are_same(here, there):
                here, there = _only(here), _only(there)
            if here is None or not _are_same(here, there):
                wrong.add(check)
            else:
                found[run][check] = here
    if wrong:
        raise Mistaken(wrong)
    return found


def _only(values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
    """Return the one value that a check always expects; None if there is none."""
    if values is None or not all(_are_same(value, values[0]) for value in values):
        return None
    return values[:1]


def _are_same(one: object, other: object) -> bool:
    # By what is written, for a NaN is equal to none.
    return one is not None and other is not None and (one == other or repr(one) == repr(other))


def _require_outside(
    pattern: Pattern, tests: Sequence[str], run: Callable[[Arrangement], Ran]
) -> None:
    """Run the tests alone, which costs little, if that shows which checks cannot be made outside.

    Raises:
        Mistaken: some cannot.
    """
    arrangement = Arrangement(pattern, (), (), reversed, learns=True)
    ran = run(arrangement)
    if not _broken(pattern, tests, read(arrangement, ran.told)):
        _reached(pattern, arrangement, ran)


def _thinned(pattern: Pattern, siblings: Iterable[int], wanted: int) -> tuple[list[int], list[int]]:
    """Part the first siblings of each check, and of each way in which it is to fail, from others.

    They are as many as may be in use, if so many are `wanted`.
    """
    first: list[int] = []
    others: list[int] = []
    counts: Counter[tuple[int | None, bool]] = Counter()
    for item in siblings:
        way = _way(pattern, item)
        counts[way] += 1
        (first if counts[way] <= _most_in_use(way, wanted) else others).append(item)
    return first, others


def _wanted(sites: int = _WANTED[-1][0]) -> int:
    """Return how many siblings of each way are wanted where there are so many checks."""
    return next(count for most, count in _WANTED if sites <= most)


def _most_in_use(way: tuple[int | None, bool], wanted: int) -> int:
    """Return how many siblings of a way are in use, if so many of other ways are wanted."""
    # Of those in which nothing happens one more: it expects what the test does.
    return wanted + way[1]


def _way(pattern: Pattern, item: int) -> tuple[int | None, bool]:
    """Return the check of a sibling, and whether what that expects does not happen.

    Siblings that expect something else find who lets a check hold whatever is expected; those in
    which nothing happens, who lets it hold by what is expected.
    """
    return pattern.items[item].site, pattern.items[item].is_uneventful


def _broken(pattern: Pattern, tests: Collection[str], runs: Runs) -> frozenset[int]:
    """Groups in which a test has not passed; `_NO_GROUP` if one of none has not."""
    missing, broken = set(tests), set[int]()
    for item, results in runs.items():
        if item is not None and pattern.items[item].site is not None:
            continue
        for run, result in results.items():
            name = run if item is None else run.replace(NAME, pattern.items[item].name)
            if name in tests and result.outcome is Outcome.PASSED:
                missing.discard(name)
            elif name in tests or result.outcome is not Outcome.NOT_RUN:
                broken.add(_NO_GROUP if item is None else pattern.group_of(item))
    return frozenset(broken | ({_NO_GROUP} if missing and not broken else set()))


def _failed(pattern: Pattern, tests: Collection[str], runs: Runs) -> frozenset[int]:
    """Tests that the reference program has passed, and that it passes no more."""
    return frozenset(
        item
        for item, results in runs.items()
        if item is not None and pattern.items[item].site is None
        for run, result in results.items()
        if run.replace(NAME, pattern.items[item].name) in tests
        and result.outcome is not Outcome.PASSED
    )


def _guard(
    pattern: Pattern,
    tests: Sequence[str],
    kept: frozenset[int],
    runs: Runs,
    reached: dict[tuple[int | None, str], frozenset[int]],
    learnt: Learnt,
) -> Guard:
    """Take the siblings that the program fails in the check that was changed."""
    failing = {
        item: frozenset(run for run, result in results.items() if _fails(pattern, item, result))
        for item, results in runs.items()
        if item is not None and pattern.items[item].site is not None
    }
    chosen = _chosen(pattern, {n: found for n, found in failing.items() if found}, runs)
    told = {
        item: tuple(results)
        for item, results in runs.items()
        if item in chosen or (item is not None and item not in failing)
    }
    used = {item: failing[item] for item in chosen}
    slowest = max((r.cpu_seconds for n in chosen for r in runs[n].values()), default=0.0)
    return Guard(pattern, tuple(tests), told, used, kept, reached, learnt, slowest)


def _fails(pattern: Pattern, item: int, result: TestResult) -> bool:
    ends = (Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR)
    return result.outcome in (ends if pattern.items[item].raises else ends[:1])


def _chosen(pattern: Pattern, siblings: Iterable[int], runs: Runs) -> list[int]:
    """Take one sibling of each check, and then more, where there are few or there is time."""
    by_way: dict[tuple[int | None, bool], list[int]] = {}
    for item in sorted(siblings):
        by_way.setdefault(_way(pattern, item), []).append(item)
    sites = len({site for site, _ in by_way})
    wanted = _wanted(sites)
    seconds = {item: sum(r.cpu_seconds for r in told.values()) for item, told in runs.items()}
    tests = sum(s for n, s in seconds.items() if n is None or pattern.items[n].site is None)
    spent, chosen = 0.0, []
    rows = [items[: _most_in_use(way, wanted)] for way, items in by_way.items()]
    for turn, row in enumerate(itertools.zip_longest(*rows)):
        most = max(_LEAST_SECONDS, tests if turn else _TIMES * tests)
        for item in row:
            if item is not None and spent + seconds[item] <= most:
                spent += seconds[item]
                chosen.append(item)
    return chosen
