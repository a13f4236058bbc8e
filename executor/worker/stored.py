"""Checks a stored problem for who asked through the queue, and reports what is found."""

from collections.abc import Callable

from executor.sandbox.slot import Slot
from executor.suites import soundness
from infra import errors, logs, metrics
from infra.contracts.checks import CheckReport, CheckRequest
from infra.contracts.execution import MAX_DETAIL_CHARACTERS

log = logs.get(__name__)


def check_stored(
    slot: Slot,
    request: CheckRequest,
    is_over: Callable[[], bool],
    report: Callable[[CheckReport], None],
) -> CheckRequest | None:
    """Check a problem and report; return the request where it could not begin in time.

    What comes back from an executor without the problem's image has not begun and is no attempt.

    Raises:
        errors.Unavailable: from `report`.
    """
    try:
        sandbox = slot.version_with(request.suite.image)
    except errors.ImageMissing as missing:
        report(CheckReport.of(request, reason=missing.detail))
        return None
    if request.attempt == 1:
        with slot.company.shared():
            _checked(slot, request, sandbox, is_over, report)
        return None
    # It may have ended a worker before: nothing else on the machine is to end with it.
    with slot.company.alone(is_over) as is_alone:
        if is_alone:
            _checked(slot, request, sandbox, is_over, report)
    return None if is_alone else request


def _checked(
    slot: Slot,
    request: CheckRequest,
    sandbox: str,
    is_over: Callable[[], bool],
    report: Callable[[CheckReport], None],
) -> None:
    report(CheckReport.of(request, sandbox=sandbox))
    try:
        found = soundness.check(slot, request.slug, request.suite, request.mutants, is_over)
    except Exception as error:
        # Whatever a suite brings about here, the next one is checked.
        log.error("problem.not_checked", problem_id=str(request.problem_id), exc_info=True)
        metrics.SANDBOX_FAILURES.labels(type(error).__name__).inc()
        reason = f"the executor failed: {type(error).__name__}: {error}"[:MAX_DETAIL_CHARACTERS]
        report(CheckReport.of(request, reason=reason))
        return
    if found.fault is not None and found.fault.blames == "machine":
        report(
            CheckReport.of(request, reason=f"{found.fault}: {found.detail}"[:MAX_DETAIL_CHARACTERS])
        )
    else:
        report(CheckReport.of(request, sandbox=sandbox, finding=found))
