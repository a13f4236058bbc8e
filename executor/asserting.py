"""Assert tests whose code must run: relays what it asks of the candidate, collects findings."""

import time
from collections.abc import Sequence
from typing import Any

from executor import verdicts
from executor.host import FunctionHost, Spending
from executor.jail import Budget, Ended, Jail
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult, Verdict

_MAX_DEPTH = 20
"""Most functions of the tests that a candidate may have under way at once."""


class SuiteBroken(errors.SuiteError):
    """The tests themselves cannot be run, whatever the candidate."""

    code = "suite_broken"
    status = 422


class ReferenceFailed(SuiteBroken):
    """The reference program does not pass the tests."""

    def __init__(self, verdict: Verdict) -> None:
        # What a wrong program takes says nothing about what a right one takes.
        super().__init__(f"the reference program gets {verdict.label}: {verdict.error}")
        self.verdict = verdict


class CheckerFailed(SuiteBroken):
    """A test's checker said neither yes nor no to one answer; others it may be ready for."""


class AssertRun:
    """One assert test: relays what the driver asks to the candidate, and collects its findings."""

    def __init__(self, driver: Jail, host: FunctionHost, budget: Budget, count: int) -> None:
        self._driver = driver
        self._host = host
        self._budget = budget
        self._sites: list[tuple[Outcome, str] | None] = [None] * count
        self._spending = {number: Spending() for number in range(-1, count)}
        self._left_out: set[int] = set()
        self._depth = 0
        self.apart = True
        """Whether everything that the tests wanted to give to the candidate could cross."""
        self._paused = 0.0

    def run(self, position: int) -> list[TestResult]:
        """Run the test code at this position; return what became of each of its sites.

        Those that the test code decided against are left out: they are no tests of this candidate.

        Raises:
            SuiteBroken: the test code cannot be run, and the candidate has no part in it.
        """
        try:
            self._driver.send({"run": position}, self._budget)
            while self._step(self._driver.receive(self._budget)):
                pass
        except Ended as ended:
            self._driver_ended(ended)
        return [
            verdicts.result(
                *(site or (Outcome.NOT_RUN, "the test code did not reach it")),
                self._spending[number].cpu,
                self._spending[number].wall,
            )
            for number, site in enumerate(self._sites)
            if number not in self._left_out
        ]

    def _step(self, message: dict[str, Any]) -> bool:
        if "ask" in message:
            site = message.get("site")
            self._relay(message["ask"], self._spending[site if isinstance(site, int) else -1])
            return True
        if "site" in message:
            self._sites[message["site"]] = _finding(message["result"])
            self._host.forget_output()
            return True
        if "broken" in message:
            raise SuiteBroken(str(message["broken"]))
        self.apart = message["apart"]
        for number, found in enumerate(message["done"]):
            if found is None:
                self._left_out.add(number)
            else:
                self._sites[number] = _finding(found)
        return False

    def _relay(self, request: dict[str, Any], spending: Spending) -> None:
        self._pause()
        try:
            answer = self._host.ask(request, spending, self._call_back)
        except Ended as ended:
            answer = _failure(ended.outcome, ended.detail)
        self._resume()
        try:
            self._driver.send(answer, self._budget)
        except ValueError:
            # A number that JSON cannot say, such as one that overflowed while it was read.
            self._driver.send(_failure(Outcome.RUNTIME_ERROR, "malformed value"), self._budget)

    def _pause(self) -> None:
        """Stop the driver's clock: the candidate has the turn."""
        self._paused = time.monotonic()

    def _resume(self) -> None:
        self._budget.wall_until += time.monotonic() - self._paused

    def _call_back(self, message: dict[str, Any]) -> dict[str, Any]:
        """Have the driver call a function that the candidate was given, and relay what it asks."""
        self._resume()
        self._depth += 1
        try:
            if self._depth > _MAX_DEPTH:
                return {"returned": None, "raised": "RecursionError"}
            wanted = {key: message.get(key) for key in ("callback", "args", "kwargs", "letter")}
            self._driver.send(wanted, self._budget)
            while "returned" not in (answer := self._driver.receive(self._budget)):
                self._step(answer)
            told = ("returned", "raised", "error", "letter")
            return {key: answer[key] for key in told if key in answer}
        except ValueError:
            # A number that JSON cannot say.
            return {"returned": None, "raised": "ValueError"}
        finally:
            self._depth -= 1
            self._pause()

    def _driver_ended(self, ended: Ended) -> None:
        """The test code itself crashed or met a limit: charge the first site without a result."""
        for number, site in enumerate(self._sites):
            if site is None:
                self._sites[number] = (ended.outcome, f"the test code: {ended.detail}")
                return
        self._sites[-1] = (ended.outcome, f"the test code: {ended.detail}")


def _failure(outcome: Outcome, detail: str) -> dict[str, str]:
    return {"failed": outcome.value, "detail": detail}


def _finding(found: Sequence[str]) -> tuple[Outcome, str]:
    return Outcome(found[0]), str(found[1])
