"""Assert tests in the candidate's own process, under the real pytest.

The candidate can forge what is reported from there by attacking its own process, and nothing more:
the jail, the limits and the clocks are those of every candidate. The verdict says `shared`.
"""

from collections.abc import Collection, Mapping
from typing import Any

from executor.guest import placing
from executor.judging.host import CompileFailed
from executor.judging.items import NO_MESSAGE, NO_TEST_RAN, Items
from executor.judging.limits.allowances import GRACE
from executor.judging.limits.metering import Meter, Spending
from executor.judging.shared.arranging import Arrangement
from executor.judging.shared.comparing import Compared, Comparison
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import Outcome
from infra.contracts.execution import Suite, TestResult
from infra.contracts.problems import AssertTest

PACKAGES = (
    *("pytest", "pluggy", "iniconfig", "packaging", "pygments"),
    *("hypothesis", "sortedcontainers"),
)
"""What Python brings beside the standard library for them."""


def sandbox_of(sandbox: Sandbox, image: str) -> Sandbox:
    """Return the sandbox whose Python has what tests need beside their image's packages.

    Raises:
        errors.ImageMissing: the image has not been built here.
        errors.SandboxError: a package is not installed.
    """
    return sandbox.with_packages(image, PACKAGES)


def start_of_look(suite: Suite) -> dict[str, Any]:
    """Return what a process begins with that looks at the test code of a suite, and runs none."""
    reference = suite.reference_program
    return {
        "role": "examining",
        "prelude": suite.prelude,
        "program": None if reference is None else suite.whole(reference),
        "entry_point": suite.entry_point,
        "tests": [
            {
                "source": test.source,
                "check": test.check,
                "module": test.module,
                "files": list(test.files),
                **_configured(test),
            }
            for test in suite.tests
            if isinstance(test, AssertTest)
        ],
    }


def _configured(test: AssertTest) -> dict[str, Any]:
    """Return how pytest is configured for a test: by the files that its process would find."""
    configures = placing.configuration(test.files)
    return {
        "told": configures + placing.plugins(test.files),
        "texts": test.files if configures else None,
        "path": test.path,
        "candidate_path": test.candidate_path,
    }


def start_of(test: AssertTest, suite: Suite, program: str) -> dict[str, Any]:
    """Return what a process begins with that runs a test beside a program."""
    return {
        "program": program,
        "source": test.source,
        "module": test.module,
        "files": test.files,
        "data_files": test.data_files or {},
        "path": test.path,
        "candidate_path": test.candidate_path,
        "check": test.check,
        "entry_point": suite.entry_point,
        "statements": None,
        "imports": None,
        "code": None,
    }


def arranged(arrangement: Arrangement) -> dict[str, Any]:
    """Return what differs in that where the test code is arranged anew."""
    return {
        "source": arrangement.source,
        "statements": arrangement.statements(),
        "imports": arrangement.imports,
    }


class SharedRun:
    """One assert test in the candidate's own process."""

    def __init__(self, sandbox: Sandbox, meter: Meter) -> None:
        self._sandbox = sandbox
        self._meter = meter
        self.passed: tuple[str, ...] = ()
        """Names of the tests that were passed."""
        self.told: dict[str, TestResult] = {}
        """What became of every test, by its whole name."""
        self.compared: Mapping[str, Compared] = {}
        """The checks of each test that were made outside, by the same names."""
        self.load: float | None = None
        """CPU seconds until the first test began; None if none has."""
        self.stdout = b""
        self.stderr = b""
        self._before = Spending()
        """What the jail had used when it last told something."""

    def run(
        self,
        start: dict[str, Any],
        known: Collection[str] | None,
        may_skip: bool,
        comparison: Comparison | None = None,
    ) -> list[TestResult]:
        """Run the tests of `start`; return what they say became of each.

        `known` are those that a reference program passes. A test that skips itself is none if that
        is allowed, and else did not run. What tests tell goes to the `comparison`.

        Raises:
            CompileFailed: the source of the candidate does not compile.
            errors.SandboxError: the sandbox failed.
        """
        items = Items(known)
        with self._sandbox.jail({"role": "suite", **start}, self._meter.limits) as jail:
            try:
                self._run(jail, items, comparison)
                if not items.has_run and (items.told or not may_skip):
                    raise Ended(Outcome.RUNTIME_ERROR, NO_TEST_RAN)
            except Ended as ended:
                items.charge(ended.outcome, ended.detail)
            finally:
                self._meter.add(jail)
                self.stdout, self.stderr = jail.output("stdout"), jail.output("stderr")
        self.passed, self.told = items.passed, items.told
        self.compared = comparison.tests if comparison else {}
        return items.results(may_skip)

    def _run(self, jail: Jail, items: Items, comparison: Comparison | None) -> None:
        budget = self._budget(jail, items, None)
        with self._meter.watching(jail):
            first = jail.receive(budget)
        self._before = Spending.of(jail)
        if "compile_error" in first:
            raise CompileFailed(str(first["compile_error"]))
        is_last = False
        while not is_last:
            is_last = self._step(jail, items, comparison)

    def _step(self, jail: Jail, items: Items, comparison: Comparison | None) -> bool:
        budget = self._budget(jail, items, self._before)
        with self._meter.watching(jail):
            message = jail.receive(budget)
            now = Spending.of(jail)
            spending, self._before = now.since(self._before), now
            is_last = items.step(message, spending)
            if self.load is None and items.is_under_way:
                self.load = now.cpu
            if comparison is not None and "told" in message:
                _compare(comparison, message)
        if "end" in message:
            try:
                self._meter.require_in_time(items.spending_of_pass.cpu, jail)
            except Ended as late:
                items.charge_last(late.outcome, late.detail)
        jail.forget_output()
        return is_last

    def _budget(self, jail: Jail, items: Items, now: Spending | None) -> Budget:
        """Allow one test's time from what has been used so far, and no more than what is left.

        What is loaded is no part of a test, and has a limit of its own.
        """
        allowed = self._meter.allowed
        if not items.is_under_way:
            return self._meter.budget(jail, allowed.load, self._meter.limits.idle_seconds, now)
        return self._meter.budget(jail, allowed.cpu * GRACE, allowed.idle, now)


def _compare(comparison: Comparison, message: dict[str, Any]) -> None:
    try:
        comparison.take(message["end"], message["told"])
    except (KeyError, ValueError, TypeError):
        raise Ended(Outcome.RUNTIME_ERROR, NO_MESSAGE) from None
