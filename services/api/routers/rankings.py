"""Endpoints of rankings: of one group, and all that is ranked."""

from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session, load_only

from infra import checking, errors
from infra.composing import continuation
from infra.contracts.base import Integrity, SkipReason
from infra.contracts.ranking import ADVICE, Response
from infra.contracts.views.api import Page, RankedGroupView, RankedResponse, RankingView
from infra.db.tables import (
    CandidateRow,
    CheckpointRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    RankingRow,
)
from ranker.batching import contents
from ranker.batching.batches import IN_FORCE
from ranker.batching.wanted import RESTS_ON_SHARED
from services.api.dependencies import Db, PagesById
from services.api.keys import READS
from services.api.routers.groups import require_group

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
    pages: PagesById,
    policy: Annotated[str | None, Query(description="Only groups of this policy.")] = None,
    integrity: Annotated[
        Integrity | None,
        Query(description="`isolated`: only groups of which no label is shared; `shared`: others."),
    ] = None,
) -> Page[RankedGroupView]:
    """List ranked groups with programs, scores and pairs, in the order of their ranking."""
    query = (
        select(RankingRow, ProblemRow, PolicyRow, RESTS_ON_SHARED, checking.IS_UNSOUND)
        .options(load_only(*_OF_PROBLEM))
        .join(GroupRow, RankingRow.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        .where(RankingRow.best_id.is_not(None), IN_FORCE)
        .order_by(RankingRow.id)
    )
    if (after := pages.after) is not None:
        query = query.where(RankingRow.id > after)
    if policy is not None:
        query = query.where(PolicyRow.name == policy)
    if integrity is not None:
        rests = integrity is Integrity.SHARED
        query = query.where(RESTS_ON_SHARED if rests else ~RESTS_ON_SHARED)
    with db.reading() as session:
        found = session.execute(pages.limited(query)).all()
        rows, cursor = pages.cut(found, lambda row: row[0].id)
        candidates: dict[UUID, list[CandidateRow]] = {row[0].group_id: [] for row in rows}
        for candidate in session.scalars(
            select(CandidateRow).where(
                CandidateRow.group_id.in_(candidates), CandidateRow.label.is_not(None)
            )
        ):
            candidates[candidate.group_id].append(candidate)
        checkpoints = _checkpoints(session, {policy.id for _, _, policy, *_ in rows})
        items = tuple(
            RankedGroupView(
                **_group(
                    ranking,
                    problem,
                    candidates[ranking.group_id],
                    checkpoints[policy.id],
                    Integrity.SHARED if rests_on_shared else Integrity.ISOLATED,
                ),
                id=ranking.id,
                problem_id=problem.id,
                policy=policy.name,
                skip_reason=SkipReason.UNSOUND_PROBLEM if is_unsound else ranking.skip_reason,
                strength=problem.strength,
                created_at=ranking.created_at,
            )
            for ranking, problem, policy, rests_on_shared, is_unsound in rows
        )
        return Page[RankedGroupView](items=items, next_cursor=cursor)


_OF_PROBLEM = (*contents.SHOWN, ProblemRow.details, ProblemRow.strength)


def _checkpoints(session: Session, policies: Collection[UUID]) -> dict[UUID, dict[int, UUID]]:
    found: dict[UUID, dict[int, UUID]] = {policy: {} for policy in policies}
    for row in session.execute(
        select(CheckpointRow.policy_id, CheckpointRow.version, CheckpointRow.id).where(
            CheckpointRow.policy_id.in_(policies)
        )
    ):
        found[row.policy_id][row.version] = row.id
    return found


class _Asked(NamedTuple):
    """What completions of a problem are made of."""

    prompt: str
    metadata: dict[str, Any]


def _group(
    ranking: RankingRow,
    problem: ProblemRow,
    candidates: Iterable[CandidateRow],
    checkpoints: Mapping[int, UUID],
    integrity: Integrity,
) -> dict[str, Any]:
    """Assemble a ranked group, whose responses say what wrote them."""
    rows = contents.responses(ranking, candidates, problem.language)
    asked = _Asked(problem.prompt, problem.details)

    def view(response: Response) -> RankedResponse:
        row = rows[response.candidate_id]
        version = row.policy_version
        return RankedResponse(
            **dict(response),
            completion=contents.trainable(continuation(asked, row.program, row.completion)),
            model=row.model,
            policy_version=version,
            checkpoint_id=None if version is None else checkpoints.get(version),
        )

    group = contents.assemble(ranking, problem, rows, integrity)
    return dict(group) | {"responses": tuple(view(response) for response in group.responses)}
