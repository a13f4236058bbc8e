"""Endpoints of trainers: leases, batches, policies, checkpoints."""

import asyncio
import time
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.prompting import PromptForm
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    LeaseRequest,
    LeaseResponse,
)
from infra.contracts.views.api import (
    CheckpointView,
    CompleteResponse,
    Page,
    PolicyView,
    TrainingBatchView,
)
from infra.db.tables import (
    CheckpointRow,
    PolicyRow,
    RankingRow,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Database
from ranker.batching import batches
from services.api.dependencies import Db, PagesById, PagesByNumber
from services.api.documents import examples
from services.api.keys import READS, TRAINS
from services.evaluated import best_version, version_at_work

router = APIRouter(prefix="/v1", tags=["training"])
_POLL_SECONDS = 0.25


@router.post("/training-batches/lease", dependencies=[TRAINS])
async def lease(
    db: Db, request: Annotated[LeaseRequest, Body(openapi_examples=examples.LEASE)], http: Request
) -> LeaseResponse:
    """Lease ranked batches; an empty list means that there is nothing yet.

    409 `policy_busy` while another worker holds batches of the policy.
    """
    deadline = time.monotonic() + request.wait_seconds
    # Waiting holds no transaction and no thread, so many trainers may wait without harm to others.
    while True:
        leased = await run_in_threadpool(_lease_now, db, request)
        if leased.batches or time.monotonic() >= deadline:
            return leased
        await asyncio.sleep(_POLL_SECONDS)
        if await http.is_disconnected():
            return leased  # Nobody would train what is leased now.


def _lease_now(db: Database, request: LeaseRequest) -> LeaseResponse:
    with db.unit_of_work() as work:
        return batches.lease(work, request)


@router.post("/training-batches/heartbeat", status_code=204, dependencies=[TRAINS])
def heartbeat(
    db: Db, request: Annotated[HeartbeatRequest, Body(openapi_examples=examples.HEARTBEAT)]
) -> Response:
    """Extend leases; 409 `lease_lost` if one was taken over."""
    with db.unit_of_work() as work:
        batches.heartbeat(work, request)
    return Response(status_code=204)


@router.post("/training-batches/complete", dependencies=[TRAINS])
def complete(
    db: Db, request: Annotated[CompleteRequest, Body(openapi_examples=examples.COMPLETE)]
) -> CompleteResponse:
    """Record batches as trained together with the checkpoint that holds them."""
    with db.unit_of_work() as work:
        return CompleteResponse(checkpoint_id=batches.complete(work, request))


@router.get("/training-batches", dependencies=[READS])
def list_batches(db: Db, pages: PagesById) -> Page[TrainingBatchView]:
    """List training batches, oldest first."""
    query = pages.limited(select(TrainingBatchRow).order_by(TrainingBatchRow.id))
    if (after := pages.after) is not None:
        query = query.where(TrainingBatchRow.id > after)
    with db.reading() as session:
        rows, cursor = pages.cut(session.scalars(query).all(), lambda row: row.id)
        items = tuple(_batch_view(session, row) for row in rows)
        return Page[TrainingBatchView](items=items, next_cursor=cursor)


@router.get("/training-batches/{batch_id}", dependencies=[READS])
def get_batch(db: Db, batch_id: UUID) -> TrainingBatchView:
    """Return a training batch, its groups and its checkpoint."""
    with db.reading() as session:
        row = session.get(TrainingBatchRow, batch_id)
        if row is None:
            raise errors.NotFound(f"there is no training batch {batch_id}")
        return _batch_view(session, row)


def _batch_view(session: Session, row: TrainingBatchRow) -> TrainingBatchView:
    policy = session.get_one(PolicyRow, row.policy_id)
    groups = session.scalars(
        select(RankingRow.group_id)
        .where(RankingRow.training_batch_id == row.id)
        .order_by(RankingRow.id)
    ).all()
    same = TrainingBatchView.model_fields.keys() - {"policy", "group_ids"}
    return TrainingBatchView(
        **{name: getattr(row, name) for name in same},
        policy=policy.name,
        group_ids=tuple(groups),
    )


@router.get("/policies", dependencies=[READS])
def list_policies(db: Db, pages: PagesById) -> Page[PolicyView]:
    """List policies, oldest first."""
    query = pages.limited(select(PolicyRow).order_by(PolicyRow.id))
    if (after := pages.after) is not None:
        query = query.where(PolicyRow.id > after)
    with db.reading() as session:
        rows, cursor = pages.cut(session.scalars(query).all(), lambda row: row.id)
        items = tuple(_policy_view(session, row) for row in rows)
        return Page[PolicyView](items=items, next_cursor=cursor)


@router.get("/policies/{name}", dependencies=[READS])
def get_policy(db: Db, name: str) -> PolicyView:
    """Return a policy and the version of its newest checkpoint."""
    with db.reading() as session:
        return _policy_view(session, find_policy(session, name))


@router.get("/policies/{name}/checkpoints", dependencies=[READS])
def list_checkpoints(db: Db, name: str, pages: PagesByNumber) -> Page[CheckpointView]:
    """List the checkpoints of a policy, newest first."""
    query = pages.limited(select(CheckpointRow).order_by(CheckpointRow.version.desc()))
    if (before := pages.after) is not None:
        query = query.where(CheckpointRow.version < before)
    with db.reading() as session:
        query = query.where(CheckpointRow.policy_id == find_policy(session, name).id)
        rows, cursor = pages.cut(session.scalars(query).all(), lambda row: row.version)
        items = tuple(checkpoint_view(session, row) for row in rows)
        return Page[CheckpointView](items=items, next_cursor=cursor)


@router.get("/checkpoints/{checkpoint_id}", dependencies=[READS])
def get_checkpoint(db: Db, checkpoint_id: UUID) -> CheckpointView:
    """Return a checkpoint and the batches that made it."""
    with db.reading() as session:
        row = session.get(CheckpointRow, checkpoint_id)
        if row is None:
            raise errors.NotFound(f"there is no checkpoint {checkpoint_id}")
        return checkpoint_view(session, row)


def find_policy(session: Session, name: str) -> PolicyRow:
    """Read a policy.

    Raises:
        errors.NotFound: there is none of that name.
    """
    row = session.scalar(select(PolicyRow).where(PolicyRow.name == name))
    if row is None:
        raise errors.NotFound(f"there is no policy {name!r}")
    return row


def _policy_view(session: Session, row: PolicyRow) -> PolicyView:
    newest = session.scalar(
        select(func.max(CheckpointRow.version)).where(CheckpointRow.policy_id == row.id)
    )
    return PolicyView(
        id=row.id,
        name=row.name,
        newest_version=newest,
        best_version=best_version(session, row.id),
        evaluating_version=version_at_work(session, row.id),
        created_at=row.created_at,
    )


def checkpoint_view(session: Session, row: CheckpointRow) -> CheckpointView:
    """Show a checkpoint and the batches that made it."""
    trained = session.scalars(
        select(TrainingBatchRow.id)
        .where(TrainingBatchRow.checkpoint_id == row.id)
        .order_by(TrainingBatchRow.id)
    ).all()
    return CheckpointView(
        id=row.id,
        policy=session.get_one(PolicyRow, row.policy_id).name,
        version=row.version,
        path=row.path,
        sha256=row.sha256,
        prompt_form=row.prompt_form and PromptForm.model_validate(row.prompt_form),
        metrics=row.metrics,
        training_batch_ids=tuple(trained),
        created_at=row.created_at,
    )
