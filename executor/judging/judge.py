"""The judge: labels the candidates of one suite, within limits that its reference calibrates."""

import time
from collections.abc import Sequence
from typing import Any

from executor.judging import calls, reading, verdicts
from executor.judging.asserting import Found, ReferenceFailed, ReferenceNearLimit, SuiteBroken
from executor.judging.calls import Plain
from executor.judging.checking import Checkers
from executor.judging.host import CompileFailed, FunctionHost
from executor.judging.limits.allowances import (
    Allowance,
    calibrated,
    is_enough,
    is_load_near_limit,
    is_near_limit,
    least,
    of_copies,
    own,
)
from executor.judging.limits.metering import Meter
from executor.judging.native_suite import NativeSuite, guards_of
from executor.judging.programs.marks import NoTests
from executor.judging.run import Asserts, Run
from executor.judging.shared import learning, sharing
from executor.languages import TOOLCHAINS
from executor.sandbox.jail import Sandbox
from infra.contracts.base import (
    Integrity,
    IntegrityRule,
    Label,
    Outcome,
    Unguarded,
)
from infra.contracts.execution import Guards, Suite, Verdict
from infra.contracts.problems import MAX_WALL_SECONDS, AssertTest, check_tests


class Judge:
    """Judges candidates of one suite, one after the other."""

    def __init__(
        self, sandbox: Sandbox, suite: Suite, version: str, asserts: Asserts | None = None
    ) -> None:
        """Read the tests of the suite, and decide where they run.

        `asserts` is what another judge of the same suite has read.

        Raises:
            SuiteBroken: a test cannot be run, its code does not compile or contains no test, or the
                reference program fails where it decides.
            errors.ImageMissing: the suite's image has not been built here.
            errors.SandboxError: the sandbox failed.
        """
        try:
            # Checked at the door; what was stored before that checked as much comes past it.
            check_tests(suite.tests, suite.language, suite.entry_point)
        except ValueError as error:
            raise SuiteBroken(str(error)) from None
        self._sandbox = sandbox.with_packages(suite.image)
        self._suite = suite
        self._version = version
        self._limits = suite.limits
        self._tests = [test for test in suite.tests if isinstance(test, AssertTest)]
        self._native: NativeSuite | None = None
        if suite.language in TOOLCHAINS:
            self._native = NativeSuite(sandbox, suite)
        self._reference: Verdict | None = None
        self._broken: SuiteBroken | None = None
        self._found: list[Found] = []
        self._draws = learning.draws(self._sandbox, suite, suite.limits)
        self._requests: tuple[Sequence[Plain], dict[int, list[str]]] | None = None
        """What is asked of every candidate, and the plain tests of which it was made."""
        self.asserts = Asserts([], [], [])
        """What is known of the assert tests; another judge of the suite need not find it again."""
        self._allowed = own(suite.limits)
        """What one test may use."""
        self._is_calibrated = True
        """Whether that stays as it is."""
        self._begin()
        if self._tests:
            self.asserts = asserts or self._decided()
        if self._native is not None and self._native.unknown:
            self.asserts = asserts or self._learnt()
        if suite.reference_program is not None and suite.limits.reference_factor is not None:
            self._allowed, self._is_calibrated = least(self._limits, suite.image), False

    @property
    def reference(self) -> Verdict | None:
        """What the reference program got, where it has decided something."""
        return self._reference

    @property
    def refused(self) -> str | None:
        """What a compiler has against the options of the tests, if it refuses them.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        return None if self._native is None else self._native.refused

    @property
    def total(self) -> int:
        """Number of tests known before a program runs; those of a statement each count as one."""
        if self._native is not None:
            return self._native.total(self.asserts.programs)
        return sum(self.asserts.sites) + len(self._suite.tests) - len(self._tests)

    def _begin(self) -> None:
        # However often a program runs for one answer, there is one time to wait for that.
        self._deadline = time.monotonic() + MAX_WALL_SECONDS

    def _decided(self) -> Asserts:
        """Decide where the assert tests run: by reading them, then by the reference program.

        A check of the problem may have decided before, in which case that holds.
        """
        rule, decided = self._suite.integrity, self._suite.decided
        if rule is IntegrityRule.ISOLATED:
            return self._read(decides=False).asserts()
        if rule is IntegrityRule.SHARED or decided is Integrity.SHARED:
            return self._share_asserts()
        read = self._read(decides=decided is None)
        if read.touches:
            return self._share_asserts()
        reference = self._suite.reference_program
        try:
            self.asserts = read.asserts()
            # What is compared outside cannot pass for nothing: who passes has passed, and whether
            # the reference does as well matters for the first that does not.
            if all(plain is not None for plain in self.asserts.plain):
                return self.asserts
            if reference is not None:
                self._reference = self._judge_reference(reference)
                self.asserts = self.asserts._replace(found=tuple(self._found))
        except SuiteBroken:
            if reference is None or decided is not None:
                raise
            return self._share_asserts()
        return self.asserts

    def _read(self, decides: bool) -> reading.Read:
        return reading.read(self._sandbox, self._suite, self._tests, decides)

    def _share_asserts(self) -> Asserts:
        """Have the tests run beside the candidate, and see by the reference which there are."""
        ones: list[Any] = [1] * len(self._tests)
        unguarded = Guards.of(0, 0, Unguarded.NO_REFERENCE)
        self.asserts = Asserts(ones, [None] * len(ones), [], Integrity.SHARED, protection=unguarded)
        if self._suite.reference_program is None:
            if self._suite.decided is None:
                # No reference program tells what is missing.
                sandbox = sharing.sandbox_of(self._sandbox, self._suite.image)
                reading.require_packages(sandbox, self._suite)
            return self.asserts
        self._reference = self._judge_reference(self._suite.reference_program)
        names = [found.passed for found in self._found]
        sandbox = sharing.sandbox_of(self._sandbox, self._suite.image)
        allowed = of_copies(self._limits, self._suite.image, self._reference)
        seconds = sum(test.cpu_seconds + test.idle_seconds for test in self._reference.tests)
        guards, protection = learning.guards(
            sandbox, self._suite, self._limits, allowed, names, seconds
        )
        return self.asserts._replace(
            sites=[len(passed) for passed in names],
            found=tuple(self._found),
            guards=guards,
            protection=protection,
        )

    def _learnt(self) -> Asserts:
        """See by the reference program what the program tests are, and what it fails of them.

        Those that are only calls are asked as calls if it passes these.
        """
        assert self._native is not None
        if self._native.calls and self._passes_calls():
            return self.asserts
        known = self._native.unknown
        unguarded = Guards.of(0, 0, Unguarded.NO_REFERENCE)
        nothing = Asserts([], [], [], Integrity.SHARED, protection=unguarded, programs=known)
        reference = self._suite.reference_program
        if reference is None:
            return nothing
        self.asserts = nothing
        self._reference = self._judge_reference(reference)
        learnt = self._native.learn(self._suite.whole(reference), self._afresh)
        return nothing._replace(programs=learnt, protection=guards_of(learnt))

    def _passes_calls(self) -> bool:
        assert self._native is not None
        rule, decided = self._suite.integrity, self._suite.decided
        if rule is IntegrityRule.ISOLATED or decided is Integrity.ISOLATED:
            return True
        reference = self._suite.reference_program
        if rule is IntegrityRule.SHARED or decided is Integrity.SHARED or reference is None:
            return False
        try:
            asked = self._judge_reference(reference)
            self.asserts = self.asserts._replace(programs=self._native.unknown)
            # What calls find right the tests themselves must.
            self._judge_reference(reference)
        except ReferenceFailed:
            return False
        finally:
            self.asserts = self.asserts._replace(programs=())
        self._reference = asked
        return True

    def _spare(self) -> Meter:
        """Count what we run for ourselves."""
        return Meter(self._limits, self._allowed, self._deadline)

    def _afresh(self) -> Meter:
        """Count one of many runs of the reference program, each of which has a time of its own.

        All of them together may take minutes where it is slow, and others use the machine.
        """
        self._begin()
        return self._spare()

    def _judge_reference(self, source: str) -> Verdict:
        source = self._suite.whole(source)
        refusal = verdicts.refuse_bytes(source)
        if refusal:
            raise SuiteBroken(f"the reference program cannot be compiled: {refusal}")
        reference = self._judge(source, own(self._limits), times_each=True)
        if reference.label is not Label.ALL_PASS:
            if reference.unstable:
                raise ReferenceNearLimit(reference, self._limits.cpu_seconds)
            raise ReferenceFailed(reference)
        return reference

    def _calibrate(self) -> None:
        """Have the reference program decide how long a test may take; if it fails, nothing does."""
        assert self._suite.reference_program is not None
        allowed = own(self._limits)
        try:
            reference = self._reference or self._judge_reference(self._suite.reference_program)
        except (SuiteBroken, ReferenceNearLimit):
            pass
        else:
            self._reference = reference
            allowed = calibrated(self._limits, self._suite.image, reference)
        self._allowed, self._is_calibrated = allowed, True

    def judge(self, source: str) -> Verdict:
        """Label one program.

        Raises:
            errors.SandboxError: the sandbox failed; nothing is known about the program.
        """
        source = self._suite.whole(source)
        refusal = verdicts.refuse_bytes(source)
        if refusal:
            return verdicts.compile_error(refusal, self.total, self._version)
        self._begin()
        verdict = self._judge(source, self._allowed)
        used, integrity = self._allowed, self.asserts.integrity
        if verdict.label not in (Label.ALL_PASS, Label.COMPILE_ERROR) and self._is_in_doubt():
            self._settle()
        if not self._is_calibrated and _met_time_limit(verdict):
            self._calibrate()
        if integrity is self.asserts.integrity and is_enough(verdict, used, self._allowed):
            return verdict
        return self._judge(source, self._allowed)

    def _is_in_doubt(self) -> bool:
        """Tell whether the reference program may still have the tests run beside the candidate."""
        return (
            self._reference is None
            and self._suite.decided is None
            and self._suite.integrity is IntegrityRule.AUTO
            and self._suite.reference_program is not None
            and bool(self.asserts.sites)
            and self.asserts.integrity is Integrity.ISOLATED
        )

    def _settle(self) -> None:
        """Have the reference program decide.

        Raises:
            SuiteBroken: it passes nowhere.
        """
        assert self._suite.reference_program is not None
        if self._broken is not None:
            raise self._broken
        try:
            self._reference = self._judge_reference(self._suite.reference_program)
        except SuiteBroken:
            apart = self.asserts
            try:
                self.asserts = self._share_asserts()
            except SuiteBroken as broken:
                self.asserts, self._broken = apart, broken
                raise

    def _judge(self, source: str, allowed: Allowance, times_each: bool = False) -> Verdict:
        limits = learning.widened(self._limits, self.asserts.guards)
        allowed = learning.lengthened(allowed, limits, self.asserts.guards)
        meter = Meter(limits, allowed, self._deadline)
        verdict = self._run(source, meter, times_each)
        is_near = meter.was_late or is_near_limit(verdict, limits, allowed)
        # What a compiler takes is no loading.
        is_near = is_near or (self._native is None and is_load_near_limit(verdict, allowed))
        return verdict.model_copy(update={"unstable": True}) if is_near else verdict

    def _run(self, source: str, meter: Meter, times_each: bool) -> Verdict:
        if self._native is not None:
            return self._judge_native(self._native, source, meter)
        asserts = self.asserts
        if self._requests is None or self._requests[0] is not asserts.plain:
            self._requests = asserts.plain, calls.stretches(self._suite, asserts.plain)
        with (
            Checkers(self._sandbox, self._limits) as checkers,
            FunctionHost(self._sandbox, source, self._limits, meter, one_by_one=times_each) as host,
        ):
            run = Run(
                self._sandbox, self._suite, self._limits, asserts,
                source, host, checkers, meter, self._requests[1], self._draws,
            )  # fmt: skip
            try:
                results = run.results()
            except CompileFailed as failure:
                host.stop()
                return verdicts.compile_error(
                    str(failure), self.total, self._version, meter.usage()
                )
        self._found = run.found
        if not results:
            raise SuiteBroken("no test ran: every one is skipped")
        return verdicts.judged(
            results,
            meter.usage(),
            self._version,
            host.stdout,
            host.stderr,
            self.asserts.integrity,
            self.asserts.protection,
        )

    def _judge_native(self, native: NativeSuite, source: str, meter: Meter) -> Verdict:
        try:
            with Checkers(self._sandbox, self._limits) as checkers:
                ran = native.run(source, self.asserts.programs, meter, checkers, self._spare)
        except CompileFailed as failure:
            if native.refused is not None:
                raise SuiteBroken(native.refused) from None
            return verdicts.compile_error(str(failure), self.total, self._version)
        except NoTests as error:
            raise SuiteBroken(f"the test code begins nowhere: {error}") from None
        return verdicts.judged(
            ran.results or [verdicts.result(*ran.met)] * self.total,
            meter.usage(),
            self._version,
            ran.stdout,
            ran.stderr,
            self.asserts.integrity,
            self.asserts.protection,
        )


def _met_time_limit(verdict: Verdict) -> bool:
    """Tell whether a longer limit might give another verdict, or one that is not near a limit."""
    limits_met = (test.outcome is Outcome.TIME_LIMIT_EXCEEDED for test in verdict.tests)
    return verdict.unstable or any(limits_met)
