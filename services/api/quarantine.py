"""Endpoints of what was set aside: why, and once more."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query
from sqlalchemy import delete, func, null, select, update
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.api import (
    Page,
    QuarantineKind,
    QuarantineView,
    ReleaseRequest,
    ReleaseResult,
)
from infra.contracts.base import BatchState, CandidateState, GroupState, SampleState
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    RankingRow,
    SampleRequestRow,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Work
from ranker import records
from services.api import examples
from services.api.dependencies import Db, Pages
from services.api.keys import ADMINISTERS, READS

router = APIRouter(prefix="/v1/quarantine", tags=["quarantine"])


@router.get("", dependencies=[READS])
def list_quarantine(
    db: Db,
    pages: Pages,
    kind: Annotated[QuarantineKind, Query(description="What to list.")] = QuarantineKind.CANDIDATE,
) -> Page[QuarantineView]:
    """List what was set aside after too many attempts, oldest first."""
    query = _QUERIES[kind]
    if (after := pages.after_id()) is not None:
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
    """Try again what was set aside, with its attempts forgotten; all of it, or none.

    A group that was ranked without it is opened again, unless its ranking is in a training batch
    already: then 409, and the program is to be submitted in a new group.
    """
    with db.unit_of_work() as work:
        if request.kind is QuarantineKind.TRAINING_BATCH:
            released = _release_batches(work, request.ids)
        elif request.kind is QuarantineKind.SAMPLE_REQUEST:
            released = _release(work, SampleRequestRow, SampleState, request.ids)
        else:
            released = _release(
                work, CandidateRow, CandidateState, _with_duplicates(work.session, request.ids)
            )
    return ReleaseResult(released=tuple(sorted(released)))


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
) -> Sequence[UUID]:
    set_aside = (table.id.in_(ids), table.state == states.QUARANTINED)
    groups = work.session.scalars(select(table.group_id).where(*set_aside).distinct()).all()
    _reopen(work, groups)
    again: dict[str, Any] = dict.fromkeys(("sent_at", "started_at", "reason"))
    if table is SampleRequestRow:
        again["code"] = None
    return work.session.scalars(
        update(table)
        .where(*set_aside)
        .values(state=states.SUBMITTED, attempts=0, **again)
        .returning(table.id)
        .execution_options(synchronize_session=False)
    ).all()


def _reopen(work: Work, group_ids: Sequence[UUID]) -> None:
    records.lock_groups(work, group_ids)
    trained = work.session.scalar(
        select(RankingRow.group_id).where(
            RankingRow.group_id.in_(group_ids), RankingRow.training_batch_id.is_not(None)
        )
    )
    if trained is not None:
        raise errors.Conflict(
            f"the ranking of group {trained} is in a training batch; submit the program in a new"
            " group"
        )
    work.session.execute(delete(RankingRow).where(RankingRow.group_id.in_(group_ids)))
    work.session.execute(
        update(GroupRow)
        .where(GroupRow.id.in_(group_ids))
        .values(state=GroupState.OPEN, ranked_at=None)
        .execution_options(synchronize_session=False)
    )


def _release_batches(work: Work, ids: Sequence[UUID]) -> Sequence[UUID]:
    return work.session.scalars(
        update(TrainingBatchRow)
        .where(TrainingBatchRow.id.in_(ids), TrainingBatchRow.state == BatchState.QUARANTINED)
        .values(state=BatchState.READY, attempts=0, lease_until=None, worker=None)
        .returning(TrainingBatchRow.id)
        .execution_options(synchronize_session=False)
    ).all()
