"""Endpoints of rankings: of one group, and all that is ranked."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select

from infra import errors
from infra.contracts.api import Page, RankedGroupView, RankingView
from infra.contracts.base import Integrity
from infra.contracts.ranking import ADVICE
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    RankingRow,
)
from ranker import contents
from ranker.batches import IN_FORCE
from ranker.wanted import RESTS_ON_SHARED
from services.api.dependencies import Db, Pages
from services.api.groups import require_group
from services.api.keys import READS

router = APIRouter(prefix="/v1", tags=["rankings"])


@router.get("/groups/{group_id}/ranking", dependencies=[READS])
def get_ranking(
    db: Db,
    group_id: UUID,
    training_batch_id: Annotated[
        UUID | None,
        Query(description="What this batch was made of, even if the group was ranked again since."),
    ] = None,
) -> RankingView:
    """Return the ranking of a group; 404 while it has none."""
    with db.reading() as session:
        require_group(session, group_id)
        query = select(RankingRow).where(RankingRow.group_id == group_id)
        if training_batch_id is None:
            query = query.where(IN_FORCE)
        else:
            query = query.where(RankingRow.training_batch_id == training_batch_id)
        row = session.scalar(query)
        if row is None:
            where = f" in {training_batch_id}" if training_batch_id else " yet"
            raise errors.NotFound(f"the group {group_id} is not ranked{where}")
        return ranking_view(row)


def ranking_view(row: RankingRow) -> RankingView:
    """Show a ranking."""
    fields = {name: getattr(row, name) for name in RankingView.model_fields if name != "advice"}
    return RankingView(**fields, advice=row.skip_reason and ADVICE[row.skip_reason])


@router.get("/ranked-groups", dependencies=[READS])
def list_ranked_groups(
    db: Db,
    pages: Pages,
    policy: Annotated[str | None, Query(description="Only groups of this policy.")] = None,
    integrity: Annotated[
        Integrity | None,
        Query(description="`isolated`: only groups of which no label is shared; `shared`: others."),
    ] = None,
) -> Page[RankedGroupView]:
    """List ranked groups with programs, scores and pairs, in the order of their ranking."""
    query = (
        select(
            RankingRow,
            ProblemRow.slug,
            ProblemRow.prompt,
            PolicyRow.name,
            RESTS_ON_SHARED,
            ProblemRow.strength,
        )
        .join(GroupRow, RankingRow.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        .where(RankingRow.best_id.is_not(None), IN_FORCE)
        .order_by(RankingRow.id)
    )
    if (after := pages.after_id()) is not None:
        query = query.where(RankingRow.id > after)
    if policy is not None:
        query = query.where(PolicyRow.name == policy)
    if integrity is not None:
        rests = integrity is Integrity.SHARED
        query = query.where(RESTS_ON_SHARED if rests else ~RESTS_ON_SHARED)
    with db.reading() as session:
        found = session.execute(pages.limited(query)).all()
        rows, cursor = pages.cut(found, lambda row: row[0].id)
        candidates: dict[UUID, dict[UUID, CandidateRow]] = {row[0].group_id: {} for row in rows}
        for candidate in session.scalars(
            select(CandidateRow).where(CandidateRow.group_id.in_(candidates))
        ):
            candidates[candidate.group_id][candidate.id] = candidate
        items = tuple(
            RankedGroupView(
                **dict(contents.assemble(ranking, slug, prompt, candidates[ranking.group_id])),
                id=ranking.id,
                policy=name,
                skip_reason=ranking.skip_reason,
                integrity=Integrity.SHARED if rests_on_shared else Integrity.ISOLATED,
                strength=strength,
            )
            for ranking, slug, prompt, name, rests_on_shared, strength in rows
        )
        return Page[RankedGroupView](items=items, next_cursor=cursor)
