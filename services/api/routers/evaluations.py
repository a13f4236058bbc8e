"""Endpoints of evaluators: what they found of checkpoints, and which is the best."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.views.api import Page
from infra.contracts.views.evaluations import EvaluationView, NewEvaluation, Rate
from infra.db.tables import CheckpointRow, EvaluationRow
from services.api.dependencies import Db, PagesByNumber
from services.api.documents import examples
from services.api.keys import READS, TRAINS
from services.api.routers.training import find_policy
from services.evaluated import best_version

router = APIRouter(prefix="/v1", tags=["training"])


@router.post("/evaluations", dependencies=[TRAINS])
def record_evaluation(
    db: Db, found: Annotated[NewEvaluation, Body(openapi_examples=examples.EVALUATION)]
) -> EvaluationView:
    """Record what was found of a checkpoint, in the place of what was known of it.

    Without rates it says that the checkpoint is being evaluated: a trainer keeps such a one, as it
    keeps the best. The same request sent twice changes nothing.
    """
    with db.unit_of_work() as work:
        checkpoint = _checkpoint(work.session, found.policy, found.version)
        rates = {name: rate.model_dump() for name, rate in found.rates.items()}
        means = [rate.mean for rate in found.rates.values()]
        values: dict[str, Any] = {
            "asked_sha256": found.asked_sha256,
            "score": sum(means) / len(means) if means else None,
            "rates": rates,
            "evaluated_at": func.clock_timestamp(),
        }
        work.session.execute(
            insert(EvaluationRow)
            .values(checkpoint_id=checkpoint.id, **values)
            .on_conflict_do_update(index_elements=["checkpoint_id"], set_=values)
        )
        row = work.session.get_one(EvaluationRow, checkpoint.id)
        return _view(
            row, found.policy, found.version, best_version(work.session, checkpoint.policy_id)
        )


@router.get("/policies/{name}/evaluations", dependencies=[READS])
def list_evaluations(db: Db, name: str, pages: PagesByNumber) -> Page[EvaluationView]:
    """List what was found of a policy's checkpoints, newest version first."""
    with db.reading() as session:
        policy_id = find_policy(session, name).id
        query = (
            select(EvaluationRow, CheckpointRow.version)
            .join(CheckpointRow, CheckpointRow.id == EvaluationRow.checkpoint_id)
            .where(CheckpointRow.policy_id == policy_id)
            .order_by(CheckpointRow.version.desc())
        )
        if (before := pages.after) is not None:
            query = query.where(CheckpointRow.version < before)
        found = session.execute(pages.limited(query)).all()
        rows, cursor = pages.cut(found, lambda row: int(row.version))
        best = best_version(session, policy_id)
        items = tuple(_view(row, name, version, best) for row, version in rows)
        return Page[EvaluationView](items=items, next_cursor=cursor)


def _checkpoint(session: Session, policy: str, version: int) -> CheckpointRow:
    row = session.scalar(
        select(CheckpointRow).where(
            CheckpointRow.policy_id == find_policy(session, policy).id,
            CheckpointRow.version == version,
        )
    )
    if row is None:
        raise errors.NotFound(f"the policy {policy!r} has no checkpoint of version {version}")
    return row


def _view(row: EvaluationRow, policy: str, version: int, best: int | None) -> EvaluationView:
    return EvaluationView(
        policy=policy,
        version=version,
        asked_sha256=row.asked_sha256,
        score=row.score,
        rates={name: Rate.model_validate(rate) for name, rate in row.rates.items()},
        is_best=version == best,
        evaluated_at=row.evaluated_at,
    )
