"""What a reference program shows of tests, their siblings, and the checks that are made outside."""

import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, Final

from executor.judging.shared import choosing
from executor.judging.shared.arranging import NAME, Arrangement, Learnt, Pattern
from executor.judging.shared.guarding import LIMITS, Guard, Ran, Runs, read
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult
from infra.contracts.values import tagged

_ATTEMPTS: Final = 6
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
    seconds: float = 0.0,
) -> Guard | None:
    """Find by runs of the reference program which siblings it fails; None if order decides.

    Two runs in two orders have to agree. Where tests of a group fail in another order than theirs,
    the group is kept as it is. `tests` are the names of what it passes when nothing is changed, in
    so many `seconds`.

    Raises:
        Mistaken: some checks cannot be made outside.
        choosing.NoTime: there is no time for siblings, and no check can be made outside.
    """
    siblings, kept, thinned = choosing.with_time(pattern, seconds), frozenset[int](), False
    others: list[int] = []
    if pattern.characters(siblings) > _LARGE:
        _require_outside(pattern, tests, run)
        wanted = choosing.how_many(len({pattern.items[item].site for item in siblings}))
        siblings, others, thinned = *choosing.parted(pattern, siblings, wanted), True
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
            siblings, thinned = choosing.parted(pattern, siblings, choosing.how_many())[0], True
        elif broken - kept:
            kept, before = kept | broken, None
            siblings = [item for item in siblings if pattern.group_of(item) not in kept]
        elif broken:
            break
        elif before is None:
            before = _guard(pattern, tests, kept, runs, *_reached(pattern, arrangement, ran))
            siblings, load = list(before.failing), ran.load
            found = {choosing.way_of(pattern, item) for item in siblings}
            others = [item for item in others if choosing.way_of(pattern, item) not in found]
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

    Raises:
        choosing.NoTime: the time of all is used up, and tests alone would show nothing.
    """
    for attempt in itertools.count(1):
        arrangement = Arrangement(pattern, siblings, kept, order, learns=True)
        ran = run(arrangement)
        ending = {
            item
            for item, results in read(arrangement, ran.told).items()
            if item in siblings and any(r.outcome in LIMITS for r in results.values())
        }
        if ran.used_up and not (siblings and pattern.outside):
            raise choosing.NoTime
        if ran.used_up:
            siblings = []
            continue
        if not ending or attempt == _ATTEMPTS:
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
    chosen = choosing.chosen(pattern, {n: found for n, found in failing.items() if found}, runs)
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
