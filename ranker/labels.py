"""Writes labels: the one place where a candidate becomes labelled."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    Float,
    Integer,
    TableValuedAlias,
    Update,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    extract,
    func,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased
from sqlalchemy.sql.expression import FromClause

from infra.contracts.base import CandidateState
from infra.db.tables import CandidateRow, ExecutionRow
from infra.db.unit_of_work import Work
from infra.observability import metrics


class Labelled(NamedTuple):
    """One candidate that has its label now."""

    id: UUID
    seconds: float
    """Since it was submitted."""
    attempt: int
    """Of the execution that the label is from."""


def by_attempts(work: Work, attempts: Sequence[tuple[UUID, int]]) -> list[Labelled]:
    """Label candidates that wait for it, and their duplicates, by attempts at them.

    The caller holds the locks on their groups.

    Args:
        work: The transaction.
        attempts: Candidates with the numbers of attempts whose executions are stored.
    """
    ids, numbers = [list(part) for part in zip(*attempts, strict=True)] or [[], []]
    return _write(work, _BY_ATTEMPTS, ids=ids, others=numbers)


def by_executions(work: Work, executions: Mapping[UUID, UUID]) -> list[Labelled]:
    """Label candidates that wait for it, and their duplicates, by executions of others.

    The caller holds the locks on their groups.

    Args:
        work: The transaction.
        executions: By candidates.
    """
    return _write(work, _BY_EXECUTIONS, ids=list(executions), others=list(executions.values()))


def _write(work: Work, statement: Update, **given: list[Any]) -> list[Labelled]:
    labelled = []
    for candidate_id, author, label, seconds, attempt in work.session.execute(statement, given):
        metrics.CANDIDATES_LABELLED.labels(label.value, author.value).inc()
        labelled.append(Labelled(candidate_id, seconds, attempt))
    return labelled


def _statement(given: FromClause, **more: Any) -> Update:
    """Make the statement, given columns `id`, of candidates, and `execution_id`."""
    same, duplicate = aliased(CandidateRow), aliased(CandidateRow)
    labelled = union_all(
        select(same.id, given.c.execution_id).join(given, same.id == given.c.id),
        select(duplicate.id, given.c.execution_id).join(
            given, duplicate.duplicate_of == given.c.id
        ),
    ).subquery()
    return (
        update(CandidateRow)
        .where(
            CandidateRow.id == labelled.c.id,
            ExecutionRow.id == labelled.c.execution_id,
            CandidateRow.state == CandidateState.SUBMITTED,
        )
        .values(
            state=CandidateState.LABELLED,
            label=ExecutionRow.label,
            pass_fraction=cast(ExecutionRow.passed, Float) / ExecutionRow.total,
            execution_id=ExecutionRow.id,
            labelled_at=func.clock_timestamp(),
            follows=null(),
            reason=null(),
            **more,
        )
        .returning(
            CandidateRow.id,
            CandidateRow.author,
            ExecutionRow.label,
            cast(extract("epoch", CandidateRow.labelled_at - CandidateRow.created_at), Float),
            ExecutionRow.attempt,
        )
        .execution_options(synchronize_session=False)
    )


def _given(name: str, type_: type[Uuid[UUID]] | type[Integer]) -> TableValuedAlias:
    """Candidates beside something else of each, from two arrays."""
    return (
        func.unnest(bindparam("ids", type_=ARRAY(Uuid)), bindparam("others", type_=ARRAY(type_)))
        .table_valued(column("id", Uuid), column(name, type_))
        .render_derived(name="given")
    )


# Made once: to build a statement costs more than to send it.
_ATTEMPTS = _given("attempt", Integer)
_BY_ATTEMPTS = _statement(
    select(ExecutionRow.candidate_id.label("id"), ExecutionRow.id.label("execution_id"))
    .join(
        _ATTEMPTS,
        and_(
            ExecutionRow.candidate_id == _ATTEMPTS.c.id,
            ExecutionRow.attempt == _ATTEMPTS.c.attempt,
        ),
    )
    .subquery()
)
_EXECUTIONS = _given("execution", Uuid)
_BY_EXECUTIONS = _statement(
    select(_EXECUTIONS.c.id, _EXECUTIONS.c.execution.label("execution_id")).subquery(),
    cached=CandidateRow.duplicate_of.is_(None),
)
