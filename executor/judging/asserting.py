"""Assert tests whose code runs apart: relays what it asks of the candidate, collects findings."""

from typing import Any, NamedTuple

from executor.judging import verdicts
from executor.judging.host import FunctionHost
from executor.judging.items import Items
from executor.judging.limits.metering import Meter
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult, Verdict


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


class ReferenceNearLimit(errors.SandboxError):
    """The reference program does not pass, and needs about its time limit: the machine decides."""

    def __init__(self, verdict: Verdict, seconds: float) -> None:
        super().__init__(
            f"the reference program gets {verdict.label}: it needs about the {seconds:g} s of CPU"
            " time that a test may take"
        )


class CheckerFailed(SuiteBroken):
    """A test's checker said neither yes nor no to one answer; others it may be ready for."""


class Found(NamedTuple):
    """What the tests of one assert test did with a program."""

    passed: tuple[str, ...] = ()
    """Names of the tests that were passed."""
    reached: frozenset[int] = frozenset()
    """Numbers of the assertions that they came to."""


class AssertRun:
    """One assert test in a process of its own, beside the candidate's."""

    def __init__(self, sandbox: Sandbox, meter: Meter, host: FunctionHost) -> None:
        """`meter` is that of the test code; the host has the candidate's."""
        self._sandbox = sandbox
        self._meter = meter
        self._host = host
        self._has_called = False
        """Whether the candidate's answers can make the test code go on for long."""
        self.found = Found()

    def run(self, start: dict[str, Any], known: Found | None, may_skip: bool) -> list[TestResult]:
        """Run the tests of `start`; return what became of each.

        `known` is what was found with a reference program: tests that it passes are the tests, and
        whose tests come to less has not passed them all. A test that skips itself is none if that
        is allowed, and else did not run.

        Raises:
            SuiteBroken: the test code cannot be run, and the candidate has no part in it.
            errors.SandboxError: the sandbox failed.
        """
        limits = self._meter.limits
        items = Items(known.passed if known else None)
        with self._sandbox.jail({"role": "isolated", **start}, limits) as jail:
            try:
                while not self._step(jail, items):
                    pass
            except Ended as ended:
                items.charge(ended.outcome, f"the test code: {ended.detail}")
            finally:
                self._meter.add(jail)
        if not items.has_run:
            if known is None and not self._has_called:
                raise SuiteBroken("no test of the test code ran")
            # Other answers would have had them run.
            items.charge(Outcome.RUNTIME_ERROR, "no test ran")
        self.found = Found(items.passed, items.reached)
        results = items.results(may_skip)
        has_passed = all(result.outcome is Outcome.PASSED for result in results)
        if known and has_passed and not known.reached <= items.reached:
            why = "the tests did not come to an assertion to which they come with the reference"
            results.append(verdicts.result(Outcome.NOT_RUN, why, name="what was left out"))
        return results

    def _step(self, jail: Jail, items: Items) -> bool:
        """Let the test code go on until it says something of its tests; tell whether it is done."""
        budget = self._budget(jail)
        with self._meter.watching(jail):
            while "ask" in (message := jail.receive(budget)):
                if not self._has_called and message["ask"].get("op") != "names":
                    self._has_called = True
                    budget = self._budget(jail)
                self._relay(jail, budget, message["ask"], items)
        if "broken" in message:
            raise SuiteBroken(str(message["broken"]))
        is_last = items.step(message)
        if "end" in message:
            self._host.forget_output()
            try:
                self._host.require_in_time(items.spending_of_pass)
            except Ended as late:
                items.charge_last(late.outcome, late.detail)
        return is_last

    def _budget(self, jail: Jail) -> Budget:
        """Allow one test's time; all of it while the test code only gets ready."""
        limits = self._meter.limits
        if self._has_called:
            return self._meter.budget(jail, limits.cpu_seconds, limits.idle_seconds)
        return self._meter.budget(jail, limits.total_cpu_seconds, limits.total_idle_seconds)

    def _relay(self, jail: Jail, budget: Budget, request: dict[str, Any], items: Items) -> None:
        try:
            answer = self._host.ask(request, items.spending)
        except Ended as ended:
            answer = {"failed": ended.outcome.value, "detail": ended.detail}
        try:
            jail.send(answer, budget)
        except ValueError:  # A number that JSON cannot say, such as one that overflowed.
            outcome = Outcome.RUNTIME_ERROR.value
            jail.send({"failed": outcome, "detail": "malformed value"}, budget)
