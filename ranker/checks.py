"""Records what executors report of the checks of problems."""

from typing import Any

from sqlalchemy import ColumnElement, func, update

from infra.contracts.base import CheckState
from infra.contracts.checks import CheckReport, Finding
from infra.db.tables import ProblemRow
from infra.db.unit_of_work import Work
from infra.observability import logs, metrics
from ranker.batching import revocation

log = logs.get(__name__)


def record_check(work: Work, report: CheckReport) -> None:
    """Record that a check has begun, what it found, or why it found nothing.

    What arrives twice, after another attempt's answer, or of a check that is not wanted any more,
    changes nothing.
    """
    if report.finding is not None:
        _record_finding(work, report, report.finding)
    elif report.reason:
        log.warning("problem.not_checked", problem_id=str(report.problem_id), reason=report.reason)
        # Not lost, only not begun any more: the sweep sends it again, and counts.
        _update(
            work,
            report,
            ProblemRow.check_attempts <= report.attempt,
            check_reason=report.reason.replace("\x00", "\ufffd"),
            check_started_at=None,
        )
    else:
        now = func.statement_timestamp()
        _update(
            work,
            report,
            # Begun again under a number that was counted, it is in the same attempt.
            ProblemRow.check_attempts.in_((report.attempt - 1, report.attempt)),
            check_attempts=report.attempt,
            check_sent_at=func.coalesce(ProblemRow.check_sent_at, now),
            check_started_at=now,
        )


def _record_finding(work: Work, report: CheckReport, finding: Finding) -> None:
    is_sound = finding.is_sound
    values: dict[str, Any] = {
        "check_state": CheckState.SOUND if is_sound else CheckState.UNSOUND,
        "check_reason": None,
        "check_sandbox": report.sandbox.replace("\x00", "\ufffd"),
        "checked_at": func.clock_timestamp(),
        "checked_sha256": report.suite_sha256,
        "finding": _storable(finding),
        "decided": finding.integrity if is_sound else None,
    }
    if finding.strength is not None and finding.strength.share is not None:
        values["strength"] = finding.strength.share
    if _update(work, report, **values):
        metrics.PROBLEMS_CHECKED.labels(finding.fault or "").inc()
        log.info("problem.checked", problem_id=str(report.problem_id), fault=finding.fault)
        if not is_sound:
            revocation.revoke_unsound(work, report.problem_id)


def _update(
    work: Work, report: CheckReport, *conditions: ColumnElement[bool], **values: Any
) -> bool:
    updated = work.session.execute(
        update(ProblemRow)
        .where(
            ProblemRow.id == report.problem_id,
            ProblemRow.check_state == CheckState.PENDING,
            ProblemRow.check_mutants == report.mutants,
            # Of an older version's row it is not known before the check is sent.
            ProblemRow.suite_sha256 == report.suite_sha256,
            *conditions,
        )
        .values(**values)
        .returning(ProblemRow.id)
        .execution_options(synchronize_session=False)
    )
    return updated.scalar() is not None


def _storable(finding: Finding) -> dict[str, Any]:
    """Return a finding as data in which every text can be answered as UTF-8, and none has a NUL.

    Postgres would keep one in JSON, and then read no field of it.
    """
    data: dict[str, Any] = _with_texts(finding.model_dump(mode="json"))
    return data


def _with_texts(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    if isinstance(value, list):
        return [_with_texts(one) for one in value]
    if isinstance(value, dict):
        return {name: _with_texts(one) for name, one in value.items()}
    return value
