"""Writes labels: the one place where a candidate becomes labelled."""

from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Float, cast, extract, func, null, update
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


def write(work: Work, given: FromClause, **more: Any) -> list[Labelled]:
    """Label candidates that wait for it, and their duplicates; return them.

    The caller holds the locks on their groups.

    Args:
        work: The transaction.
        given: Columns `id`, of candidates, and `execution_id`, of the executions that label them.
        more: Further columns to set.
    """
    labelled = []
    for link in (CandidateRow.id, CandidateRow.duplicate_of):
        rows = work.session.execute(
            update(CandidateRow)
            .where(
                link == given.c.id,
                ExecutionRow.id == given.c.execution_id,
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
        for candidate_id, author, label, seconds, attempt in rows:
            metrics.CANDIDATES_LABELLED.labels(label.value, author.value).inc()
            labelled.append(Labelled(candidate_id, seconds, attempt))
    return labelled
