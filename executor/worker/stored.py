"""Checks a stored problem for who asked through the queue, and reports what is found."""

from collections.abc import Callable

from executor.sandbox.slot import Slot
from executor.suites import soundness
from executor.worker import failures
from infra import errors
from infra.contracts.checks import CheckReport, CheckRequest
from infra.contracts.execution import MAX_DETAIL_CHARACTERS
from infra.observability import logs, metrics

log = logs.get(__name__)


def check_stored(
    slot: Slot,
    request: CheckRequest,
    is_over: Callable[[], bool],
    report: Callable[[CheckReport], None],
    is_stopping: Callable[[], bool],
) -> CheckRequest | None:
    """Check a problem and report; return the request where another executor is to go on with it.

    That is where it could not begin in time, or the worker was told to stop among the mutants.
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
        with slot.lock.shared():
            return _checked(slot, request, sandbox, is_over, report, is_stopping)
    # It may have ended a worker before: nothing else on the machine is to end with it.
    with slot.lock.alone(is_over) as is_alone:
        if not is_alone:
            return request
        return _checked(slot, request, sandbox, is_over, report, is_stopping)


def _checked(
    slot: Slot,
    request: CheckRequest,
    sandbox: str,
    is_over: Callable[[], bool],
    report: Callable[[CheckReport], None],
    is_stopping: Callable[[], bool],
) -> CheckRequest | None:
    cut = False

    def is_cut() -> bool:
        nonlocal cut
        cut = is_over()
        return cut

    report(CheckReport.of(request, sandbox=sandbox))
    try:
        found = soundness.check(slot, request.slug, request.suite, request.mutants, is_cut)
    except Exception as error:
        # Whatever a suite brings about here, the next one is checked.
        log.error("problem.not_checked", problem_id=str(request.problem_id), exc_info=True)
        metrics.SANDBOX_FAILURES.labels(type(error).__name__).inc()
        report(CheckReport.of(request, reason=failures.told(error)))
        return None
    if cut and is_stopping():
        # How strong the tests are is not to hang on when a worker was told to stop.
        return request
    if found.fault is not None and found.fault.blames == "machine":
        report(
            CheckReport.of(request, reason=f"{found.fault}: {found.detail}"[:MAX_DETAIL_CHARACTERS])
        )
    else:
        report(CheckReport.of(request, sandbox=sandbox, finding=found))
    return None
