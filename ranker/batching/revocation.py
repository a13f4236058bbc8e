"""Takes rankings back, out of training batches where those allow it."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from infra.contracts.base import BatchState, SkipReason
from infra.db.tables import GroupRow, RankingRow, TrainingBatchRow
from infra.db.unit_of_work import Work
from ranker.batching import batches

NEVER_LEASED: ColumnElement[bool] = (TrainingBatchRow.state == BatchState.READY) & (
    TrainingBatchRow.lease_epoch == 0
)
"""Batches that no trainer has seen."""
SET_ASIDE: ColumnElement[bool] = TrainingBatchRow.state.in_(
    (BatchState.QUARANTINED, BatchState.STALE)
)
"""Batches that nobody trains, unless somebody releases them."""


def revoke(
    work: Work, group_ids: Collection[UUID], out_of: ColumnElement[bool]
) -> dict[UUID, UUID]:
    """Delete the rankings of groups, out of batches of one kind only.

    The caller holds the locks on the groups. Batches count what is left in them, and go with the
    last of it.

    Returns the batch of each group whose ranking stays: it is of another kind, or in use just now.
    """
    # Else one that is put into a batch just now would be deleted as if it were in none.
    batches.lock_forming(work)
    rankings = work.session.execute(
        select(RankingRow.group_id, RankingRow.training_batch_id).where(
            RankingRow.group_id.in_(group_ids)
        )
    )
    batched = {group_id: batch_id for group_id, batch_id in rankings if batch_id is not None}
    yielding = set(
        work.session.scalars(
            select(TrainingBatchRow.id)
            .where(TrainingBatchRow.id.in_(batched.values()), out_of)
            # Who leases it goes first, and need not wait for us; nor we, who hold groups, for it.
            .with_for_update(skip_locked=True)
        )
    )
    staying = {group: batch for group, batch in batched.items() if batch not in yielding}
    work.session.execute(
        delete(RankingRow).where(RankingRow.group_id.in_(set(group_ids) - staying.keys()))
    )
    recount(work, yielding)
    return staying


def revoke_unsound(work: Work, problem_id: UUID) -> None:
    """Take the rankings of an unsound problem out of batches that no trainer has had, for good.

    They are kept, and say why. A batch that is being leased just now keeps its own.
    """
    # Else one that was wanted until now would be put into a batch behind our back.
    batches.lock_forming(work)
    of_problem = select(GroupRow.id).where(GroupRow.problem_id == problem_id)
    theirs = RankingRow.group_id.in_(of_problem)
    batched = select(RankingRow.training_batch_id).where(
        theirs, RankingRow.training_batch_id.is_not(None)
    )
    yielding = work.session.scalars(
        select(TrainingBatchRow.id)
        .where(TrainingBatchRow.id.in_(batched), NEVER_LEASED)
        .with_for_update(skip_locked=True)
    ).all()
    work.session.execute(
        update(RankingRow)
        .where(theirs, RankingRow.training_batch_id.in_(yielding))
        .values(training_batch_id=None, skip_reason=SkipReason.UNSOUND_PROBLEM)
        .execution_options(synchronize_session=False)
    )
    recount(work, yielding)


def recount(work: Work, batch_ids: Collection[UUID]) -> None:
    """Let batches count what is in them, and delete those with nothing left."""
    left = select(func.count()).where(RankingRow.training_batch_id == TrainingBatchRow.id)
    pairs = select(func.coalesce(func.sum(RankingRow.num_pairs), 0)).where(
        RankingRow.training_batch_id == TrainingBatchRow.id
    )
    these = TrainingBatchRow.id.in_(batch_ids)
    work.session.execute(
        update(TrainingBatchRow)
        .where(these)
        .values(num_groups=left.scalar_subquery(), num_pairs=pairs.scalar_subquery())
        .execution_options(synchronize_session=False)
    )
    work.session.execute(
        delete(TrainingBatchRow)
        .where(these, TrainingBatchRow.num_groups == 0)
        .execution_options(synchronize_session=False)
    )
