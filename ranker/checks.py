"""Records what executors report of the checks of problems."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update

from infra import checking, errors, logs, metrics
from infra.contracts.base import CheckState, SampleState
from infra.contracts.candidates import RankGroup
from infra.contracts.checks import CheckReport, Finding
from infra.db.tables import GroupRow, ProblemRow, SampleRequestRow
from infra.db.unit_of_work import Work
from infra.messaging import Task
from ranker import records

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
    if finding.strength is not None:
        values["strength"] = finding.strength.share
    if _update(work, report, **values):
        metrics.PROBLEMS_CHECKED.labels(finding.fault or "").inc()
        log.info("problem.checked", problem_id=str(report.problem_id), fault=finding.fault)
        if not is_sound:
            _end_sampling(work, report.problem_id)


def _end_sampling(work: Work, problem_id: UUID) -> None:
    """Set aside requests for samples that nobody would judge; what is under way is admitted yet."""
    waits = (
        SampleRequestRow.state == SampleState.SUBMITTED,
        SampleRequestRow.sent_at.is_(None),
    )
    of_problem = select(GroupRow.id).where(GroupRow.problem_id == problem_id)
    groups = set(
        work.session.scalars(
            select(SampleRequestRow.group_id).where(
                SampleRequestRow.group_id.in_(of_problem), *waits
            )
        )
    )
    records.lock_groups(work, groups)
    (reason,) = checking.unsound(work.session, {problem_id}).values()
    ended = work.session.execute(
        update(SampleRequestRow)
        .where(SampleRequestRow.group_id.in_(groups), *waits)
        .values(state=SampleState.QUARANTINED, reason=reason, code=errors.ProblemUnsound.code)
        .returning(SampleRequestRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    metrics.SWEEP_QUARANTINED.labels("sample_request").inc(len(ended))
    for group_id in sorted(groups):
        work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))


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
    """Return a finding as data in which every text can be answered as UTF-8."""
    text = json.dumps(finding.model_dump(mode="json"), ensure_ascii=False)
    data: dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return data
