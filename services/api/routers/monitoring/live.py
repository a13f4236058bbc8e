"""The suite as it is now: what waits where, and which workers answer."""

import threading
import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from infra import heartbeats
from infra.contracts.base import BatchState, CandidateState, GroupState
from infra.contracts.views.dashboard import Live, TrainerView
from infra.db.tables import CandidateRow, GroupRow, PolicyRow, TrainingBatchRow
from infra.db.unit_of_work import Database
from infra.queues.messaging import queue_depths
from services.api.keys import READS
from services.api.routers import images
from services.api.routers.monitoring.stats import oldest_seconds

router = APIRouter(prefix="/v1", tags=["stats"], dependencies=[READS])
_FRESH_SECONDS = 3.0
_SHARE = 20
"""Looking takes at most one part in so many of a server's time."""


class Watch:
    """Looks at most every few seconds, however many ask."""

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis_url = redis_url
        self._lock = threading.Lock()
        self._seen: Live | None = None
        self._stale = 0.0

    def look(self) -> Live:
        """Return the suite as it was some seconds ago at most.

        Raises:
            errors.Unavailable: Redis cannot be reached.
        """
        with self._lock:
            began = time.monotonic()
            if self._seen is None or began >= self._stale:
                self._seen = self._look()
                now = time.monotonic()
                self._stale = now + max(_FRESH_SECONDS, (now - began) * _SHARE)
            return self._seen

    def _look(self) -> Live:
        queues = queue_depths(self._redis_url)
        workers = heartbeats.workers(self._redis_url)
        with self._database.reading() as session:
            # One snapshot, so that what is counted and how old it is belong together.
            session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            return Live(
                as_of=session.scalars(select(func.now())).one(),
                **_waiting(session),
                queues={queue.value: depth for queue, depth in queues.items()},
                oldest_seconds=oldest_seconds(session),
                missing_images=images.missing(session, workers),
                workers=workers,
                trainers=_trainers(session),
            )


def _watch(request: Request) -> Watch:
    kept: Watch = request.app.state.watch
    return kept


@router.get("/live")
def get_live(watch: Annotated[Watch, Depends(_watch)]) -> Live:
    """Say what waits at each step, and which workers and trainers are at work."""
    return watch.look()


def _waiting(session: Session) -> dict[str, Any]:
    """Count what is under way; each of these queries has an index of its own."""
    total, sent = session.execute(
        select(func.count(), func.count(CandidateRow.sent_at)).where(
            CandidateRow.state == CandidateState.SUBMITTED
        )
    ).one()
    open_groups = select(func.count()).where(GroupRow.state == GroupState.OPEN)
    under_way = [state for state in BatchState if state is not BatchState.COMPLETED]
    batches = session.execute(
        select(TrainingBatchRow.state, func.count())
        .where(TrainingBatchRow.state.in_(under_way))
        .group_by(TrainingBatchRow.state)
    )
    return {
        "waiting": total - sent,
        "sent": sent,
        "open_groups": session.scalars(open_groups.select_from(GroupRow)).one(),
        "training_batches": dict.fromkeys(under_way, 0) | {row[0]: row[1] for row in batches},
    }


def _trainers(session: Session) -> tuple[TrainerView, ...]:
    held = TrainingBatchRow
    rows = session.execute(
        select(held.worker, PolicyRow.name, func.count(), func.min(held.lease_until))
        .join(PolicyRow, held.policy_id == PolicyRow.id)
        .where(held.state == BatchState.LEASED)
        .group_by(held.worker, PolicyRow.name)
        .order_by(held.worker, PolicyRow.name)
    )
    return tuple(
        TrainerView(worker=worker or "", policy=policy, batches=count, lease_until=until)
        for worker, policy, count, until in rows
    )
