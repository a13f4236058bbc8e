"""Which checkpoint of a policy is the best by its evaluations, and which is being evaluated."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from infra.db.tables import CheckpointRow, EvaluationRow


def best_version(session: Session, policy_id: UUID) -> int | None:
    """Return the version with the highest score of those asked what the newest one was asked."""
    newest = (
        select(EvaluationRow.asked_sha256)
        .join(CheckpointRow, CheckpointRow.id == EvaluationRow.checkpoint_id)
        .where(CheckpointRow.policy_id == policy_id, EvaluationRow.score.is_not(None))
        .order_by(EvaluationRow.evaluated_at.desc(), CheckpointRow.version.desc())
        .limit(1)
        .scalar_subquery()
    )
    return _first(
        session,
        policy_id,
        EvaluationRow.asked_sha256 == newest,
        EvaluationRow.score.is_not(None),
        order=(EvaluationRow.score.desc(), CheckpointRow.version),
    )


def version_at_work(session: Session, policy_id: UUID) -> int | None:
    """Return the version that an evaluator has begun with last and has not finished."""
    return _first(
        session,
        policy_id,
        EvaluationRow.score.is_(None),
        order=(EvaluationRow.evaluated_at.desc(), CheckpointRow.version.desc()),
    )


def _first(
    session: Session,
    policy_id: UUID,
    *where: ColumnElement[bool],
    order: tuple[Any, ...],
) -> int | None:
    return session.scalar(
        select(CheckpointRow.version)
        .join(EvaluationRow, CheckpointRow.id == EvaluationRow.checkpoint_id)
        .where(CheckpointRow.policy_id == policy_id, *where)
        .order_by(*order)
        .limit(1)
    )
