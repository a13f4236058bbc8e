"""Checks of problems on their way to executors, and what an unsound problem's candidates come to.

A problem that is `pending` and has no `check_sent_at` waits in the outbox, as candidates do.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, text, update

from infra import checking, errors, stored_problems
from infra.contracts.base import CheckState, SampleState
from infra.contracts.candidates import RankGroup
from infra.contracts.checks import CheckRequest, Fault, Finding
from infra.contracts.execution import Suite
from infra.db.tables import UNSENT_CHECKS, GroupRow, ProblemRow, SampleRequestRow
from infra.db.unit_of_work import Work
from infra.observability import metrics
from infra.queues.messaging import Task
from ranker import groups, records
from services.delivery import outbox


def take(work: Work, messages: int) -> list[CheckRequest]:
    """Mark at most so many checks as sent, oldest problems first, and return their messages."""
    waiting = select(ProblemRow).where(text(UNSENT_CHECKS)).order_by(ProblemRow.id)
    rows = work.session.scalars(
        waiting.limit(messages).with_for_update(skip_locked=True, key_share=True)
    ).all()
    now = work.session.scalar(select(func.clock_timestamp()))
    taken = [_taken(row, now) for row in rows]
    work.session.flush()
    return [request for request in taken if request is not None]


def _taken(row: ProblemRow, now: datetime | None) -> CheckRequest | None:
    """Mark a check as sent; one that an older version let in and this one would not is over."""
    try:
        problem = stored_problems.problem_of(row)
    except errors.ProblemUnsound as error:
        found = Finding(slug=row.slug, fault=Fault.RECORD, detail=error.detail)
        row.check_state, row.checked_at = CheckState.UNSOUND, now
        row.checked_sha256 = row.suite_sha256 or ""
        row.finding, row.decided = found.model_dump(mode="json"), None
        return None
    suite = Suite.of(problem)
    row.suite_sha256 = suite.digest()
    row.check_sent_at = now
    return CheckRequest(
        problem_id=row.id,
        slug=row.slug,
        # Where it decides nothing it is left out of what candidates are judged by.
        suite=suite.model_copy(update={"reference_program": problem.reference_program}),
        suite_sha256=row.suite_sha256,
        mutants=row.check_mutants,
        attempt=row.check_attempts + 1,
    )


def give_back(work: Work, requests: Iterable[CheckRequest]) -> None:
    """Put checks that the queue did not take back into the outbox."""
    work.session.execute(
        update(ProblemRow)
        .where(
            ProblemRow.id.in_([request.problem_id for request in requests]),
            ProblemRow.check_state == CheckState.PENDING,
            # The queue may have taken it after all, without being able to say so.
            ProblemRow.check_started_at.is_(None)
            | (ProblemRow.check_started_at < ProblemRow.check_sent_at),
        )
        .values(check_sent_at=None)
        .execution_options(synchronize_session=False)
    )


def refuse_samples(work: Work, requests: Collection[UUID]) -> set[UUID]:
    """Set aside requests for samples that nobody would judge; return their ids."""
    rows = work.session.execute(
        select(SampleRequestRow.id, SampleRequestRow.group_id, GroupRow.problem_id)
        .join(GroupRow, SampleRequestRow.group_id == GroupRow.id)
        .where(SampleRequestRow.id.in_(requests))
    ).all()
    unsound = checking.unsound(work.session, {row.problem_id for row in rows})
    refused = [row for row in rows if row.problem_id in unsound]
    touched = sorted({row.group_id for row in refused})
    groups.lock(work, touched)
    for row in refused:
        work.session.execute(
            update(SampleRequestRow)
            .where(SampleRequestRow.id == row.id, SampleRequestRow.state == SampleState.SUBMITTED)
            .values(
                state=SampleState.QUARANTINED,
                reason=unsound[row.problem_id],
                code=errors.ProblemUnsound.code,
            )
            .execution_options(synchronize_session=False)
        )
    metrics.SWEEP_QUARANTINED.labels("sample_request").inc(len(refused))
    _rank(work, touched)
    return {row.id for row in refused}


def refuse(work: Work, chosen: Iterable[Sequence[outbox.Waiting]]) -> set[UUID]:
    """Set aside candidates whose problem was found unsound meanwhile; return their ids."""
    rows = [row for rows in chosen for row in rows]
    if not rows:
        return set()
    unsound = checking.unsound(work.session, {row.problem_id for row in rows})
    refused = [row for row in rows if row.problem_id in unsound]
    touched = sorted({row.group_id for row in refused})
    groups.lock(work, touched)
    for row in refused:
        records.quarantine(work, row.id, unsound[row.problem_id])
    _rank(work, touched)
    return {row.id for row in refused}


def _rank(work: Work, group_ids: Iterable[UUID]) -> None:
    """Have those of the groups ranked of which nothing waits any more."""
    for group_id in group_ids:
        work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
