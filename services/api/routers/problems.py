"""Endpoints of problems."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from infra import checking, errors, stored_problems
from infra.contracts.base import CheckState
from infra.contracts.checks import MAX_MUTANTS, Finding
from infra.contracts.problems import Problem
from infra.contracts.views.api import (
    BulkOutcome,
    BulkProblems,
    BulkResult,
    CheckAgain,
    CheckView,
    Page,
    ProblemSummary,
    ProblemView,
)
from infra.db.tables import ProblemRow, TestCaseRow
from services.api.dependencies import PATIENCE, Db, PagesById
from services.api.documents import examples
from services.api.filters import PartOfProblem, Since, Until, has_in_name, narrowed
from services.api.keys import READS, SUBMITS

router = APIRouter(prefix="/v1/problems", tags=["problems"])

_STORED: dict[int | str, dict[str, Any]] = {
    200: {"model": ProblemView, "description": "It was stored before."}
}
_SUMMARY = tuple(name for name in ProblemSummary.model_fields if name != "num_tests")
Mutants = Annotated[
    int,
    Query(
        ge=0,
        le=MAX_MUTANTS,
        description="Most changed reference programs that the check judges, to say how strong the"
        " tests are.",
    ),
]


@router.post("", status_code=201, dependencies=[SUBMITS], responses=_STORED)
def create_problem(
    db: Db,
    problem: Annotated[Problem, Body(openapi_examples=examples.PROBLEM)],
    response: Response,
    mutants: Mutants = 0,
) -> ProblemView:
    """Store a problem; the same problem again answers 200 with the one that is stored.

    An executor then checks its tests: see `check` of the problem.
    """
    with db.unit_of_work() as work:
        problem_id, created = stored_problems.add_problem(work, problem, mutants)
        view = problem_view(work.session, problem_id)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"/v1/problems/{problem_id}"
    return view


@router.post("/bulk", dependencies=[SUBMITS])
def create_problems(
    db: Db,
    bulk: Annotated[BulkProblems, Body(openapi_examples=examples.BULK)],
    mutants: Mutants = 0,
) -> BulkResult:
    """Store many problems; each stands for itself, and one that fails stops none of the others."""
    outcomes = []
    for problem in bulk.problems:
        try:
            with db.unit_of_work() as work:
                problem_id, created = stored_problems.add_problem(work, problem, mutants)
            outcomes.append(BulkOutcome(slug=problem.slug, id=problem_id, created=created))
        except (errors.Conflict, errors.InvalidInput) as error:
            outcomes.append(
                BulkOutcome(slug=problem.slug, id=None, created=False, error=error.detail)
            )
    return BulkResult(outcomes=tuple(outcomes))


@router.get("", dependencies=[READS])
def list_problems(
    db: Db,
    pages: PagesById,
    slug: Annotated[str | None, Query(max_length=200, description="Exact name.")] = None,
    problem: PartOfProblem = None,
    since: Since = None,
    until: Until = None,
    check_state: Annotated[
        CheckState | None, Query(description="Only problems of whose tests this is known.")
    ] = None,
) -> Page[ProblemSummary]:
    """List problems, oldest first."""
    tests = select(func.count()).where(TestCaseRow.problem_id == ProblemRow.id).scalar_subquery()
    columns = [getattr(ProblemRow, name) for name in _SUMMARY]
    query = pages.limited(select(*columns, tests.label("num_tests")).order_by(ProblemRow.id))
    if (after := pages.after) is not None:
        query = query.where(ProblemRow.id > after)
    if slug is not None:
        query = query.where(ProblemRow.slug == slug)
    if check_state is not None:
        query = query.where(ProblemRow.check_state == check_state)
    if problem is not None:
        query = query.where(has_in_name(problem))
    query = narrowed(query, ProblemRow.id, since, until)
    with db.reading() as session:
        session.execute(PATIENCE)
        rows, following = pages.cut(session.execute(query).all(), lambda row: row.id)
    items = tuple(ProblemSummary.model_validate(row._asdict()) for row in rows)
    return Page[ProblemSummary](items=items, next_cursor=following)


@router.get("/{problem_id}", dependencies=[READS])
def get_problem(db: Db, problem_id: UUID) -> ProblemView:
    """Return a problem with its tests."""
    with db.reading() as session:
        return problem_view(session, problem_id)


@router.post("/{problem_id}/check", status_code=204, dependencies=[SUBMITS])
def check_again(
    db: Db,
    problem_id: UUID,
    again: Annotated[CheckAgain, Body(openapi_examples=examples.CHECK_AGAIN)],
) -> None:
    """Have an executor check a problem once more; until it has, what was decided holds."""
    with db.unit_of_work() as work:
        checking.ask_again(work, problem_id, again.mutants)


def problem_view(session: Session, problem_id: UUID) -> ProblemView:
    """Read one problem.

    Raises:
        errors.NotFound: there is none.
        errors.ProblemUnsound: another version stored it, and it is none to this one.
    """
    row = session.get(ProblemRow, problem_id)
    if row is None:
        raise errors.NotFound(f"there is no problem {problem_id}")
    problem = stored_problems.problem_of(row)
    return ProblemView(
        id=row.id,
        slug=row.slug,
        entry_point=row.entry_point,
        language=row.language,
        image=row.image,
        num_tests=len(row.tests),
        check_state=row.check_state,
        strength=row.strength,
        check=_check_view(row),
        created_at=row.created_at,
        prompt=row.prompt,
        tests=problem.tests,
        limits=problem.limits,
        integrity=row.integrity,
        prelude=row.prelude,
        reference_program=row.reference_program,
        metadata=row.details,
    )


def _check_view(row: ProblemRow) -> CheckView:
    return CheckView(
        state=row.check_state,
        attempts=row.check_attempts,
        mutants=row.check_mutants,
        reason=row.check_reason,
        finding=None if row.finding is None else Finding.model_validate(row.finding),
        checked_at=row.checked_at,
        suite_sha256=row.checked_sha256,
        sandbox=row.check_sandbox,
    )
