"""Endpoints of what was set aside: why, and once more."""

from collections.abc import Sequence, Set
from typing import Annotated, Any, assert_never
from uuid import UUID

from fastapi import APIRouter, Body, Query
from sqlalchemy import func, null, select, update
from sqlalchemy.orm import Session

from infra.contracts.base import BatchState, CandidateState, GroupState, SampleState
from infra.contracts.views.api import (
    Kept,
    Page,
    QuarantineKind,
    QuarantineView,
    ReleaseRequest,
    ReleaseResult,
)
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    SampleRequestRow,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Work
from ranker import groups, records
from ranker.batching import revocation
from services.api.dependencies import Db, PagesById
from services.api.documents import examples
from services.api.keys import ADMINISTERS, READS

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])


@router.get("", dependencies=[READS])
def list_quarantine(
    db: Db,
    pages: PagesById,
    kind: Annotated[QuarantineKind, Query(description="What to list.")] = QuarantineKind.CANDIDATE,
) -> Page[QuarantineView]:
    """List what was set aside after too many attempts, oldest first."""
    query = _QUERIES[kind]
    if (after := pages.after) is not None:
        query = query.where(query.selected_columns.id > after)
    with db.reading() as session:
        rows, cursor = pages.cut(session.execute(pages.limited(query)).all(), lambda row: row.id)
    items = tuple(QuarantineView(kind=kind, **row._asdict()) for row in rows)
    return Page[QuarantineView](items=items, next_cursor=cursor)


_QUERIES: dict[QuarantineKind, Any] = {
    QuarantineKind.CANDIDATE: select(
        CandidateRow.id,
        CandidateRow.group_id,
        CandidateRow.attempts,
        CandidateRow.reason,
        null().label("code"),
    )
    .where(CandidateRow.state == CandidateState.QUARANTINED)
    .order_by(CandidateRow.id),
    QuarantineKind.SAMPLE_REQUEST: select(
        SampleRequestRow.id,
        SampleRequestRow.group_id,
        SampleRequestRow.attempts,
        SampleRequestRow.reason,
        SampleRequestRow.code,
    )
    .where(SampleRequestRow.state == SampleState.QUARANTINED)
    .order_by(SampleRequestRow.id),
    QuarantineKind.TRAINING_BATCH: select(
        TrainingBatchRow.id,
        null().label("group_id"),
        TrainingBatchRow.attempts,
        null().label("reason"),
        null().label("code"),
    )
    .where(TrainingBatchRow.state == BatchState.QUARANTINED)
    .order_by(TrainingBatchRow.id),
}


@router.post("/release", dependencies=[ADMINISTERS])
def release(
    db: Db, request: Annotated[ReleaseRequest, Body(openapi_examples=examples.RELEASE)]
) -> ReleaseResult:
    """Try again what was set aside, with its attempts forgotten.

    A group that was ranked without it is opened again, and leaves a training batch that nobody has
    leased yet. What is in a batch that a trainer has had is kept, with the reason; submit a new
    group. A verdict that came too late is taken now, in place of another execution.
    """
    ids = request.ids
    with db.unit_of_work() as work:
        match request.kind:
            case QuarantineKind.TRAINING_BATCH:
                return _release_batches(work, ids)
            case QuarantineKind.SAMPLE_REQUEST:
                return _release(work, SampleRequestRow, SampleState, ids)
            case QuarantineKind.CANDIDATE:
                return _release(work, CandidateRow, CandidateState, ids)
            case _:
                assert_never(request.kind)


def _with_duplicates(session: Session, ids: Sequence[UUID]) -> Sequence[UUID]:
    """Add the originals of duplicates, and the duplicates of originals: one label is for all."""
    original = func.coalesce(CandidateRow.duplicate_of, CandidateRow.id)
    originals = session.scalars(select(original).where(CandidateRow.id.in_(ids))).all()
    return session.scalars(
        select(CandidateRow.id).where(
            CandidateRow.id.in_(originals) | CandidateRow.duplicate_of.in_(originals)
        )
    ).all()


def _release(
    work: Work,
    table: type[CandidateRow] | type[SampleRequestRow],
    states: type[CandidateState] | type[SampleState],
    ids: Sequence[UUID],
) -> ReleaseResult:
    set_aside = (table.id.in_(ids), table.state == states.QUARANTINED)
    touched = set(work.session.scalars(select(table.group_id).where(*set_aside)))
    batched = _reopen(work, touched)
    if table is CandidateRow:
        # Now that nobody can add to these groups.
        ids = _with_duplicates(work.session, ids)
        set_aside = (table.id.in_(ids), table.state == states.QUARANTINED)
    rows = work.session.execute(
        select(table.id, table.group_id)
        .where(*set_aside, table.group_id.in_(touched))
        .order_by(table.id)
        .with_for_update(key_share=True)
    ).all()
    again: dict[str, Any] = dict.fromkeys(("sent_at", "started_at", "reason"))
    if table is SampleRequestRow:
        again["code"] = None
    released = tuple(row.id for row in rows if row.group_id not in batched)
    work.session.execute(
        update(table)
        .where(table.id.in_(released))
        .values(state=states.SUBMITTED, attempts=0, **again)
        .execution_options(synchronize_session=False)
    )
    if table is CandidateRow:
        records.label_released(work, released)
    advice = "ask for the rest" if table is SampleRequestRow else "submit the program"
    kept = tuple(
        Kept(id=row.id, reason=f"its group is in {batched[row.group_id]}; {advice} in a new group")
        for row in rows
        if row.group_id in batched
    )
    return ReleaseResult(released=released, kept=kept)


def _reopen(work: Work, group_ids: Set[UUID]) -> dict[UUID, str]:
    """Open groups to be ranked again; return in which training batch the others are."""
    groups.lock(work, group_ids)
    batched = revocation.revoke(work, group_ids, revocation.NEVER_LEASED)
    work.session.execute(
        update(GroupRow)
        .where(GroupRow.id.in_(group_ids - batched.keys()))
        .values(state=GroupState.OPEN, ranked_at=None)
        .execution_options(synchronize_session=False)
    )
    states = work.session.execute(
        select(TrainingBatchRow.id, TrainingBatchRow.state).where(
            TrainingBatchRow.id.in_(batched.values())
        )
    )
    said = {
        # Ready, and yet not to be had: given back, or another transaction leases it now.
        batch_id: "a trainer has had" if state is BatchState.READY else f"is {state.value}"
        for batch_id, state in states
    }
    return {
        group_id: f"training batch {batch_id}, which {said[batch_id]}"
        for group_id, batch_id in batched.items()
    }


def _release_batches(work: Work, ids: Sequence[UUID]) -> ReleaseResult:
    released = work.session.scalars(
        update(TrainingBatchRow)
        .where(TrainingBatchRow.id.in_(ids), TrainingBatchRow.state == BatchState.QUARANTINED)
        .values(state=BatchState.READY, attempts=0, lease_until=None, worker=None)
        .returning(TrainingBatchRow.id)
        .execution_options(synchronize_session=False)
    ).all()
    return ReleaseResult(released=tuple(sorted(released)), kept=())
