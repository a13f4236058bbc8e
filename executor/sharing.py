"""Assert tests in the candidate's own process, under the real pytest.

The candidate can forge what is reported from there by attacking its own process, and nothing more:
the jail, the limits and the clocks are those of every candidate. The verdict says `shared`.
"""

from collections.abc import Collection
from typing import Any

from executor import languages, verdicts
from executor.host import CompileFailed, Meter, Spending
from executor.jail import Budget, Ended, Jail, Sandbox
from executor.limits import GRACE
from infra.contracts.base import Language, Outcome
from infra.contracts.execution import Suite, TestResult
from infra.contracts.problems import AssertTest, Limits

PACKAGES = (
    *("pytest", "pluggy", "iniconfig", "packaging", "pygments"),
    *("hypothesis", "sortedcontainers"),
)
"""What Python brings beside the standard library for them."""
_NO_MESSAGE = "the process sent no valid message"
_OUTSIDE = "the test code"
"""Name of what fails outside of every test."""
_Result = tuple[Outcome, str]


def sandbox_of(sandbox: Sandbox, language: Language) -> Sandbox:
    """Return the sandbox whose Python has what the tests of a language need.

    Raises:
        errors.SandboxError: a package is not installed.
    """
    return sandbox.with_packages((*languages.PACKAGES.get(language, ()), *PACKAGES))


def start_of(test: AssertTest, suite: Suite, program: str) -> dict[str, Any]:
    """Return what a process begins with that runs a test beside a program."""
    return {
        "program": program,
        "source": test.source,
        "module": test.module,
        "files": test.files,
        "check": test.check,
        "entry_point": suite.entry_point,
    }


class SharedRun:
    """One assert test in the candidate's own process."""

    def __init__(self, sandbox: Sandbox, limits: Limits, meter: Meter) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._meter = meter
        self._results: dict[str, _Result | None] = {}
        self._spending: dict[str, Spending] = {}
        self._skipped: set[str] = set()
        self._current: str | None = None
        self.stdout = b""
        self.stderr = b""

    def run(
        self, start: dict[str, Any], known: Collection[str] | None, may_skip: bool
    ) -> list[TestResult]:
        """Run the tests of `start`; return what they say became of each.

        A test that skips itself is none if that is allowed, and else did not run.

        `known` are the names of those that a reference program passes: they are the tests then,
        whatever else there is or is not with this candidate.

        Raises:
            CompileFailed: the source of the candidate does not compile.
            errors.SandboxError: the sandbox failed.
        """
        for name in known or ():
            self._add(name)
        with self._sandbox.jail({"role": "suite", **start}, self._limits) as jail:
            try:
                self._run(jail)
                if all(found is None for found in self._results.values()):
                    raise Ended(Outcome.RUNTIME_ERROR, "no test ran")
            except Ended as ended:
                self._charge(ended.outcome, ended.detail)
            finally:
                self._meter.add(jail)
                self.stdout, self.stderr = jail.output("stdout"), jail.output("stderr")
        left_out = self._skipped if may_skip else set()
        names = [*known, *(self._results.keys() & {_OUTSIDE})] if known else self._results
        return [self._result(name) for name in names if name not in left_out]

    @property
    def passed(self) -> tuple[str, ...]:
        """Names of the tests that were passed."""
        return tuple(
            name for name, found in self._results.items() if found and found[0] is Outcome.PASSED
        )

    def _result(self, name: str) -> TestResult:
        outcome, detail = self._results[name] or (Outcome.NOT_RUN, "the tests did not reach it")
        spending = self._spending[name]
        return verdicts.result(outcome, detail, spending.cpu, spending.wall, name)

    def _run(self, jail: Jail) -> None:
        first = jail.receive(self._budget(jail))
        if "compile_error" in first:
            raise CompileFailed(str(first["compile_error"]))
        while True:
            cpu, wall = jail.cpu_seconds(), jail.wall_seconds()
            message = jail.receive(self._budget(jail))
            try:
                if self._step(message, jail.cpu_seconds() - cpu, jail.wall_seconds() - wall):
                    return
            except (KeyError, ValueError, TypeError, IndexError):
                raise Ended(Outcome.RUNTIME_ERROR, _NO_MESSAGE) from None
            jail.forget_output()

    def _step(self, message: dict[str, Any], cpu: float, wall: float) -> bool:
        if "items" in message:
            for name in message["items"]:
                self._add(str(name))
        elif "begin" in message:
            self._current = str(message["begin"])
        elif "end" in message:
            outcome, detail = message["result"]
            if outcome == "skipped":
                outcome = Outcome.NOT_RUN
                self._skipped.add(str(message["end"]))
            name = str(message["end"])
            spending = self._spending[name]
            spending.cpu += cpu
            spending.wall += wall
            self._results[name] = Outcome(outcome), str(detail)
            self._current = None
            if spending.cpu > self._limits.cpu_seconds:
                self._current = name
                raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
        else:
            for outcome, detail in message["done"]:
                self._charge(Outcome(outcome), str(detail))
            return True
        return False

    def _add(self, name: str) -> None:
        self._results.setdefault(name, None)
        self._spending.setdefault(name, Spending())

    def _budget(self, jail: Jail) -> Budget:
        """Allow one test's time, and no more than what is left."""
        cpu_left, wall_left = self._meter.left(jail)
        if cpu_left <= 0 or wall_left <= 0:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the candidate's total time is used up")
        cpu = min(self._limits.cpu_seconds * GRACE, cpu_left)
        return jail.budget(cpu, min(self._limits.wall_seconds, wall_left))

    def _charge(self, outcome: Outcome, detail: str) -> None:
        """Charge what ended the process to the test under way, or to the first without a result."""
        name = self._current
        if name is None:
            name = next((n for n, found in self._results.items() if found is None), None)
        if name is None:
            name = _OUTSIDE
            self._add(name)
        self._results[name] = outcome, detail
