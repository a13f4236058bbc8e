"""From the outcomes of the tests to the label of the candidate: pure."""

from collections.abc import Sequence

from executor.judging.limits.metering import Spending
from infra.contracts.base import Integrity, Label, Outcome
from infra.contracts.execution import (
    MAX_DETAIL_CHARACTERS,
    MAX_NAME_CHARACTERS,
    Guards,
    TestResult,
    Usage,
    Verdict,
)

_ENDED_BADLY = frozenset(
    {
        Outcome.RUNTIME_ERROR,
        Outcome.TIME_LIMIT_EXCEEDED,
        Outcome.MEMORY_LIMIT_EXCEEDED,
        Outcome.OUTPUT_LIMIT_EXCEEDED,
    }
)


def label_of(outcomes: Sequence[Outcome]) -> Label:
    """Label a candidate that compiled.

    Raises:
        ValueError: there are no outcomes; a candidate without tests cannot be judged.
    """
    if not outcomes:
        raise ValueError("a candidate without tests cannot be labelled")
    passed = sum(outcome is Outcome.PASSED for outcome in outcomes)
    if passed == len(outcomes):
        return Label.ALL_PASS
    if passed == 0 and any(outcome in _ENDED_BADLY for outcome in outcomes):
        return Label.RUNTIME_ERROR
    return Label.PARTIAL_PASS


def printable(data: bytes, limit: int = 16_384) -> str:
    """Make output fit to be stored: valid text, no NUL, at most `limit` bytes."""
    return data[:limit].decode("utf-8", "replace").replace("\x00", "\ufffd")


def result(
    outcome: Outcome, detail: str = "", spending: Spending | None = None, name: str = ""
) -> TestResult:
    """Make the result of one test, its name and explanation cleaned and cut."""
    spending = spending or Spending()
    return TestResult(
        outcome=outcome,
        name=_clean(name)[:MAX_NAME_CHARACTERS],
        detail=_clean(detail)[:MAX_DETAIL_CHARACTERS],
        cpu_seconds=max(0.0, spending.cpu),
        idle_seconds=max(0.0, spending.idle),
        wall_seconds=max(0.0, spending.wall),
    )


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")


def refuse_bytes(source: str) -> str | None:
    """Say why a source cannot be compiled, before any process is started for it.

    Python 3.11 cuts a source file at a NUL byte, so that what runs would not be what was checked.
    """
    if "\x00" in source:
        return "ValueError: source code cannot contain null bytes"
    try:
        source.encode()
    except UnicodeEncodeError as error:
        return f"UnicodeEncodeError: the source is not valid Unicode ({error.reason})"
    return None


def compile_error(message: str, total: int, sandbox: str, usage: Usage | None = None) -> Verdict:
    """Make the verdict of a program that does not compile; no test of it was run."""
    cleaned = result(Outcome.NOT_RUN, message).detail
    return Verdict(
        label=Label.COMPILE_ERROR,
        tests=tuple(result(Outcome.NOT_RUN) for _ in range(total)),
        usage=usage or Usage(),
        error=cleaned,
        sandbox=sandbox,
    )


def judged(
    tests: Sequence[TestResult],
    usage: Usage,
    sandbox: str,
    stdout: bytes = b"",
    stderr: bytes = b"",
    integrity: Integrity = Integrity.ISOLATED,
    guards: Guards | None = None,
) -> Verdict:
    """Make the verdict of a program that compiled."""
    first_failure = next(
        (test.detail for test in tests if test.outcome not in (Outcome.PASSED, Outcome.NOT_RUN)), ""
    )
    return Verdict(
        label=label_of([test.outcome for test in tests]),
        tests=tuple(tests),
        usage=usage,
        integrity=integrity,
        guards=guards,
        stdout=printable(stdout),
        stderr=printable(stderr),
        error=first_failure,
        sandbox=sandbox,
    )
