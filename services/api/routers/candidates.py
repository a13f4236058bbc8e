"""Endpoints of candidates: found among all, one by itself, its history, and run again."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Select, select
from sqlalchemy.orm import Session, defer

from infra import errors, intake
from infra.contracts.base import Author, CandidateState, Label, Priority
from infra.contracts.candidates import AGAIN, NewCandidate, NewGroup
from infra.contracts.prompting import Sampled
from infra.contracts.views.api import CandidateDetail, CandidateView, ExecutionView, Page
from infra.contracts.views.dashboard import (
    CandidateHistory,
    ExecutionSummary,
    FoundCandidate,
    SameProgram,
)
from infra.db.tables import CandidateRow, ExecutionRow, GroupRow, PolicyRow, ProblemRow
from infra.observability import tracing
from services.api import quota
from services.api.dependencies import PATIENCE, Db, Limited, PagesById
from services.api.filters import PartOfProblem, PolicyOf, Since, Until, narrowed, of_groups
from services.api.keys import READS, SUBMITS, CalledBy

router = APIRouter(prefix="/v1/candidates", tags=["candidates"])
LARGE = (CandidateRow.program, CandidateRow.completion, CandidateRow.sampled)
"""Columns that no view of many candidates shows."""
_MOST_SAME = 100
_SAME_NAME = tuple(name for name in CandidateView.model_fields if name != "metadata")


@router.get("", dependencies=[READS])
def find_candidates(
    db: Db,
    pages: PagesById,
    label: Annotated[Label | None, Query(description="Only with this label.")] = None,
    state: Annotated[CandidateState | None, Query(description="Only in this state.")] = None,
    author: Annotated[Author | None, Query(description="Only of this author.")] = None,
    model: Annotated[
        str | None,
        Query(max_length=200, description="Only of models with this in their name, in any case."),
    ] = None,
    problem: PartOfProblem = None,
    policy: PolicyOf = None,
    since: Since = None,
    until: Until = None,
) -> Page[FoundCandidate]:
    """List candidates of all groups, newest first."""
    query = narrowed(_found(), CandidateRow.id, since, until)
    exact = {CandidateRow.label: label, CandidateRow.state: state, CandidateRow.author: author}
    query = query.where(*(column == value for column, value in exact.items() if value is not None))
    if model is not None:
        query = query.where(CandidateRow.model.icontains(model, autoescape=True))
    query = query.where(*of_groups(problem, policy))
    if (after := pages.after) is not None:
        query = query.where(CandidateRow.id < after)
    with db.reading() as session:
        session.execute(PATIENCE)
        rows = session.execute(pages.limited(query.order_by(CandidateRow.id.desc()))).all()
        cut, cursor = pages.cut(rows, lambda row: row[0].id)
        items = tuple(
            FoundCandidate(**_fields(row), problem_id=problem_id, problem_slug=slug, policy=name)
            for row, problem_id, slug, name in cut
        )
        return Page[FoundCandidate](items=items, next_cursor=cursor)


def _found() -> Select[CandidateRow, UUID, str, str]:
    return (
        select(CandidateRow, ProblemRow.id, ProblemRow.slug, PolicyRow.name)
        .options(*map(defer, LARGE))
        .join(GroupRow, CandidateRow.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
    )


@router.get("/{candidate_id}", dependencies=[READS])
def get_candidate(db: Db, candidate_id: UUID) -> CandidateDetail:
    """Return a candidate with its program and the outcome of every test."""
    with db.reading() as session:
        row = _require(session, candidate_id)
        execution = session.get(ExecutionRow, row.execution_id) if row.execution_id else None
        return CandidateDetail(
            **_fields(row),
            program=_shown(row.program),
            completion=None if row.completion is None else _shown(row.completion),
            sampled=row.sampled and Sampled.model_validate(row.sampled),
            execution=None if execution is None else _execution_view(execution),
        )


@router.get("/{candidate_id}/history", dependencies=[READS])
def get_history(db: Db, candidate_id: UUID) -> CandidateHistory:
    """Say when a candidate was what, how it was executed, and where else its program is."""
    with db.reading() as session:
        session.execute(PATIENCE)
        row = _require(session, candidate_id)
        executions = session.scalars(
            select(ExecutionRow)
            .where(ExecutionRow.candidate_id == candidate_id)
            .order_by(ExecutionRow.attempt)
        ).all()
        moments = ("created_at", "sent_at", "started_at", "labelled_at")
        return CandidateHistory(
            **{name: getattr(row, name) for name in moments},
            executions=tuple(map(_summary, executions)),
            same_program=_same_program(session, row),
        )


@router.post("/{candidate_id}/again", status_code=202, dependencies=[SUBMITS])
def run_again(db: Db, caller: CalledBy, limit: Limited, candidate_id: UUID) -> CandidateView:
    """Execute the program of a candidate once more, in a group of its own that nobody trains on.

    The candidate itself stays as it is. Returns the new one.
    """
    limit.accept(caller.api_key_id, 1)
    with db.unit_of_work() as work:
        row = _require(work.session, candidate_id)
        quota.spend(work.session, caller, 1)
        group = work.session.get_one(GroupRow, row.group_id)
        same = ("author", "program", "model", "policy_version", "seed")
        new = NewGroup(
            candidates=(NewCandidate(**{name: getattr(row, name) for name in same}),),
            policy=AGAIN,
            priority=Priority.INTERACTIVE,
            cache=False,
            metadata={"again": str(candidate_id)},
        )
        group_id = intake.open_group(work, group.problem_id, new, caller.api_key_id)
        tracing.refer([group_id])
        made = work.session.scalars(
            select(CandidateRow).where(CandidateRow.group_id == group_id)
        ).one()
        return candidate_view(made)


def candidate_view(row: CandidateRow) -> CandidateView:
    """Show a candidate without its program."""
    return CandidateView(**_fields(row))


def _require(session: Session, candidate_id: UUID) -> CandidateRow:
    row = session.get(CandidateRow, candidate_id)
    if row is None:
        raise errors.NotFound(f"there is no candidate {candidate_id}")
    return row


def _shown(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _fields(row: CandidateRow) -> dict[str, Any]:
    # The view is the table's row without its large columns; the names are the same.
    return {name: getattr(row, name) for name in _SAME_NAME} | {"metadata": row.details}


def _execution_view(row: ExecutionRow) -> ExecutionView:
    return ExecutionView(**{name: getattr(row, name) for name in ExecutionView.model_fields})


def _summary(row: ExecutionRow) -> ExecutionSummary:
    return ExecutionSummary(**{name: getattr(row, name) for name in ExecutionSummary.model_fields})


def _same_program(session: Session, row: CandidateRow) -> tuple[SameProgram, ...]:
    group = session.get_one(GroupRow, row.group_id)
    own = [name for name in SameProgram.model_fields if name != "policy"]
    query = (
        select(*(getattr(CandidateRow, name) for name in own), PolicyRow.name.label("policy"))
        # Through the problem's groups, which are indexed; programs are not.
        .join(GroupRow, CandidateRow.group_id == GroupRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        .where(
            GroupRow.problem_id == group.problem_id,
            CandidateRow.program_sha256 == row.program_sha256,
            CandidateRow.id != row.id,
        )
        .order_by(CandidateRow.id.desc())
        .limit(_MOST_SAME)
    )
    return tuple(SameProgram(**found._asdict()) for found in session.execute(query))
