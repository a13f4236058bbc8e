"""Endpoints of what was asked of model servers, what it cost, and what teachers are worth."""

from collections.abc import Sequence
from decimal import Decimal

from fastapi import APIRouter
from sqlalchemy import Float, case, func, select
from sqlalchemy.orm import Session

from infra.contracts.base import Author, CallState, Label
from infra.contracts.views.api import Page
from infra.contracts.views.sampling import EndpointView, TeacherView
from infra.db.ledger import CallRow, EndpointAccountRow
from infra.db.tables import CandidateRow
from infra.observability import metrics
from services.api.dependencies import Db
from services.api.keys import READS

router = APIRouter(prefix="/v1", tags=["sampling"])

_MOST_TEACHERS = 50
"""Teachers that are listed: whoever hands in candidates may call their model anything."""
_FREE = Decimal(0)


@router.get("/endpoints", dependencies=[READS])
def list_endpoints(db: Db) -> Page[EndpointView]:
    """List model servers with their requests, tokens and cost, on one page."""
    with db.reading() as session:
        return Page[EndpointView](items=tuple(read_endpoints(session)))


@router.get("/teachers", dependencies=[READS])
def list_teachers(db: Db) -> Page[TeacherView]:
    """List the teachers with most groups, and how often their best program beats the students'."""
    with db.reading() as session:
        return Page[TeacherView](items=tuple(read_teachers(session)))


def read_endpoints(session: Session) -> list[EndpointView]:
    """Sum up the ledger."""
    accounts = {row.endpoint: row for row in session.scalars(select(EndpointAccountRow))}
    calls: dict[str, dict[CallState, int]] = {}
    tokens: dict[str, tuple[int, int]] = {}
    for name, state, count, prompt, completion in session.execute(
        select(
            CallRow.endpoint,
            CallRow.state,
            func.count(),
            func.sum(CallRow.prompt_tokens),
            func.sum(CallRow.completion_tokens),
        )
        .group_by(CallRow.endpoint, CallRow.state)
        .order_by(CallRow.endpoint)
    ):
        calls.setdefault(name, dict.fromkeys(CallState, 0))[state] = count
        before = tokens.get(name, (0, 0))
        tokens[name] = (before[0] + int(prompt or 0), before[1] + int(completion or 0))
    found = []
    for name, counted in calls.items():
        account = accounts.get(name)
        found.append(
            EndpointView(
                name=name,
                calls=counted,
                prompt_tokens=tokens[name][0],
                completion_tokens=tokens[name][1],
                cost=account.committed if account else _FREE,
                budget=account.budget if account else None,
            )
        )
    return found


def read_teachers(session: Session) -> Sequence[TeacherView]:
    """Compare the best program of each teacher with the students' best, group by group."""
    order = list(Label)
    rank = case(
        {label: float(number) for number, label in enumerate(order)}, value=CandidateRow.label
    )
    partial = case(
        (CandidateRow.label == Label.PARTIAL_PASS, CandidateRow.pass_fraction), else_=0.0
    )
    # A fraction just below 1 keeps every partial pass below every full one.
    best = func.max(rank + 0.9 * func.coalesce(partial, 0.0).cast(Float))
    labelled = CandidateRow.label.is_not(None)
    teachers = (
        select(CandidateRow.group_id, CandidateRow.model, best.label("best"))
        .where(CandidateRow.author == Author.TEACHER, labelled)
        .group_by(CandidateRow.group_id, CandidateRow.model)
        .subquery()
    )
    students = (
        select(CandidateRow.group_id, best.label("best"))
        .where(CandidateRow.author == Author.STUDENT, labelled)
        .group_by(CandidateRow.group_id)
        .subquery()
    )
    wins = func.count().filter(teachers.c.best > students.c.best)
    ties = func.count().filter(teachers.c.best == students.c.best)
    rows = session.execute(
        select(teachers.c.model, func.count(), wins, ties)
        .join(students, students.c.group_id == teachers.c.group_id)
        .group_by(teachers.c.model)
        .order_by(func.count().desc(), teachers.c.model)
        .limit(_MOST_TEACHERS)
    )
    return [
        TeacherView(
            model=model,
            groups=groups,
            wins=won,
            ties=tied,
            losses=groups - won - tied,
            win_rate=(won + tied / 2) / groups,
        )
        for model, groups, won, tied in rows
    ]


def set_metrics(session: Session) -> None:
    """Set the gauges of model servers and teachers."""
    for endpoint in read_endpoints(session):
        for state, count in endpoint.calls.items():
            metrics.SAMPLING_CALLS.labels(endpoint.name, state.value).set(count)
        metrics.SAMPLING_TOKENS.labels(endpoint.name, "prompt").set(endpoint.prompt_tokens)
        metrics.SAMPLING_TOKENS.labels(endpoint.name, "completion").set(endpoint.completion_tokens)
        metrics.SAMPLING_COST.labels(endpoint.name).set(float(endpoint.cost))
        if endpoint.budget is not None:
            metrics.SAMPLING_BUDGET.labels(endpoint.name).set(float(endpoint.budget))
    for teacher in read_teachers(session):
        for result in ("wins", "ties", "losses"):
            count = getattr(teacher, result)
            metrics.TEACHER_GROUPS.labels(teacher.model, result).set(count)
