"""Runs test code with a candidate as one program, and changed copies of it where it has passed.

All of it runs in the candidate's process, so that what is written there may be forged. A program
that passes whatever is asked passes a changed copy of the tests too, which no right one does. Who
forges one check alone passes the copy in which that one is changed, and no other: all copies are
run, each in a process of its own, in an order that is drawn anew for every candidate. Where that is
possible, one compilation serves all.
"""

import random
from collections.abc import Callable, Sequence
from typing import Final

from executor.judging import verdicts
from executor.judging.host import CompileFailed
from executor.judging.limits.allowances import GRACE
from executor.judging.limits.metering import Meter, Spending
from executor.judging.native.builds import Compiled
from executor.judging.native.runner import NativeRunner
from executor.judging.programs import results
from executor.judging.programs.blanks import Blank
from executor.judging.programs.changing import Change, changes, line, one_of_each_line
from executor.judging.programs.composing import composed
from executor.judging.programs.learnt import Learnt
from executor.judging.programs.marks import Composed
from executor.judging.programs.opening import Opened, Opener
from executor.judging.programs.results import Ran
from executor.sandbox.ended import Ended, describe_status
from executor.sandbox.jail import Jail
from infra.contracts.base import Language, Outcome
from infra.contracts.execution import ENOUGH_GUARDED, TestResult
from infra.contracts.problems import ProgramTest

_MOST_TRIED: Final = 4 * ENOUGH_GUARDED
_MOST_CHANGES: Final = ENOUGH_GUARDED + 3
"""Of those that are tried, how many are kept, and may be filled in later."""
_RANDOM: Final = random.SystemRandom()
_FAILURES: Final = frozenset({Outcome.RUNTIME_ERROR, Outcome.WRONG_ANSWER})
"""What is no limit."""
_FORGED: Final = "it passes a changed copy of the tests, which no right program does"


class ProgramRunner:
    """Runs the program tests of one language."""

    def __init__(self, native: NativeRunner, language: Language, entry_point: str | None) -> None:
        self._native = native
        self._opener = Opener(native, language)
        self._language = language
        self._entry_point = entry_point
        self.stdout = b""
        """What the last run wrote, without its mark."""
        self.stderr = b""

    def run(
        self,
        test: ProgramTest,
        program: str,
        learnt: Learnt,
        meter: Meter,
        spare: Callable[[], Meter],
    ) -> list[TestResult]:
        """Run one test; `spare` makes a meter for what each of its changed copies takes.

        Raises:
            CompileFailed: the program does not compile with the test code.
            NoTests: the test code begins nowhere.
            errors.SandboxError: the sandbox failed.
        """
        try:
            opened = self._opener.open(test, program, learnt.blanks, learnt.counts)
        except Ended as ended:
            return results.of(results.not_run(ended), learnt.names)
        is_lean = learnt.is_lean and self._native.is_alike(test, program)
        if opened is None:
            ran = self._once(test, program, meter, is_lean=is_lean)
            if is_lean and ran.outcome in _FAILURES:
                is_lean = False
                ran = self._once(test, program, spare())
        else:
            ran = self._filled(opened, test, meter)
        self.stdout, self.stderr = ran.stdout, ran.stderr
        is_guarded = ran.outcome is Outcome.PASSED and bool(learnt.changes)
        known = learnt._replace(is_lean=is_lean)
        if is_guarded and self._passes_changed(test, known, program, spare, opened):
            ran = ran._replace(outcome=Outcome.WRONG_ANSWER, detail=_FORGED, told={})
        return results.of(ran, learnt.names)

    def learn(self, test: ProgramTest, reference: str, meter: Callable[[], Meter]) -> Learnt:
        """Find what changes of a test the reference program fails, which passes the test itself.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        ran = self._once(test, reference, meter())
        possible = changes(test.source, self._language, self._entry_point)
        tried = one_of_each_line(test.source, possible)[:_MOST_TRIED]
        lines = len({line(test.source, change) for change in tried})
        opened = self._opened(test, reference, self._blanks(test, tried), meter)
        known = Learnt(sites=len(possible))
        if opened is not None:
            known = known._replace(blanks=opened.form.blanks, counts=opened.counts)
        elif self._native.has_lean_start and self._native.is_alike(test, reference):
            lean = self._once(test, reference, meter(), is_lean=True)
            known = known._replace(is_lean=lean.outcome is Outcome.PASSED)
        names = tuple(name for name, passed in ran.told.items() if passed)
        found: list[tuple[Change, frozenset[str]]] = []
        for number, change in enumerate(tried):
            # A second one of a line costs little only where it is filled in.
            is_first = number < lines
            if len(found) >= (ENOUGH_GUARDED if opened is None and not is_first else _MOST_CHANGES):
                break
            copy = self._changed(test, known, [change], reference, meter(), opened, False)
            if copy is not None and copy.outcome in _FAILURES:
                failed = frozenset(n for n in names if copy.told and not copy.told.get(n))
                # Of several, some may fail for another reason, and not every time.
                found.append((change, failed if len(failed) == 1 else frozenset()))
        return known._replace(
            names=names,
            changes=tuple(change for change, _ in found),
            fails=tuple(failed for _, failed in found),
        )

    def _blanks(self, test: ProgramTest, tried: Sequence[Change]) -> list[Blank]:
        """Return blanks for some changes, in the order of the test code."""
        if not self._native.is_compiled(composed(self._language, test, "").build):
            return []
        made = (Blank.of(test.source, self._language, *change) for change in tried)
        return sorted([blank for blank in made if blank is not None][:_MOST_CHANGES])

    def _opened(
        self,
        test: ProgramTest,
        reference: str,
        blanks: Sequence[Blank],
        meter: Callable[[], Meter],
    ) -> Opened | None:
        """Compile the reference program with as many blanks as it is the same program with."""
        if not blanks:
            return None
        opened = self._opener.open_reference(test, reference, blanks)
        if opened is not None and all(opened.counts):
            is_passed = self._filled(opened, test, meter()).outcome is Outcome.PASSED
            return opened if is_passed else None
        if opened is not None:
            kept = [blank for blank, count in zip(blanks, opened.counts, strict=True) if count]
        elif len(blanks) == 1:
            return None
        else:
            half = len(blanks) // 2
            halves = (blanks[:half], blanks[half:])
            parts = [self._opened(test, reference, half, meter) for half in halves]
            kept = [blank for part in parts if part for blank in part.form.blanks]
        return self._opened(test, reference, kept, meter) if len(kept) < len(blanks) else None

    def _passes_changed(
        self,
        test: ProgramTest,
        learnt: Learnt,
        program: str,
        spare: Callable[[], Meter],
        opened: Opened | None,
    ) -> bool:
        """Tell whether a program that has passed a test passes any part of a changed one."""
        for drawn in learnt.drawn():
            wanted = frozenset[str]().union(*(failed for _, failed in drawn))
            changed = [change for change, _ in drawn]
            ran = self._changed(test, learnt, changed, program, spare(), opened)
            if ran is not None and (
                ran.outcome is Outcome.PASSED or any(ran.told.get(name) for name in wanted)
            ):
                return True
        return False

    def _changed(
        self,
        test: ProgramTest,
        learnt: Learnt,
        changed: Sequence[Change],
        program: str,
        meter: Meter,
        opened: Opened | None,
        is_parsed: bool = True,
    ) -> Ran | None:
        """Run a program that passes a test with a changed one; None if it does not compile.

        One that fails is looked at unless it `is_parsed`, as a copy is that the reference ran with.
        """
        blanks = [blank for change in changed if (blank := learnt.blank(change)) is not None]
        if opened is not None and len(blanks) == len(changed):
            return self._filled(opened, test, meter, blanks)
        source = test.source
        for change in sorted(changed, reverse=True):
            source = change.of(source)
        copy = test.model_copy(update={"source": source})
        try:
            return self._once(copy, program, meter, is_parsed, learnt.is_lean)
        except CompileFailed:
            return None

    def _once(
        self,
        test: ProgramTest,
        program: str,
        meter: Meter,
        is_parsed: bool = False,
        is_lean: bool = False,
    ) -> Ran:
        """Run a program with a test; one that is not known to parse is looked at if it fails.

        Not where it `is_lean`: who fails then is run once more.
        """
        parts = composed(self._language, test, program)
        if is_lean:
            is_parsed = True
            parts = parts._replace(build=self._native.lean(parts.build))
        unparsed = self._native.unparsed(parts.build)
        try:
            compiled = unparsed or self._native.build(parts.build)
        except Ended as ended:
            return results.not_run(ended)
        ran = self._ran(parts, compiled, test, meter)
        if unparsed is None or is_parsed or ran.outcome is Outcome.PASSED:
            return ran
        try:
            self._native.build(parts.build)
        except Ended as ended:
            return ran._replace(outcome=ended.outcome, detail=ended.detail, told={})
        return ran

    def _filled(
        self, opened: Opened, test: ProgramTest, meter: Meter, changed: Sequence[Blank] = ()
    ) -> Ran:
        """Run a program whose blanks are filled in."""
        ran = self._ran(opened.parts, opened.filled(changed), test, meter)
        read = opened.form.readable
        return ran._replace(
            detail=read(ran.detail.encode()).decode(), stdout=read(ran.stdout),
            stderr=read(ran.stderr),
        )  # fmt: skip

    def _ran(self, parts: Composed, compiled: Compiled, test: ProgramTest, meter: Meter) -> Ran:
        try:
            cpu_left, _ = meter.require_left()
        except Ended as ended:
            return results.not_run(ended)
        with self._native.jail(compiled, "") as jail:
            try:
                ran = self._ended(jail, test, parts, min(meter.allowed.cpu, cpu_left), meter)
            except Ended as ended:
                output = jail.output("stdout"), jail.output("stderr")
                ran = Ran(ended.outcome, ended.detail, Spending.of(jail), {}, *output)
            finally:
                meter.add(jail)
            return ran

    def _ended(
        self, jail: Jail, test: ProgramTest, parts: Composed, cpu: float, meter: Meter
    ) -> Ran:
        budget = meter.budget(jail, cpu * GRACE, meter.allowed.idle)
        with meter.watching(jail):
            status = jail.wait(budget)
        meter.require_in_time(jail.cpu_seconds(), jail)
        stdout, stderr = jail.output("stdout"), jail.output("stderr")
        mark = parts.mark.encode()
        is_whole = stdout.count(mark) == 1
        stdout = stdout.replace(mark, b"")
        told = results.told(parts, stdout)
        outcome, detail = Outcome.RUNTIME_ERROR, ""
        if status != 0:
            detail = f"{describe_status(status)}: {results.told_last(stderr or stdout)}"
        elif not is_whole:
            detail = "it ended before the tests did"
        elif parts.reports and not (all(told.values()) and len(told) >= parts.declared):
            detail = f"{sum(told.values())} of {parts.declared} tests are reported as passed"
        elif test.silent and (stdout or stderr):
            written = verdicts.printable(stdout + stderr).strip()[:200]
            outcome, detail = Outcome.WRONG_ANSWER, f"it wrote {written!r}"
        else:
            outcome = Outcome.PASSED
        told = told if is_whole else {}
        return Ran(outcome, detail, Spending.of(jail), told, stdout, stderr)
