"""Assert tests in the candidate's own process, under the real pytest.

The candidate can forge what is reported from there by attacking its own process, and nothing more:
the jail, the limits and the clocks are those of every candidate. The verdict says `shared`.
"""

from typing import Any

from executor import verdicts
from executor.host import CompileFailed, Meter, Spending
from executor.jail import Budget, Ended, Jail, Sandbox
from executor.limits import GRACE
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult
from infra.contracts.problems import Limits

PACKAGES = ("pytest", "pluggy", "iniconfig", "packaging", "pygments")
"""What Python brings beside the standard library for them."""
_NO_MESSAGE = "the process sent no valid message"
_Result = tuple[Outcome, str]


class SharedRun:
    """One assert test in the candidate's own process."""

    def __init__(self, sandbox: Sandbox, limits: Limits, meter: Meter) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._meter = meter
        self._results: dict[int | str, _Result | None] = {}
        self._spending: dict[int | str, Spending] = {}
        self._current: int | str | None = None
        self._is_collected = False
        self.stdout = b""
        self.stderr = b""

    def run(self, start: dict[str, Any]) -> list[TestResult]:
        """Run the tests of `start`; return what they say became of each.

        Raises:
            CompileFailed: the source of the candidate does not compile.
            errors.SandboxError: the sandbox failed.
        """
        with self._sandbox.jail({"role": "suite", **start}, self._limits) as jail:
            try:
                self._run(jail)
            except Ended as ended:
                self._charge(ended.outcome, ended.detail)
            finally:
                self._meter.add(jail)
                self.stdout, self.stderr = jail.output("stdout"), jail.output("stderr")
        return [
            verdicts.result(
                *(found or (Outcome.NOT_RUN, "the test code did not reach it")),
                self._spending[name].cpu,
                self._spending[name].wall,
            )
            for name, found in self._results.items()
        ]

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
        if "sites" in message:
            for number in range(message["sites"]):
                self._add(number)
        elif "items" in message:
            for name in message["items"]:
                self._add(str(name))
            self._is_collected = True
        elif "begin" in message:
            self._current = message["begin"]
        elif "end" in message:
            outcome, detail = message["result"]
            spending = self._spending[message["end"]]
            spending.cpu += cpu
            spending.wall += wall
            self._results[message["end"]] = Outcome(outcome), str(detail)
            self._current = None
            if spending.cpu > self._limits.cpu_seconds:
                self._current = message["end"]
                raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
        else:
            for outcome, detail in message["done"]:
                self._charge(Outcome(outcome), str(detail))
            return True
        return False

    def _add(self, name: int | str) -> None:
        self._results[name] = None
        self._spending[name] = Spending()

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
            name = "the test code"
            self._add(name)
        self._results[name] = outcome, detail
