"""What became of a run of a program with test code, and the results of its tests."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from executor.judging import verdicts
from executor.judging.limits.metering import Spending
from executor.judging.programs.marks import Composed
from executor.sandbox.ended import Ended
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult

_A_FAILURE: Final = re.compile(r"error|exception|assert|panic|fail|die|abort", re.IGNORECASE)


class Ran(NamedTuple):
    """What became of one run."""

    outcome: Outcome
    detail: str
    spending: Spending
    told: dict[str, bool]
    """Whether each test was passed that its framework reports."""
    stdout: bytes
    stderr: bytes


def not_run(ended: Ended) -> Ran:
    """Return what became of a program that met a limit before it ran."""
    return Ran(ended.outcome, ended.detail, Spending(), {}, b"", b"")


def told_last(output: bytes) -> str:
    """Return the last line that speaks of a failure, or the last at all."""
    lines = [line for line in verdicts.printable(output).split("\n") if line.strip()]
    failed = [line for line in lines if _A_FAILURE.search(line)]
    return next(iter([*failed[-1:], *lines[-1:]]), "")


def told(parts: Composed, stdout: bytes) -> dict[str, bool]:
    """Read what a framework reports: of each test, by name, whether it was passed."""
    if parts.reports is None:
        return {}
    found = parts.reports.finditer(stdout.decode("utf-8", "replace"))
    return {one["name"]: one["passed"] is not None for one in found}


def of(ran: Ran, names: Sequence[str]) -> list[TestResult]:
    """Return what became of each test that is known by name, or else of all of them as one.

    What the framework reports of single tests is believed only of a run that came to its end.
    """
    spent = Spending()
    if not names or not ran.told or (ran.outcome is not Outcome.PASSED and all(ran.told.values())):
        results = [verdicts.result(ran.outcome, ran.detail, spent, name) for name in names or [""]]
    else:
        results = [_result(ran, name) for name in names]
    return [_taking(ran.spending, results[0]), *results[1:]]


def _result(ran: Ran, name: str) -> TestResult:
    if name not in ran.told:
        return verdicts.result(Outcome.NOT_RUN, "its framework does not report it", name=name)
    outcome = Outcome.PASSED if ran.told[name] else Outcome.WRONG_ANSWER
    return verdicts.result(outcome, "" if ran.told[name] else ran.detail, name=name)


def _taking(spending: Spending, first: TestResult) -> TestResult:
    """Charge the first test with what all have taken together."""
    return verdicts.result(first.outcome, first.detail, spending, first.name)
