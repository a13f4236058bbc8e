"""Whether a suite can judge anybody: told by its text, and by its reference program."""

import re
from collections.abc import Callable
from typing import Any, Final

from executor.judging import verdicts
from executor.judging.asserting import (
    CheckerFailed,
    ReferenceFailed,
    ReferenceNearLimit,
    SuiteBroken,
)
from executor.judging.host import CompileFailed, FunctionHost
from executor.judging.judge import Judge
from executor.judging.limits.metering import Meter
from executor.judging.shared import sharing
from executor.sandbox.ended import Ended
from executor.sandbox.slot import Slot
from executor.suites import strength
from infra import errors
from infra.contracts.base import Integrity, IntegrityRule, Label, Language, Outcome
from infra.contracts.checks import Fault, Finding
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, Suite, TestResult, Verdict
from infra.contracts.problems import AssertTest, CallTest, StdioTest
from infra.images.pinned import not_there

_NOT_THERE: Final = re.compile(r"No module named '([\w.]+)'|imports '([\w.]+)', which is not there")
_NO_TEST: Final = re.compile(r"no test ran|no test of|contains no assert")
_IN_TESTS: Final = "tests"
"""What a watched suite writes when it is seen in its test code."""


class _Broken(Exception):
    """Something is wrong with the suite."""

    def __init__(self, fault: Fault, detail: str) -> None:
        super().__init__(detail)
        self.fault = fault


def check(
    slot: Slot,
    slug: str,
    suite: Suite,
    mutants: int,
    is_over: Callable[[], bool] = lambda: False,
) -> Finding:
    """Say what is found of a suite, which has its problem's reference program, if there is one.

    `mutants` is the most that are tried, until `is_over`; with 0 nothing is found of the suite's
    strength.
    """
    try:
        try:
            return _Check(slot, slug, suite, mutants, is_over).finding()
        except errors.ImageMissing as missing:
            return Finding(slug=slug, fault=Fault.IMAGE, detail=missing.detail)
        except errors.ToolchainMissing as missing:
            return Finding(slug=slug, fault=Fault.TOOLCHAIN, detail=missing.detail)
        except errors.SandboxError:
            # A fault of ours is tried once more, in a fresh cell.
            return _Check(slot, slug, suite, mutants, is_over).finding()
    except errors.SandboxError as error:
        return Finding(slug=slug, fault=Fault.SANDBOX, detail=error.detail[:MAX_DETAIL_CHARACTERS])


class _Check:
    """The check of one suite."""

    def __init__(
        self, slot: Slot, slug: str, suite: Suite, mutants: int, is_over: Callable[[], bool]
    ) -> None:
        self._is_over = is_over
        self._slot = slot
        self._version = slot.version_with(suite.image)
        self._suite = suite
        self._mutants = mutants
        self._tests = [test for test in suite.tests if isinstance(test, AssertTest)]
        self._touched: str | None = None
        self._missing: list[str] = []
        self._finding = Finding(slug=slug, has_reference=suite.reference_program is not None)

    def finding(self) -> Finding:
        """Return what is found.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        try:
            self._examine()
            self._try_checkers()
            self._judge()
        except _Broken as broken:
            fault, detail = broken.fault, str(broken)
        except CheckerFailed as failed:
            fault, detail = Fault.CHECKER, failed.detail
        except ReferenceNearLimit as failed:
            fault, detail = Fault.REFERENCE, failed.detail
        except ReferenceFailed as failed:
            fault, detail = self._of_reference(failed.verdict)
        except SuiteBroken as broken:
            fault, detail = self._of_tests(broken.detail)
        else:
            return self._finding
        return self._with(fault=fault, detail=detail[:MAX_DETAIL_CHARACTERS])

    def _with(self, **fields: Any) -> Finding:
        self._finding = self._finding.model_copy(update=fields)
        return self._finding

    def _examine(self) -> None:
        """Have the test code read, before anything of it runs."""
        suite = self._suite
        if not (self._tests or suite.prelude):
            return
        sandbox = sharing.sandbox_of(self._slot.sandbox, suite.image)
        limits = suite.limits
        with sandbox.jail(sharing.start_of_look(suite), limits) as jail:
            try:
                budget = jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds)
                found = jail.receive(budget)
            except Ended as ended:
                raise _Broken(Fault.TESTS, f"they cannot be read: {ended.detail}") from ended
        if "broken" in found:
            raise _Broken(Fault(found["fault"]), str(found["broken"]))
        if found["untested"]:
            raise _Broken(Fault.NO_TEST, "a test's code checks nothing")
        self._touched, self._missing = found["touches"], found["missing"]
        if suite.reference_program is None and self._missing:
            raise _Broken(Fault.MISSING_PACKAGE, not_there(self._missing))

    def _try_checkers(self) -> None:
        """Load each checker, as it is loaded when it is first asked."""
        sandbox, limits = self._slot.sandbox.with_packages(self._suite.image), self._suite.limits
        checkers = {
            test.checker: None
            for test in self._suite.tests
            if isinstance(test, CallTest | StdioTest) and test.checker is not None
        }
        for source in checkers:
            with FunctionHost(sandbox, source, limits, Meter(limits)) as host:
                try:
                    host.start()
                except (CompileFailed, Ended) as error:
                    raise _Broken(Fault.CHECKER, f"a checker fails: {error}") from error

    def _judge(self) -> None:
        suite = self._suite
        if suite.reference_program is not None:
            refusal = verdicts.refuse_bytes(suite.whole(suite.reference_program))
            if refusal:
                raise _Broken(Fault.REFERENCE, f"the reference program: {refusal}")
        judge = Judge(self._slot.sandbox, suite, self._version)
        reference = judge.reference
        if suite.reference_program is not None and reference is None:
            reference = judge.judge(suite.reference_program)
            if reference.unstable:
                raise errors.SandboxError("the reference program is near a limit, and unstable")
            if reference.label is not Label.ALL_PASS:
                raise ReferenceFailed(reference)
        integrity, guards = judge.asserts.integrity, judge.asserts.protection
        reason = self._reason(integrity)
        self._with(integrity=integrity, reason=reason, tests=judge.total, guards=guards)
        if reference is None:
            if judge.refused is not None:
                raise _Broken(Fault.TESTS, judge.refused)
            return
        self._with(
            tests=reference.total,
            cpu_seconds=reference.usage.cpu_seconds,
            wall_seconds=reference.usage.wall_seconds,
        )
        if self._mutants and suite.language.startswith(Language.PYTHON):
            sandbox, version = self._slot.sandbox, self._version
            self._with(
                strength=strength.measure(
                    sandbox, suite, judge.asserts, reference, version, self._mutants, self._is_over
                )
            )

    def _reason(self, integrity: Integrity) -> str:
        if integrity is Integrity.SHARED and not self._tests:
            return "the tests are one program with the candidate"
        if not self._tests:
            return "calls and output are always compared from outside"
        if self._suite.integrity is not IntegrityRule.AUTO:
            return "the problem says so"
        if integrity is Integrity.ISOLATED:
            return "the tests only call and compare"
        return self._touched or "the reference program passes only beside the tests"

    # What is wrong.

    def _of_tests(self, detail: str) -> tuple[Fault, str]:
        absent = _NOT_THERE.search(detail)
        if absent:
            return Fault.MISSING_PACKAGE, not_there([absent[1] or absent[2]])
        return (Fault.NO_TEST if _NO_TEST.search(detail) else Fault.TESTS), detail

    def _of_reference(self, verdict: Verdict) -> tuple[Fault, str]:
        """Tell why the reference program does not pass, which need not be its fault."""
        failed = _first_failure(verdict)
        detail = f"the reference program gets {verdict.label}: {failed}"
        absent = _NOT_THERE.search(failed)
        if absent or self._missing:
            found = [absent[1] or absent[2]] if absent else []
            return Fault.MISSING_PACKAGE, not_there(self._missing or found)
        if all(_NO_TEST.search(test.detail) for test in verdict.tests) and verdict.tests:
            return Fault.NO_TEST, detail
        timed_out = any(test.outcome is Outcome.TIME_LIMIT_EXCEEDED for test in verdict.tests)
        if timed_out and self._loops_in_tests():
            return Fault.ENDLESS, f"the tests do not end: {failed}"
        if timed_out:
            most = self._suite.limits
            detail += f"; its limits are {most.cpu_seconds:g} s of CPU time a test"
            detail += f" and {most.idle_seconds:g} s of idle time"
        return Fault.REFERENCE, detail

    def _loops_in_tests(self) -> bool:
        """Tell whether it is the test code that was seen to run, and not only what it calls."""
        suite = self._suite
        sandbox = sharing.sandbox_of(self._slot.sandbox, suite.image)
        limits = suite.limits
        for test in self._tests:
            program = suite.whole(suite.reference_program or "")
            start = {**sharing.start_of(test, suite, program), "role": "watched"}
            with sandbox.jail(start, limits) as jail:
                budget = jail.budget(limits.cpu_seconds, limits.idle_seconds)
                try:
                    while "done" not in jail.receive(budget):
                        pass
                except Ended:
                    seen = jail.output("stderr").decode(errors="replace").split()
                    # A program that does not come back is there at every later look.
                    return _IN_TESTS in seen[len(seen) // 2 :]
        return False


def _first_failure(verdict: Verdict) -> str:
    for number, test in enumerate(verdict.tests, 1):
        if test.outcome is not Outcome.PASSED and verdict.label is not Label.COMPILE_ERROR:
            return _described(number, test)
    return verdict.error


def _described(number: int, test: TestResult) -> str:
    name = f" ({test.name})" if test.name else ""
    return f"test {number}{name}: {test.outcome}: {test.detail}"
