"""Assert tests that cannot run apart: tests and candidate in one jail, where a problem allows it.

The candidate can forge what is reported from there by attacking its own process, and nothing more:
the jail, the limits and the clocks are those of every candidate. The verdict says `shared`.
"""

from typing import Any

from executor import verdicts
from executor.host import Meter, Spending
from executor.jail import Budget, Ended, Jail, Sandbox
from executor.limits import GRACE
from infra.contracts.base import Outcome
from infra.contracts.execution import TestResult
from infra.contracts.problems import Limits

_NO_MESSAGE = "the process sent no valid message"


class SharedRun:
    """One assert test in the candidate's own process."""

    def __init__(self, sandbox: Sandbox, limits: Limits, meter: Meter, count: int) -> None:
        self._sandbox = sandbox
        self._limits = limits
        self._meter = meter
        self._sites: list[tuple[Outcome, str] | None] = [None] * count
        self._spending = [Spending() for _ in range(count)]
        self._left_out: set[int] = set()
        self.stdout = b""
        self.stderr = b""

    def run(self, start: dict[str, Any]) -> list[TestResult]:
        """Run the one test of `start`; return what it says became of its sites."""
        with self._sandbox.jail(start, self._limits) as jail:
            try:
                self._run(jail)
            except Ended as ended:
                self._charge(ended.outcome, ended.detail)
            finally:
                self._meter.add(jail)
                self.stdout, self.stderr = jail.output("stdout"), jail.output("stderr")
        passed = any(site is not None and site[0] is Outcome.PASSED for site in self._sites)
        return [
            verdicts.result(
                *(site or (Outcome.NOT_RUN, "the test code did not reach it")),
                spent.cpu,
                spent.wall,
            )
            for number, (site, spent) in enumerate(zip(self._sites, self._spending, strict=True))
            if not (passed and number in self._left_out)
        ]

    def _run(self, jail: Jail) -> None:
        # The tests are read before the candidate runs.
        if jail.receive(self._budget(jail)).get("sites") != [len(self._sites)]:
            raise Ended(Outcome.RUNTIME_ERROR, _NO_MESSAGE)
        jail.send({"run": 0}, self._budget(jail))
        is_over = False
        while not is_over:
            cpu, wall = jail.cpu_seconds(), jail.wall_seconds()
            message = jail.receive(self._budget(jail))
            try:
                is_over = self._step(message, jail.cpu_seconds() - cpu, jail.wall_seconds() - wall)
            except (KeyError, ValueError, TypeError, IndexError):
                raise Ended(Outcome.RUNTIME_ERROR, _NO_MESSAGE) from None
            jail.forget_output()

    def _step(self, message: dict[str, Any], cpu: float, wall: float) -> bool:
        if "site" in message:
            number = message["site"]
            outcome, detail = message["result"]
            self._sites[number] = (Outcome(outcome), str(detail))
            self._spending[number].cpu += cpu
            self._spending[number].wall += wall
            if self._spending[number].cpu > self._limits.cpu_seconds:
                raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the CPU time limit was reached")
            return False
        for number, (known, found) in enumerate(zip(self._sites, message["done"], strict=True)):
            if found is not None:
                self._sites[number] = (Outcome(found[0]), str(found[1]))
            elif known is None:
                self._left_out.add(number)
        return True

    def _budget(self, jail: Jail) -> Budget:
        """Allow one site's time, and no more than what is left."""
        cpu_left, wall_left = self._meter.left(jail)
        if cpu_left <= 0 or wall_left <= 0:
            raise Ended(Outcome.TIME_LIMIT_EXCEEDED, "the candidate's total time is used up")
        cpu = min(self._limits.cpu_seconds * GRACE, cpu_left)
        return jail.budget(cpu, min(self._limits.wall_seconds, wall_left))

    def _charge(self, outcome: Outcome, detail: str) -> None:
        """Charge what ended the process to the first site without a result, or to the last."""
        open_sites = [number for number, site in enumerate(self._sites) if site is None]
        self._sites[open_sites[0] if open_sites else -1] = (outcome, detail)
