"""The tests of one assert test: which there are, what became of each, and what each has used."""

from collections.abc import Collection
from typing import Any

from executor.judging import verdicts
from executor.judging.limits.metering import Spending
from executor.sandbox.ended import Ended
from infra.contracts.base import Outcome
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, TestResult

_MOST_NAMES = 100_000
_MOST_CHARACTERS = 2**24
"""Of the names that are told, all together: the candidate's process may tell of any number."""
NO_MESSAGE = "the process sent no valid message"
NO_TEST_RAN = "no test ran"
OUTSIDE = "the test code"
"""Name of what fails outside of every test."""


class Items:
    """Follows what a process that runs test code tells of its tests."""

    def __init__(self, known: Collection[str] | None) -> None:
        """`known` are the names of the tests that a reference program passes.

        They are the tests then, whatever else there is or is not with this candidate.
        """
        self._known = known
        self._results: dict[str, tuple[Outcome, str] | None] = {}
        self._characters = 0
        self._spending: dict[str, Spending] = {}
        self._between = Spending()
        self._skipped: set[str] = set()
        self._current: str | None = None
        self._ended: str | None = None
        self.reached: frozenset[int] = frozenset()
        """Numbers of the assertions that the tests came to."""
        for name in known or ():
            self._results[name] = None
            self._spending[name] = Spending()

    @property
    def spending(self) -> Spending:
        """What the test under way has used, or what was used between tests."""
        return self._spending.get(self._current or "", self._between)

    @property
    def is_under_way(self) -> bool:
        """Whether a test has begun and not ended."""
        return self._current is not None

    @property
    def has_run(self) -> bool:
        """Whether anything is known of any test."""
        return any(found is not None for found in self._results.values())

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of the tests that were passed."""
        return tuple(
            name for name, found in self._results.items() if found and found[0] is Outcome.PASSED
        )

    @property
    def told(self) -> dict[str, TestResult]:
        """What became of every test, by its whole name."""
        return {name: self._result(name) for name in self._results}

    def results(self, may_skip: bool) -> list[TestResult]:
        """Return what became of each; one that skipped itself is left out if that is allowed."""
        left_out = self._skipped if may_skip else set()
        outside = self._results.keys() & {OUTSIDE}
        names = [*self._known, *outside] if self._known else list(self._results)
        return [self._result(name) for name in names if name not in left_out]

    def _result(self, name: str) -> TestResult:
        outcome, detail = self._results[name] or (Outcome.NOT_RUN, "the tests did not reach it")
        spending = self._spending[name]
        return verdicts.result(outcome, detail, spending, name)

    def step(self, message: dict[str, Any], spent: Spending | None = None) -> bool:
        """Take in a message, before which so much was used; return whether it was the last.

        Raises:
            Ended: the message makes no sense.
        """
        try:
            return self._step(message, spent or Spending())
        except (KeyError, ValueError, TypeError, IndexError):
            raise Ended(Outcome.RUNTIME_ERROR, NO_MESSAGE) from None

    def _step(self, message: dict[str, Any], spent: Spending) -> bool:
        if "items" in message:
            for name in message["items"]:
                self._add(_text(name))
            return False
        if not message.keys() & {"begin", "end"}:
            for outcome, detail in message["done"]:
                self.charge(Outcome(outcome), _text(detail))
            self.reached = frozenset(map(int, message["reached"]))
            return True
        if "end" in message:
            outcome, detail = message["result"]
            self._end(_text(message["end"]), outcome, _text(detail), spent)
        if "begin" in message:
            self._add(name := _text(message["begin"]))
            self._current = name
        return False

    def _end(self, name: str, outcome: str, detail: str, spent: Spending) -> None:
        if outcome == "skipped":
            outcome = Outcome.NOT_RUN
            self._skipped.add(name)
        self._spending[name].add(spent)
        self._results[name] = Outcome(outcome), detail[:MAX_DETAIL_CHARACTERS]
        self._ended, self._current = name, None

    def _add(self, name: str) -> None:
        if name in self._results:
            return
        self._characters += len(name)
        if (
            len(self._results) - len(self._known or ()) >= _MOST_NAMES
            or self._characters > _MOST_CHARACTERS
        ):
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, "there are too many tests")
        self._results[name] = None
        self._spending[name] = Spending()

    @property
    def spending_of_pass(self) -> Spending:
        """What the test has used that has ended last, if it has passed."""
        found = self._results.get(self._ended or "")
        has_passed = found is not None and found[0] is Outcome.PASSED
        return self._spending[self._ended or ""] if has_passed else Spending()

    def charge_last(self, outcome: Outcome, detail: str) -> None:
        """Replace what became of the test that has ended last."""
        self._results[self._ended or ""] = outcome, detail

    def charge(self, outcome: Outcome, detail: str) -> None:
        """Charge what ended the process to the test under way, or to the first without a result."""
        name = self._current
        if name is None:
            name = next((n for n, found in self._results.items() if found is None), None)
        if name is None:
            name = OUTSIDE
            self._spending.setdefault(name, Spending())
        self._results[name] = outcome, detail[:MAX_DETAIL_CHARACTERS]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a name or a reason is no text")
    return value
