"""A suite of another language than Python: its standard input tests, and its program tests."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import NamedTuple

from executor.judging.called.asking import CallRunner
from executor.judging.checking import Checkers
from executor.judging.limits.metering import Meter
from executor.judging.native.runner import NativeRunner
from executor.judging.programs import options
from executor.judging.programs.composing import require_frameworks
from executor.judging.programs.learnt import Learnt
from executor.judging.programs.testing import ProgramRunner
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra.contracts.base import Outcome, Unguarded
from infra.contracts.execution import Guards, Suite, TestResult
from infra.contracts.problems import CallTest, ProgramTest, StdioTest


class Ran(NamedTuple):
    """What became of one program."""

    results: list[TestResult]
    """Of every test; none where the compiler met a limit."""
    stdout: bytes = b""
    stderr: bytes = b""
    met: tuple[Outcome, str] = (Outcome.NOT_RUN, "")
    """The compiler's limit."""


class NativeSuite:
    """Runs the tests of one suite; every program is compiled first."""

    def __init__(self, sandbox: Sandbox, suite: Suite) -> None:
        """Find the toolchain, and the test frameworks.

        Raises:
            errors.ToolchainMissing: this machine lacks one.
        """
        self._language = suite.language
        self._native = NativeRunner(sandbox, suite.language, suite.limits)
        self._programs = ProgramRunner(self._native, suite.language, suite.entry_point)
        self._stdio = [test for test in suite.tests if isinstance(test, StdioTest)]
        self._called = CallRunner(self._native, suite.language, suite.entry_point)
        self._calls = [test for test in suite.tests if isinstance(test, CallTest)]
        self._tests = [test for test in suite.tests if isinstance(test, ProgramTest)]
        require_frameworks(suite.language, self._tests)

    @property
    def unknown(self) -> tuple[Learnt, ...]:
        """What is known of each program test before a reference program has run."""
        return (Learnt(),) * len(self._tests)

    @property
    def calls(self) -> int:
        """Number of calls that program tests may be asked as; 0 where one is not only calls."""
        found = [len(test.calls) for test in self._tests]
        return sum(found) if all(found) else 0

    @cached_property
    def refused(self) -> str | None:
        """What the compiler has against the options of a test, if it refuses them.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        said = (options.refused(self._native, self._language, test) for test in self._tests)
        return next((one for one in said if one is not None), None)

    def total(self, learnt: Sequence[Learnt]) -> int:
        """Count all tests, as far as they are known before a program runs."""
        found = sum(max(1, len(one.names)) for one in learnt) if learnt else self.calls
        return len(self._stdio) + len(self._calls) + found

    def learn(self, reference: str, spare: Callable[[], Meter]) -> tuple[Learnt, ...]:
        """Learn of each program test by a reference program that passes them all.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        return tuple(self._programs.learn(test, reference, spare) for test in self._tests)

    def run(
        self,
        source: str,
        learnt: Sequence[Learnt],
        meter: Meter,
        checkers: Checkers,
        spare: Callable[[], Meter],
    ) -> Ran:
        """Run every test; `spare` makes meters for what we run for ourselves.

        Program tests of which nothing is known (no `learnt`) are asked as calls.

        Raises:
            CompileFailed: the program does not compile, or not with a test.
            NoTests: a test's code begins nowhere.
            errors.SandboxError: the sandbox failed.
        """
        results: list[TestResult] = []
        stdout, stderr = b"", b""
        if self._stdio:
            try:
                compiled = self._native.compile(source)
            except Ended as ended:
                return Ran([], met=(ended.outcome, ended.detail))
            results, stdout, stderr = self._native.run_each(compiled, self._stdio, meter, checkers)
        of_programs = () if learnt else self._tests
        for asked in (*((self._calls,) if self._calls else ()), *of_programs):
            results += self._called.run(asked, source, meter, checkers)
            stdout, stderr = stdout or self._called.stdout, stderr or self._called.stderr
        for test, known in zip(self._tests, learnt, strict=False):
            results += self._programs.run(test, source, known, meter, spare)
            stdout, stderr = stdout or self._programs.stdout, stderr or self._programs.stderr
        return Ran(results, stdout, stderr)


def guards_of(learnt: Sequence[Learnt]) -> Guards:
    """Say how program tests are guarded: of the checks that can be changed, a few are tried."""
    sites, guarded = sum(one.sites for one in learnt), sum(len(one.changes) for one in learnt)
    none_because = None if all(one.changes for one in learnt) else Unguarded.NO_CHANGE
    return Guards.of(sites, guarded, none_because)
