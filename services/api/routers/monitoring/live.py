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
from services.api.keys import READS, CalledBy
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
        self._seen: dict[int, tuple[float, Live]] = {}
        """What each project last saw, and until when it may see that."""

    def look(self, project_id: int) -> Live:
        """Return the suite as a project saw it some seconds ago at most; queues are everybody's.

        Raises:
            errors.Unavailable: Redis cannot be reached.
        """
        with self._lock:
            began = time.monotonic()
            until, seen = self._seen.get(project_id, (0.0, None))
            if seen is None or began >= until:
                seen = self._look(project_id)
                now = time.monotonic()
                self._seen[project_id] = now + max(_FRESH_SECONDS, (now - began) * _SHARE), seen
            return seen

    def _look(self, project_id: int) -> Live:
        queues = queue_depths(self._redis_url)
        workers = heartbeats.workers(self._redis_url)
        with self._database.of_project(project_id).reading() as session:
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
def get_live(watch: Annotated[Watch, Depends(_watch)], caller: CalledBy) -> Live:
    """Say what waits at each step, and which workers and trainers are at work."""
    return watch.look(caller.project_id)


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
