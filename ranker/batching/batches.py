"""The lease table between the ranker and every trainer.

A batch is trained at most once: each lease has an epoch, every later call names it, and "consumed"
is recorded in the transaction that records the checkpoint.
"""

import functools
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update

from infra import errors
from infra.contracts.base import BatchState, SkipReason
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    LeasedBatch,
    LeaseRequest,
    LeaseResponse,
    NewCheckpoint,
)
from infra.db.locks import Lock
from infra.db.tables import (
    CandidateRow,
    CheckpointRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    RankingRow,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Work
from infra.observability import metrics
from ranker.batching.contents import ranked_groups
from ranker.batching.wanted import EVERYTHING, Wanted, leave_out

MAX_LEASES = 5
"""Leases after which a batch that nobody completes is set aside."""
IN_FORCE: ColumnElement[bool] = RankingRow.superseded_at.is_(None)
"""The one ranking of each group that no later one replaces."""
UNBATCHED: ColumnElement[bool] = (
    RankingRow.training_batch_id.is_(None) & RankingRow.skip_reason.is_(None) & IN_FORCE
)
"""Rankings that wait to be put into a batch."""
_LOCK_FORMING = select(func.pg_advisory_xact_lock(Lock.FORMING_BATCHES))


def form(
    work: Work,
    batch_groups: int,
    flush_before: datetime | None = None,
    wanted: Wanted = EVERYTHING,
) -> int:
    """Put ranked groups into training batches, oldest first; return the number of batches.

    Only whole batches are formed, except that groups ranked before `flush_before` do not wait.
    Groups that are not wanted are skipped for good, with the reason.
    """
    lock_forming(work)
    rows = work.session.execute(_waiting(wanted)).all()
    leave_out(work, {row.id: SkipReason(row.reason) for row in rows if row.reason is not None})
    kept = (row for row in rows if row.reason is None)
    formed = 0
    for policy_id, of_policy in groupby(kept, key=lambda row: row.policy_id):
        waiting = list(of_policy)
        for start in range(0, len(waiting), batch_groups):
            chunk = waiting[start : start + batch_groups]
            waited = flush_before is not None and chunk[0].created_at <= flush_before
            if len(chunk) == batch_groups or waited:
                pairs = sum(row.num_pairs for row in chunk)
                _make_batch(work, policy_id, [row.id for row in chunk], pairs)
                formed += 1
    return formed


@functools.cache
def _waiting(wanted: Wanted) -> Select[UUID, int, datetime, UUID, SkipReason | None]:
    """Make the statement, once: it is asked whenever a group is ranked."""
    reason = wanted.leaves_out()
    return (
        select(
            RankingRow.id,
            RankingRow.num_pairs,
            RankingRow.created_at,
            GroupRow.policy_id,
            reason.label("reason"),
        )
        .join(GroupRow, RankingRow.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .where(UNBATCHED, reason.is_not(None) | wanted.is_ready())
        .order_by(GroupRow.policy_id, RankingRow.id)
    )


def lock_forming(work: Work) -> None:
    """Keep everybody else from putting rankings into batches, until this transaction ends.

    Another former then finds the groups taken. Who locks groups too does so first.
    """
    work.session.execute(_LOCK_FORMING)


def _make_batch(work: Work, policy_id: UUID, ranking_ids: Sequence[UUID], num_pairs: int) -> None:
    batch = TrainingBatchRow(
        policy_id=policy_id,
        state=BatchState.READY,
        num_groups=len(ranking_ids),
        num_pairs=num_pairs,
    )
    work.session.add(batch)
    work.session.flush()
    work.session.execute(
        update(RankingRow)
        .where(RankingRow.id.in_(ranking_ids))
        .values(training_batch_id=batch.id)
        .execution_options(synchronize_session=False)
    )


def lease(work: Work, request: LeaseRequest) -> LeaseResponse:
    """Lease ready batches, and those whose lease has ended, oldest first.

    A fresh worker has forgotten what it held, so that is ready again: it need not wait for leases
    of its own to end, and trains in the order in which it would have, had it never died.

    Raises:
        errors.PolicyBusy: another worker holds batches of this policy. Two that train it apart
            would each leave out what the other has learnt.
    """
    # One at a time, so that two who ask at once are not both the first. Trainers that wait ask four
    # times a second, and this lock, unlike a row's, writes nothing.
    work.session.execute(
        select(func.pg_advisory_xact_lock(Lock.LEASING, func.hashtext(request.policy)))
    )
    policy = work.session.scalar(select(PolicyRow.id).where(PolicyRow.name == request.policy))
    if policy is None:
        return LeaseResponse(batches=(), lease_seconds=request.lease_seconds)
    if request.fresh:
        _give_back(work, policy, request.worker)
    _refuse_a_second(work, policy, request)
    if request.max_staleness is not None:
        _set_aside_stale(work, policy, request.max_staleness)
    claim = (
        select(TrainingBatchRow.id)
        .where(
            TrainingBatchRow.policy_id == policy,
            TrainingBatchRow.attempts < MAX_LEASES,
            (TrainingBatchRow.state == BatchState.READY)
            | (
                (TrainingBatchRow.state == BatchState.LEASED)
                & (TrainingBatchRow.lease_until < func.clock_timestamp())
            ),
        )
        .order_by(TrainingBatchRow.id)
        .limit(request.limit)
        .with_for_update(skip_locked=True)
        .cte("claim")
        .prefix_with("MATERIALIZED")
    )
    rows = work.session.execute(
        update(TrainingBatchRow)
        .where(TrainingBatchRow.id.in_(select(claim.c.id)))
        .values(
            state=BatchState.LEASED,
            lease_epoch=TrainingBatchRow.lease_epoch + 1,
            lease_until=func.clock_timestamp() + timedelta(seconds=request.lease_seconds),
            attempts=TrainingBatchRow.attempts + 1,
            worker=request.worker,
        )
        .returning(TrainingBatchRow.id, TrainingBatchRow.lease_epoch)
    ).all()
    batches = [
        LeasedBatch(batch_id=row.id, epoch=row.lease_epoch, groups=ranked_groups(work, row.id))
        for row in sorted(rows)
    ]
    return LeaseResponse(batches=tuple(batches), lease_seconds=request.lease_seconds)


def _set_aside_stale(work: Work, policy: UUID, most: int) -> None:
    """Set aside what nobody has leased and what older weights wrote than the trainer accepts."""
    newest = (
        select(func.coalesce(func.max(CheckpointRow.version), 0))
        .where(CheckpointRow.policy_id == policy)
        .scalar_subquery()
    )
    oldest = (
        select(func.min(CandidateRow.policy_version))
        .join(RankingRow, RankingRow.group_id == CandidateRow.group_id)
        .where(RankingRow.training_batch_id == TrainingBatchRow.id)
        .scalar_subquery()
    )
    work.session.execute(
        update(TrainingBatchRow)
        .where(
            TrainingBatchRow.policy_id == policy,
            TrainingBatchRow.state == BatchState.READY,
            newest - oldest > most,
        )
        .values(state=BatchState.STALE)
        .execution_options(synchronize_session=False)
    )


def _refuse_a_second(work: Work, policy: UUID, request: LeaseRequest) -> None:
    other = work.session.execute(
        select(TrainingBatchRow.worker, func.max(TrainingBatchRow.lease_until))
        .where(
            TrainingBatchRow.policy_id == policy,
            TrainingBatchRow.state == BatchState.LEASED,
            TrainingBatchRow.worker != request.worker,
            TrainingBatchRow.lease_until >= func.clock_timestamp(),
        )
        .group_by(TrainingBatchRow.worker)
    ).first()
    if other is not None:
        worker, until = other
        raise errors.PolicyBusy(
            f"policy {request.policy!r} is trained by {worker!r}, whose lease lasts until"
            f" {until:%H:%M:%S %Z}; stop it, or train another policy"
        )


def _give_back(work: Work, policy: UUID, worker: str) -> None:
    work.session.execute(
        update(TrainingBatchRow)
        .where(
            TrainingBatchRow.policy_id == policy,
            TrainingBatchRow.state == BatchState.LEASED,
            TrainingBatchRow.worker == worker,
            # One leased too often stays as it is, to be set aside when its lease ends.
            TrainingBatchRow.attempts < MAX_LEASES,
        )
        .values(state=BatchState.READY, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def heartbeat(work: Work, request: HeartbeatRequest) -> None:
    """Extend leases.

    Raises:
        errors.LeaseLost: one of them ended and was taken over, or its batch is completed.
    """
    for held in sorted(request.leases, key=lambda held: held.batch_id):
        extended = work.session.scalar(
            update(TrainingBatchRow)
            .where(
                TrainingBatchRow.id == held.batch_id,
                TrainingBatchRow.state == BatchState.LEASED,
                TrainingBatchRow.lease_epoch == held.epoch,
            )
            .values(lease_until=func.clock_timestamp() + timedelta(seconds=request.lease_seconds))
            .returning(TrainingBatchRow.id)
        )
        if extended is None:
            raise errors.LeaseLost(f"the lease of batch {held.batch_id} is lost")


def complete(work: Work, request: CompleteRequest) -> UUID:
    """Record batches as trained together with their checkpoint: all of them, or none.

    Returns the checkpoint's id; the same completion again returns the same id.

    Raises:
        errors.LeaseLost: a lease was taken over; nothing is recorded.
        errors.Conflict: the version exists with other weights, or is not above the newest one.
        errors.NotFound: there is no such policy.
    """
    policy = work.session.scalar(
        select(PolicyRow).where(PolicyRow.name == request.policy).with_for_update(key_share=True)
    )
    if policy is None:
        raise errors.NotFound(f"there is no policy {request.policy!r}")
    batches = work.session.scalars(
        select(TrainingBatchRow)
        .where(
            TrainingBatchRow.id.in_([held.batch_id for held in request.leases]),
            TrainingBatchRow.policy_id == policy.id,
        )
        .order_by(TrainingBatchRow.id)
        .with_for_update()
    ).all()
    repeated = _completed_before(work, policy.id, batches, request)
    if repeated is not None:
        return repeated
    epochs = {batch.id: batch for batch in batches}
    for held in request.leases:
        batch = epochs.get(held.batch_id)
        if batch is None or batch.state is not BatchState.LEASED or batch.lease_epoch != held.epoch:
            raise errors.LeaseLost(f"the lease of batch {held.batch_id} is lost")
    checkpoint = _add_checkpoint(work, policy.id, request.checkpoint)
    for batch in batches:
        batch.state, batch.checkpoint_id = BatchState.COMPLETED, checkpoint.id
        batch.completed_at, batch.lease_until = checkpoint.created_at, None
    work.session.flush()
    work.session.execute(
        update(CandidateRow)
        .where(
            CandidateRow.group_id == RankingRow.group_id,
            RankingRow.training_batch_id.in_([batch.id for batch in batches]),
            CandidateRow.policy_version.is_not(None),
        )
        .values(staleness=checkpoint.version - CandidateRow.policy_version)
        .execution_options(synchronize_session=False)
    )
    metrics.BATCHES_COMPLETED.inc(len(batches))
    return checkpoint.id


def _completed_before(
    work: Work,
    policy: UUID,
    batches: Sequence[TrainingBatchRow],
    request: CompleteRequest,
) -> UUID | None:
    checkpoint = work.session.scalar(
        select(CheckpointRow).where(
            CheckpointRow.policy_id == policy, CheckpointRow.version == request.checkpoint.version
        )
    )
    same = (
        checkpoint is not None
        and checkpoint.sha256 == request.checkpoint.sha256
        and len(batches) == len({held.batch_id for held in request.leases})
        and all(batch.checkpoint_id == checkpoint.id for batch in batches)
    )
    return checkpoint.id if checkpoint is not None and same else None


def _add_checkpoint(work: Work, policy: UUID, new: NewCheckpoint) -> CheckpointRow:
    newest = work.session.scalar(
        select(func.max(CheckpointRow.version)).where(CheckpointRow.policy_id == policy)
    )
    if newest is not None and new.version <= newest:
        raise errors.Conflict(
            f"version {new.version} is not above the newest checkpoint's version {newest}"
        )
    checkpoint = CheckpointRow(
        policy_id=policy,
        version=new.version,
        path=new.path,
        sha256=new.sha256,
        prompt_form=new.prompt_form and new.prompt_form.model_dump(mode="json"),
        metrics=dict(new.metrics),
        created_at=work.session.scalar(select(func.clock_timestamp())),
    )
    work.session.add(checkpoint)
    work.session.flush()
    return checkpoint


def quarantine_exhausted(work: Work) -> int:
    """Set aside batches that were leased too often and never completed; return their number."""
    rows = work.session.execute(
        update(TrainingBatchRow)
        .where(
            TrainingBatchRow.state == BatchState.LEASED,
            TrainingBatchRow.attempts >= MAX_LEASES,
            TrainingBatchRow.lease_until < func.clock_timestamp(),
        )
        .values(state=BatchState.QUARANTINED)
        .returning(TrainingBatchRow.id)
    ).all()
    metrics.SWEEP_QUARANTINED.labels("training_batch").inc(len(rows))
    return len(rows)
