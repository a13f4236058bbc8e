"""Ranks stored groups again whose ranking was decided by an older rule.

The old ranking stays and is marked as superseded. A batch that no trainer has had gets the new one
in its place; one that was leased keeps the old one for good, and its group is not trained again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select

from infra.contracts.base import SkipReason
from infra.db.tables import RankingRow, TrainingBatchRow
from infra.db.unit_of_work import Database, Work
from ranker import groups
from ranker.batching import batches, revocation
from ranker.ranking import RULE_VERSION, Rules

_GROUPS = 50
"""Groups of one transaction; each may have tens of candidates."""
_FIRST = UUID(int=0)


@dataclass
class RankedAgain:
    """What was done."""

    groups: int = 0
    in_open_batches: int = 0
    """Of these, groups whose batch no trainer has had: it is made of the new ranking."""
    in_leased_batches: int = 0
    """Of these, groups whose batch a trainer has had, or that was set aside: it keeps the old."""
    busy: int = 0
    """Groups left as they were, because their batch was in use just then: to be tried again."""


def rank_again(
    database: Database, rules: Rules, tell: Callable[[RankedAgain], None] = lambda _: None
) -> RankedAgain:
    """Rank in small transactions; `tell` is called after each. Safe to stop, and to run twice."""
    done = RankedAgain()
    after: UUID | None = _FIRST
    while after is not None:
        with database.unit_of_work() as work:
            after = _page(work, after, rules, done)
        tell(done)
    return done


def _page(work: Work, after: UUID, rules: Rules, done: RankedAgain) -> UUID | None:
    """Rank a few groups; return the last of their rankings, behind which to go on."""
    outdated = (
        select(RankingRow)
        .where(batches.IN_FORCE, RankingRow.rule_version < RULE_VERSION)
        .order_by(RankingRow.id)
    )
    page = work.session.scalars(outdated.where(RankingRow.id > after).limit(_GROUPS)).all()
    if not page:
        return None
    groups.lock(work, [row.group_id for row in page])
    # Asked again: some may have been taken back or deleted until now, but none is from now on.
    rows = outdated.where(RankingRow.id.in_([row.id for row in page]))
    old = work.session.scalars(rows.execution_options(populate_existing=True)).all()
    ranked = groups.rankings_of(work, [row.group_id for row in old], rules)
    new = {row.group_id: row for row in ranked}
    # Not before all is ranked: nobody forms a batch while it is held.
    batches.lock_forming(work)
    _replace(work, old, new, done)
    return page[-1].id


def _replace(
    work: Work, old: Sequence[RankingRow], new: Mapping[UUID, RankingRow], done: RankedAgain
) -> None:
    """Put new rankings in the place of old ones, in those batches too that allow it."""
    # Any ranking of a group, for one may have been superseded before.
    batched = work.session.execute(
        select(RankingRow.group_id, RankingRow.training_batch_id).where(
            RankingRow.group_id.in_(new), RankingRow.training_batch_id.is_not(None)
        )
    )
    batch_of = {group_id: batch_id for group_id, batch_id in batched}
    fresh = select(TrainingBatchRow.id).where(
        TrainingBatchRow.id.in_(batch_of.values()), revocation.NEVER_LEASED
    )
    # Who leases one just now goes first; its groups are left for another time.
    ours = set(work.session.scalars(fresh.with_for_update(skip_locked=True)))
    busy = set(work.session.scalars(fresh)) - ours
    replaced = [row for row in old if batch_of.get(row.group_id) not in busy]
    done.busy += len(old) - len(replaced)
    now = work.session.scalar(select(func.clock_timestamp()))
    for row in replaced:
        row.superseded_at = now
        batch_id, ranking = batch_of.get(row.group_id), new[row.group_id]
        if batch_id in ours:
            row.training_batch_id = None
            ranking.training_batch_id = None if ranking.skip_reason else batch_id
            done.in_open_batches += 1
        elif batch_id is not None:
            ranking.skip_reason = ranking.skip_reason or SkipReason.BATCHED_BEFORE
            done.in_leased_batches += 1
    work.session.flush()  # A group has one ranking in force, also between two statements.
    work.session.add_all(new[row.group_id] for row in replaced)
    work.session.flush()
    revocation.recount(work, ours)
    done.groups += len(replaced)
