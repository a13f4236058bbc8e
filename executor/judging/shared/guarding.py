"""What a reference program shows of tests and their siblings, and what follows for a candidate.

A sibling is a test that was changed so that a right program fails it. Whoever lets it pass as well
has not judged honestly, and the test that it is a sibling of counts as failed.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Final, NamedTuple

from executor.judging.shared.arranging import NAME, Arrangement, Pattern
from infra.contracts.base import Outcome
from infra.contracts.execution import MAX_NAME_CHARACTERS, TestResult

_FORGED: Final = "a changed test passed too: the tests were not judged honestly"
_UNJUDGED: Final = "its changed copies did not run"
_ATTEMPTS: Final = 6
_LEAST_SECONDS: Final = 1.0
"""CPU time that siblings may always take together; more only if the tests do."""
_WANTED: Final = ((5, 3), (20, 2), (10**9, 1))
"""Up to how many checks how many siblings of each are in use: where there are few, guessing which
is which must not pay."""
_OUTSIDE: Final = -1
_JUDGED: Final = (Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.NOT_RUN)
_LIMITS: Final = (
    Outcome.TIME_LIMIT_EXCEEDED,
    Outcome.MEMORY_LIMIT_EXCEEDED,
    Outcome.OUTPUT_LIMIT_EXCEEDED,
)
_Runs = dict[int | None, dict[str, TestResult]]


class Guard(NamedTuple):
    """Tests and siblings, of which a reference program passes the one and fails the other."""

    pattern: Pattern
    tests: tuple[str, ...]
    """The tests' names, in their order."""
    runs: dict[int, tuple[str, ...]]
    """Names under which a runner tells of each item, with `NAME` in them."""
    failing: dict[int, frozenset[str]]
    """Of each sibling in use those of its runs that fail."""
    kept: frozenset[int]
    """Groups without siblings, for what happens in them depends on their order."""

    @property
    def protected(self) -> int:
        """Number of the checks of which a sibling is in use."""
        return len({self.pattern.items[item].site for item in self.failing})

    @property
    def share(self) -> float:
        """How many tests and siblings there are for each test."""
        return len(self.runs) / max(1, len(self.runs) - len(self.failing))

    def arranged(self) -> Arrangement:
        """Draw an order for the next run."""
        return Arrangement(self.pattern, self.failing, self.kept)

    def known(self, arrangement: Arrangement) -> list[str]:
        """Names that a runner is to tell of, first those of the tests."""
        items = sorted(self.runs, key=lambda item: (item in self.failing, item))
        drawn = [
            run.replace(NAME, arrangement.name(item)) for item in items for run in self.runs[item]
        ]
        authors = {self._author(item, run) for item in items for run in self.runs[item]}
        return [name for name in self.tests if name not in authors] + drawn

    def results(self, arrangement: Arrangement, told: Mapping[str, TestResult]) -> list[TestResult]:
        """Return what became of each test, by what a runner tells of it and its siblings.

        `told` has all names that are `known`; what else it has does not count.
        """
        # Whoever knows an author's name may tell of it as well; only the drawn names count.
        plain = {
            name: told[name].model_copy(update={"detail": arrangement.plain(told[name].detail)})
            for name in self.known(arrangement)
        }
        runs = _read(arrangement, plain)
        found: dict[str, TestResult] = {}
        for item, results in runs.items():
            for run, result in results.items() if item not in self.failing else ():
                author = self._author(item, run)
                found[author] = result.model_copy(update={"name": author[:MAX_NAME_CHARACTERS]})
        for item, failing in self.failing.items():
            for run in failing:
                for name in self._judged_by(item, run):
                    found[name] = _with_sibling(found[name], runs[item][run])
        siblings = [runs[item][run] for item, failing in self.failing.items() for run in failing]
        return _with_limit([found[name] for name in self.tests], siblings)

    def _author(self, item: int | None, run: str) -> str:
        return run if item is None else run.replace(NAME, self.pattern.items[item].name)

    def _judged_by(self, item: int, run: str) -> Iterator[str]:
        """Tests that a run of a sibling is a sibling of: where it has parameters, those alike."""
        origin = self.pattern.items[item].origin
        tests, siblings = self.runs[origin], self.runs[item]
        if len(tests) == len(siblings):
            tests = (tests[siblings.index(run)],)
        yield from (self._author(origin, test) for test in tests)


def _with_sibling(test: TestResult, sibling: TestResult) -> TestResult:
    if sibling.outcome is Outcome.PASSED and test.outcome is Outcome.PASSED:
        return test.model_copy(update={"outcome": Outcome.WRONG_ANSWER, "detail": _FORGED})
    if sibling.outcome is Outcome.NOT_RUN and test.outcome is Outcome.PASSED:
        return test.model_copy(update={"outcome": Outcome.NOT_RUN, "detail": _UNJUDGED})
    if test.outcome is Outcome.NOT_RUN and sibling.outcome not in _JUDGED:
        # It ended the process before the test, which would have done the same.
        return test.model_copy(update={"outcome": sibling.outcome, "detail": sibling.detail})
    return test


def _with_limit(tests: list[TestResult], siblings: Iterable[TestResult]) -> list[TestResult]:
    """Charge a limit that ended the process in a sibling to the first test that it kept from it."""
    ended = next((one for one in siblings if one.outcome in _LIMITS), None)
    if ended is not None and not any(test.outcome in _LIMITS for test in tests):
        for number, test in enumerate(tests):
            if test.outcome is Outcome.NOT_RUN:
                met = {"outcome": ended.outcome, "detail": ended.detail}
                tests[number] = test.model_copy(update=met)
                break
    return tests


def learn(
    pattern: Pattern,
    tests: Sequence[str],
    run: Callable[[Arrangement], Mapping[str, TestResult]],
) -> Guard | None:
    """Find by runs of the reference program which siblings it fails; None if order decides.

    Two runs in two orders have to agree. Where tests of a group fail in another order than theirs,
    the group is kept as it is. `tests` are the names of what it passes when nothing is changed.
    """
    siblings, kept, thinned = pattern.siblings(), frozenset[int](), False
    before: Guard | None = None
    for _ in range(_ATTEMPTS):
        # What comes before another in one run comes after it in the next.
        order = reversed if before is None else sorted
        arrangement = Arrangement(pattern, siblings, kept, order)
        runs = _read(arrangement, run(arrangement))
        broken = _broken(pattern, tests, runs)
        if broken - kept and not thinned:
            # So many copies of a test may take more than there is for one.
            siblings, thinned = _thinned(pattern, siblings), True
        elif broken - kept:
            kept, before = kept | broken, None
            siblings = [item for item in siblings if pattern.group_of(item) not in kept]
        elif broken:
            return None
        elif before is None:
            before = _guard(pattern, tests, kept, runs)
            siblings = list(before.failing)
        else:
            guard = _guard(pattern, tests, kept, runs)
            return guard._replace(
                runs={n: told for n, told in guard.runs.items() if before.runs.get(n) == told},
                failing={n: f for n, f in guard.failing.items() if before.failing.get(n) == f},
            )
        if not siblings or _OUTSIDE in kept:
            return None
    return None


def _thinned(pattern: Pattern, siblings: Iterable[int]) -> list[int]:
    """Keep the first sibling of each check."""
    firsts: dict[int | None, int] = {}
    for item in siblings:
        firsts.setdefault(pattern.items[item].site, item)
    return list(firsts.values())


def _read(arrangement: Arrangement, told: Mapping[str, TestResult]) -> _Runs:
    """Of each item what became of its runs; under None that of tests that kept their names."""
    runs: _Runs = {}
    for name, result in told.items():
        item, run = arrangement.read(name)
        runs.setdefault(item, {})[run] = result
    return runs


def _broken(pattern: Pattern, tests: Collection[str], runs: _Runs) -> frozenset[int]:
    """Groups in which a test has not passed; `_OUTSIDE` if one of none has not."""
    missing, broken = set(tests), set[int]()
    for item, results in runs.items():
        if item is not None and pattern.items[item].site is not None:
            continue
        for run, result in results.items():
            name = run if item is None else run.replace(NAME, pattern.items[item].name)
            if name in tests and result.outcome is Outcome.PASSED:
                missing.discard(name)
            elif name in tests or result.outcome is not Outcome.NOT_RUN:
                broken.add(_OUTSIDE if item is None else pattern.group_of(item))
    return frozenset(broken | ({_OUTSIDE} if missing and not broken else set()))


def _guard(
    pattern: Pattern,
    tests: Sequence[str],
    kept: frozenset[int],
    runs: _Runs,
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
    return Guard(pattern, tuple(tests), told, {item: failing[item] for item in chosen}, kept)


def _fails(pattern: Pattern, item: int, result: TestResult) -> bool:
    ends = (Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR)
    return result.outcome in (ends if pattern.items[item].raises else ends[:1])


def _chosen(pattern: Pattern, siblings: Iterable[int], runs: _Runs) -> list[int]:
    """Take one sibling of each check, and then more, where there are few or there is time."""
    by_site: dict[int | None, list[int]] = {}
    for item in sorted(siblings):
        by_site.setdefault(pattern.items[item].site, []).append(item)
    wanted = next(count for most, count in _WANTED if len(by_site) <= most)
    seconds = {item: sum(r.cpu_seconds for r in told.values()) for item, told in runs.items()}
    tests = sum(s for n, s in seconds.items() if n is None or pattern.items[n].site is None)
    left = max(_LEAST_SECONDS, tests)
    chosen = []
    for row in zip_longest(*(items[:wanted] for items in by_site.values())):
        for item in row:
            if item is not None and seconds[item] <= left:
                left -= seconds[item]
                chosen.append(item)
    return chosen
