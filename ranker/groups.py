"""Locks groups, and ranks those of which nothing waits any more.

Statements are made once, with arrays for what differs: to build one costs more than to send it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Row,
    Uuid,
    any_,
    bindparam,
    false,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from infra.contracts.base import CandidateState, GroupState, Pairing, SampleState, new_id
from infra.contracts.ranking import Ranking
from infra.db.tables import CandidateRow, GroupRow, ProblemRow, RankingRow, SampleRequestRow
from infra.db.unit_of_work import Work
from infra.observability import metrics
from ranker.batching import contents
from ranker.ranking import Rules, rank


def has_waiting(group_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a candidate or a request for samples of a group still waits.

    All rows of the group are looked at. Asked for those that wait, Postgres may take the index of
    all that wait anywhere, of which it knows nothing yet when a large load has just come.
    """
    candidates = select(func.bool_or(CandidateRow.state == CandidateState.SUBMITTED)).where(
        CandidateRow.group_id == group_id
    )
    requests = select(func.bool_or(SampleRequestRow.state == SampleState.SUBMITTED)).where(
        SampleRequestRow.group_id == group_id
    )
    return func.coalesce(candidates.scalar_subquery(), false()) | func.coalesce(
        requests.scalar_subquery(), false()
    )


_THESE = bindparam("ids", type_=ARRAY(Uuid))
_LOCK = (
    select(GroupRow.id).where(GroupRow.id == any_(_THESE)).order_by(GroupRow.id).with_for_update()
)
_COMPLETE = (
    select(GroupRow.id)
    .where(
        GroupRow.id == any_(_THESE),
        GroupRow.state == GroupState.OPEN,
        ~has_waiting(GroupRow.__table__.c.id),
    )
    .order_by(GroupRow.id)
)
_ASKED = (
    select(GroupRow.id, GroupRow.pairs, ProblemRow.language)
    .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
    .where(GroupRow.id == any_(_THESE))
)
_LABELLED = select(
    CandidateRow.group_id,
    CandidateRow.id,
    CandidateRow.author,
    CandidateRow.label,
    CandidateRow.pass_fraction,
    CandidateRow.program,
    CandidateRow.completion,
).where(CandidateRow.group_id == any_(_THESE), CandidateRow.state == CandidateState.LABELLED)
_MARK_RANKED = (
    update(GroupRow)
    .where(GroupRow.id == any_(_THESE))
    .values(state=GroupState.RANKED, ranked_at=func.clock_timestamp())
    .execution_options(synchronize_session=False)
)


def lock(work: Work, group_ids: Iterable[UUID]) -> None:
    """Lock groups, as every writer of labels does first; candidates are locked after them.

    Both in the order of their ids, so that no two writers wait for each other.
    """
    work.session.execute(_LOCK, {"ids": list(group_ids)})


def complete(session: Session, group_ids: Iterable[UUID]) -> list[UUID]:
    """Return those of some groups of which nothing waits, and that are not ranked."""
    return list(session.scalars(_COMPLETE, {"ids": list(group_ids)}))


def rank_complete(work: Work, group_ids: Iterable[UUID], rules: Rules) -> list[UUID]:
    """Rank those of some groups that are complete and not ranked yet; return their ids.

    The caller holds the locks on the groups.
    """
    ids = complete(work.session, group_ids)
    if not ids:
        return []
    rankings = rankings_of(work, ids, rules)
    work.session.add_all(rankings)
    work.session.flush()
    work.session.execute(_MARK_RANKED, {"ids": ids})
    for ranking in rankings:
        metrics.GROUPS_RANKED.labels(ranking.skip_reason or "").inc()
    return ids


def rankings_of(work: Work, group_ids: Collection[UUID], rules: Rules) -> list[RankingRow]:
    """Rank the labelled candidates of each of some groups; the rows are not stored yet."""
    these = {"ids": list(group_ids)}
    labelled = defaultdict[UUID, list[Row[*tuple[Any, ...]]]](list)
    for row in work.session.execute(_LABELLED, these):
        labelled[row.group_id].append(row)
    rankings = []
    for group_id, pairs, language in work.session.execute(_ASKED, these):
        judged = [contents.judged(row, language) for row in labelled[group_id]]
        asked = {} if pairs is None else {"all_pairs": pairs is Pairing.ALL}
        rankings.append(_row(group_id, rank(judged, rules.model_copy(update=asked))))
    return rankings


def _row(group_id: UUID, ranking: Ranking) -> RankingRow:
    return RankingRow(
        id=new_id(),
        group_id=group_id,
        preset=ranking.preset,
        rule_version=ranking.rule_version,
        order=[entry.model_dump(mode="json") for entry in ranking.order],
        pairs=[pair.model_dump(mode="json") for pair in ranking.pairs],
        best_id=ranking.best_id,
        num_pairs=len(ranking.pairs),
        dropped_pairs=ranking.dropped_pairs,
        skip_reason=ranking.skip_reason,
    )
