"""What guards shared tests, and what follows from it for a candidate.

A sibling is a test that was changed so that a right program fails it. Whoever lets it pass as well
has not judged honestly, and the test that it is a sibling of counts as failed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from executor.judging import verdicts
from executor.judging.shared.arranging import NAME, Arrangement, Learnt, Pattern
from executor.judging.shared.comparing import Compared, Comparison
from infra.contracts.base import Outcome
from infra.contracts.execution import MAX_NAME_CHARACTERS, TestResult

_FORGED: Final = "a changed test passed too: the tests were not judged honestly"
_UNJUDGED: Final = "its changed copies did not run"
_UNMADE: Final = "it left out a check to which it comes with the reference program"
_JUDGED: Final = (Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.NOT_RUN)
LIMITS: Final = (
    Outcome.TIME_LIMIT_EXCEEDED,
    Outcome.MEMORY_LIMIT_EXCEEDED,
    Outcome.OUTPUT_LIMIT_EXCEEDED,
)
"""Outcomes that end a process, with whatever of its tests has not run."""
Runs = dict[int | None, dict[str, TestResult]]


class Ran(NamedTuple):
    """What a runner tells of one run."""

    told: Mapping[str, TestResult]
    """What became of every test."""
    compared: Mapping[str, Compared]
    """The checks of the tests that were made outside."""
    load: float = 0.0
    """CPU seconds until the first test began."""
    used_up: bool = False
    """Whether the time that all of them have together is used up."""


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
    reached: dict[tuple[int | None, str], frozenset[int]]
    """Of each run of a test the checks made outside to which it comes; as `Arrangement.read`."""
    learnt: Learnt
    """What checks of them expect that were learnt."""
    slowest: float
    """CPU seconds of the sibling in use that takes the reference program longest."""
    load: float = 0.0
    """CPU seconds until the reference program's first test began, with all siblings there."""

    @property
    def protected(self) -> int:
        """Number of the checks that are made outside, or of which a sibling is in use."""
        inside = {self.pattern.items[item].site for item in self.failing}
        return len(inside) + len(frozenset().union(*self.reached.values()))

    @property
    def share(self) -> float:
        """How many tests and siblings there are for each test."""
        return max(1.0, len(self.runs) / max(1, len(self.runs) - len(self.failing)))

    def arranged(self) -> Arrangement:
        """Draw an order for the next run."""
        return Arrangement(self.pattern, self.failing, self.kept)

    def comparison(self, arrangement: Arrangement) -> Comparison:
        """What compares the values that a run of a candidate tells."""
        return arrangement.comparison(self.learnt)

    def known(self, arrangement: Arrangement) -> list[str]:
        """Names that a runner is to tell of, first those of the tests."""
        items = sorted(self.runs, key=lambda item: (item in self.failing, item))
        drawn = [
            run.replace(NAME, arrangement.name(item)) for item in items for run in self.runs[item]
        ]
        authors = {self._author(item, run) for item in items for run in self.runs[item]}
        return [name for name in self.tests if name not in authors] + drawn

    def results(self, arrangement: Arrangement, ran: Ran) -> list[TestResult]:
        """Return what became of each test, by what a runner tells of it and its siblings.

        It tells of all names that are `known`; what else it tells of does not count.
        """
        told = ran.told
        # Whoever knows an author's name may tell of it as well; only the drawn names count.
        plain = {
            name: told[name].model_copy(update={"detail": arrangement.plain(told[name].detail)})
            for name in self.known(arrangement)
        }
        runs = read(arrangement, plain)
        compared = {arrangement.read(name): one for name, one in ran.compared.items()}
        found: dict[str, TestResult] = {}
        for item, results in runs.items():
            for run, result in results.items() if item not in self.failing else ():
                result = self._with_checks(result, (item, run), compared.get((item, run)))
                author = self._author(item, run)
                found[author] = result.model_copy(update={"name": author[:MAX_NAME_CHARACTERS]})
        passed = {name for name, test in found.items() if test.outcome is Outcome.PASSED}
        for item, failing in self.failing.items():
            for run in failing if self._is_due(item, passed) else ():
                for name in self._judged_by(item, run):
                    found[name] = _with_sibling(found[name], runs[item][run])
        siblings = [runs[item][run] for item, failing in self.failing.items() for run in failing]
        return _with_limit([found[name] for name in self.tests], siblings)

    def _is_due(self, item: int, passed: set[str]) -> bool:
        """Tell whether a sibling can only pass if the tests are not judged honestly."""
        test = self.pattern.items[item].relies_on
        if test is None:
            return True
        runs = [self._author(test, run) for run in self.runs.get(test, ())]
        return bool(runs) and passed.issuperset(runs)

    def _with_checks(
        self, test: TestResult, run: tuple[int | None, str], compared: Compared | None
    ) -> TestResult:
        """Count the checks that were made outside: one that failed did so before the test ended."""
        if compared is not None and compared.first is not None:
            failed = verdicts.result(*compared.first)
            return test.model_copy(update={"outcome": failed.outcome, "detail": failed.detail})
        times = compared.times if compared is not None else {}
        learnt = self.learnt.get(run, {})
        is_complete = all(
            times.get(check, 0)
            >= max(self.pattern.outside[check].least, len(learnt.get(check, ())))
            for check in self.reached.get(run, ())
        )
        if test.outcome is Outcome.PASSED and not is_complete:
            return test.model_copy(update={"outcome": Outcome.NOT_RUN, "detail": _UNMADE})
        return test

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
    ended = next((one for one in siblings if one.outcome in LIMITS), None)
    if ended is not None and not any(test.outcome in LIMITS for test in tests):
        for number, test in enumerate(tests):
            if test.outcome is Outcome.NOT_RUN:
                met = {"outcome": ended.outcome, "detail": ended.detail}
                tests[number] = test.model_copy(update=met)
                break
    return tests


def read(arrangement: Arrangement, told: Mapping[str, TestResult]) -> Runs:
    """Return what became of the runs of each item; under None of tests that kept their names."""
    runs: Runs = {}
    for name, result in told.items():
        item, run = arrangement.read(name)
        runs.setdefault(item, {})[run] = result
    return runs
