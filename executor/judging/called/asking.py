"""Calls a function of a candidate in another language than Python; compares what it returns here.

What is expected never enters the candidate's process, and what it answers is the value that counts,
whoever in there wrote it: there is nothing to forge.
"""

import json
import secrets
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from executor.judging import compare, verdicts
from executor.judging.called.composing import built
from executor.judging.checking import Checkers
from executor.judging.limits.allowances import GRACE
from executor.judging.limits.metering import Meter, Spending
from executor.judging.native.builds import Compiled
from executor.judging.native.runner import NativeRunner
from executor.sandbox import messages
from executor.sandbox.ended import Ended, describe_status
from executor.sandbox.jail import Jail
from infra.contracts import neutral
from infra.contracts.base import Language, Outcome
from infra.contracts.execution import TestResult
from infra.contracts.problems import CallTest, ProgramTest, ValueComparator
from infra.contracts.values import tagged
from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import encode

_LIMITS: Final = (
    Outcome.TIME_LIMIT_EXCEEDED,
    Outcome.MEMORY_LIMIT_EXCEEDED,
    Outcome.OUTPUT_LIMIT_EXCEEDED,
)


class _Ran(NamedTuple):
    """What came of one process."""

    answers: list[bytes]
    ended: Ended | None
    """How it ended before it had answered all."""
    spending: Spending
    written: bytes
    """What it wrote beside its answers."""


class CallRunner:
    """Runs the function tests of one language.

    One process answers one test after the other, within the limits of a single one. Where it meets
    one with several tests answered, it is not known which of them would have: each then has a
    process to itself.
    """

    def __init__(self, native: NativeRunner, language: Language, entry_point: str | None) -> None:
        self._native = native
        self._language = language
        self._entry_point = entry_point
        self.stdout = b""
        """What the last program wrote beside its answers."""
        self.stderr = b""

    def run(
        self,
        asked: Sequence[CallTest] | ProgramTest,
        program: str,
        meter: Meter,
        checkers: Checkers,
    ) -> list[TestResult]:
        """Run tests, or the calls of a test program.

        Raises:
            CompileFailed: the program does not compile, or has no function that can be called so.
            errors.SandboxError: the sandbox failed.
        """
        self.stdout = self.stderr = b""
        source = asked if isinstance(asked, ProgramTest) else None
        tests = asked.calls if isinstance(asked, ProgramTest) else asked
        results: list[TestResult] = []
        for at, stretch in _stretches(tests, self._entry_point):
            build = built(self._language, at, program, source)
            try:
                unparsed = self._native.unparsed(build)
                compiled = unparsed or self._native.build(build)
                found = self._stretch(compiled, stretch, meter, checkers)
                if unparsed and any(one.outcome is not Outcome.PASSED for one in found):
                    self._native.build(build)
            except Ended as ended:
                return [verdicts.result(ended.outcome, ended.detail) for _ in tests]
            results += found
        if source is not None and source.silent and (self.stdout or self.stderr):
            wrote = f"it wrote {verdicts.printable(self.stdout + self.stderr).strip()[:200]!r}"
            results = [_failed(result, wrote) for result in results]
        return results

    def _stretch(
        self, compiled: Compiled, tests: Sequence[CallTest], meter: Meter, checkers: Checkers
    ) -> list[TestResult]:
        results: list[TestResult] = []
        most = len(tests)
        while len(results) < len(tests):
            asked = tests[len(results) :][:most]
            try:
                ran = self._process(compiled, asked, meter)
            except Ended as ended:
                results += [verdicts.result(ended.outcome, ended.detail)]
                continue
            is_late = bool(ran.answers) and ran.spending.cpu > meter.allowed.cpu
            if is_late and len(asked) > 1:
                meter.forgive(ran.spending)
                most = 1
                continue
            found = [
                self._judged(test, answer, checkers)
                for test, answer in zip(asked, ran.answers, strict=False)
            ]
            if is_late:
                found = [_late(ran.spending, meter)]
            if len(found) < len(asked) and (not found or not _is_limit(ran.ended)):
                found.append(_ending(ran.ended, meter))
            if found:
                found[0] = verdicts.result(found[0].outcome, found[0].detail, ran.spending)
            results += found
        return results

    def _process(self, compiled: Compiled, asked: Sequence[CallTest], meter: Meter) -> _Ran:
        """Have a process answer tests as far as it comes.

        Raises:
            Ended: no time is left.
        """
        cpu_left, _ = meter.require_left()
        mark = secrets.token_hex(16)
        lines = [mark, *map(_arguments, asked)]
        with self._native.jail(compiled, "\n".join(lines) + "\n") as jail:
            ended = None
            cpu = min(meter.allowed.cpu, cpu_left)
            budget = meter.budget(jail, cpu * GRACE, meter.allowed.idle)
            try:
                status = jail.wait(budget)
                if status != 0:
                    ended = Ended(Outcome.RUNTIME_ERROR, _last(jail, status))
            except Ended as limit:
                ended = limit
            finally:
                meter.add(jail)
            answers, written = _answers(jail.output("stdout"), mark.encode(), len(asked))
            self.stdout, self.stderr = self.stdout or written, self.stderr or jail.output("stderr")
            return _Ran(answers, ended, Spending.of(jail), written)

    def _judged(self, test: CallTest, answer: bytes, checkers: Checkers) -> TestResult:
        try:
            told = messages.read(answer.decode("utf-8", "replace").encode())
        except (ValueError, RecursionError) as error:
            return verdicts.result(Outcome.RUNTIME_ERROR, f"no valid answer: {error}")
        if "raised" in told:
            return verdicts.result(Outcome.RUNTIME_ERROR, str(told["raised"]))
        if "value" not in told:
            return verdicts.result(Outcome.WRONG_ANSWER, "it returns no plain data")
        try:
            actual = neutral.read(told["value"])
        except (NotPlain, RecursionError) as error:
            return verdicts.result(Outcome.WRONG_ANSWER, f"it returns no plain data: {error}")
        return verdicts.result(*_compared(test, actual, checkers))


def _compared(test: CallTest, actual: Any, checkers: Checkers) -> tuple[Outcome, str]:
    expected = neutral.read(neutral.written(tagged.decode(test.expected)))
    if test.comparator is ValueComparator.CHECKER and test.checker is not None:
        return checkers.ask(test.checker, [list(test.args), test.expected, encode(actual)])
    if test.comparator is ValueComparator.EXACT:
        actual, expected = neutral.whole(actual), neutral.whole(expected)
    if compare.values_match(actual, expected, test.comparator, test.tolerance):
        return Outcome.PASSED, ""
    return Outcome.WRONG_ANSWER, f"returned {repr(actual)[:200]}"


def _stretches(
    tests: Sequence[CallTest], entry_point: str | None
) -> list[tuple[str, list[CallTest]]]:
    """Part tests into those that follow one another and call the same function."""
    found: list[tuple[str, list[CallTest]]] = []
    for test in tests:
        function = test.function or entry_point or ""
        if not found or found[-1][0] != function:
            found.append((function, []))
        found[-1][1].append(test)
    return found


def _arguments(test: CallTest) -> str:
    values = [neutral.written(tagged.decode(argument)) for argument in test.args]
    return json.dumps(values, separators=(",", ":"), allow_nan=False)


def _answers(stdout: bytes, mark: bytes, most: int) -> tuple[list[bytes], bytes]:
    """Return the answers, and what else was written."""
    before, *parts = stdout.split(mark)
    whole = [part.partition(b"\n") for part in parts]
    answers = [answer for answer, end, _ in whole if end]
    return answers[:most], before + b"".join(rest for _, _, rest in whole)


def _last(jail: Jail, status: int) -> str:
    lines = verdicts.printable(jail.output("stderr")).strip().rpartition("\n")[2]
    return f"{describe_status(status)}: {lines}"


def _late(spending: Spending, meter: Meter) -> TestResult:
    """Return what became of a test whose answer came too late."""
    try:
        meter.require_in_time(spending.cpu, None)
    except Ended as late:
        return verdicts.result(late.outcome, late.detail)
    raise AssertionError("it is in time")


def _is_limit(ended: Ended | None) -> bool:
    return ended is not None and ended.outcome in _LIMITS


def _ending(ended: Ended | None, meter: Meter) -> TestResult:
    """Return what became of the test at which a process ended."""
    if ended is None:
        return verdicts.result(Outcome.RUNTIME_ERROR, "it ended before it answered")
    met = meter.met(ended)
    return verdicts.result(met.outcome, met.detail)


def _failed(result: TestResult, why: str) -> TestResult:
    if result.outcome is not Outcome.PASSED:
        return result
    return result.model_copy(update={"outcome": Outcome.WRONG_ANSWER, "detail": why})
