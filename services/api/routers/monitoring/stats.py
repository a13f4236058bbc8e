"""Counts over everything, health, readiness and metrics."""

import asyncio
import contextlib
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import Select, case, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session

from infra import errors, heartbeats
from infra.contracts.base import (
    Author,
    BatchState,
    CandidateState,
    CheckState,
    GroupState,
    Label,
    SampleState,
)
from infra.contracts.ranking import ADVICE
from infra.contracts.views.api import Health, Stats
from infra.db import migrate
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    ProblemRow,
    RankingRow,
    SampleRequestRow,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Database
from infra.observability import logs, metrics
from infra.observability.scraping import may_read
from infra.queues.messaging import Queue, queue_depths
from ranker.batching.batches import IN_FORCE, UNBATCHED
from services.api.dependencies import Db
from services.api.documents.openapi import ERRORS
from services.api.keys import READS
from services.api.routers import images, sampling

router = APIRouter(prefix="/v1", tags=["stats"])
open_router = APIRouter(tags=["operation"])

log = logs.get(__name__)

_FRESH_SECONDS = 3.0
_SHARE = 20
"""Looking takes at most one part in so many of a server's time."""
_PATIENCE = text("SET LOCAL statement_timeout = '5s'")
"""For one statement of a scrape; Prometheus itself waits for ten seconds."""
_AT_SCRAPE = (
    metrics.CANDIDATES_IN_STATE,
    metrics.GROUPS_IN_STATE,
    metrics.BATCHES_IN_STATE,
    metrics.QUEUE_DEPTH,
    metrics.CHECKS_IN_STATE,
    metrics.WAITING_FOR_IMAGE,
    metrics.SLOTS_AT_WORK,
    metrics.OLDEST_SECONDS,
    metrics.SAMPLING_CALLS,
    metrics.SAMPLING_TOKENS,
    metrics.SAMPLING_COST,
    metrics.SAMPLING_BUDGET,
    metrics.TEACHER_GROUPS,
)

State = TypeVar("State")


@router.get("/stats", dependencies=[READS])
def get_stats(db: Db) -> Stats:
    """Count everything."""
    with db.reading() as session:
        return read_stats(session)


def read_stats(session: Session) -> Stats:
    """Count everything in one snapshot."""
    session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    labels: dict[Author, dict[Label, int]] = {author: {} for author in Author}
    for author, label, count in session.execute(
        select(CandidateRow.author, CandidateRow.label, func.count())
        .where(CandidateRow.label.is_not(None))
        .group_by(CandidateRow.author, CandidateRow.label)
    ):
        assert label is not None  # The query leaves those out.
        labels[author][label] = count
    skipped = {
        reason: count
        for reason, count in session.execute(
            select(RankingRow.skip_reason, func.count())
            .where(RankingRow.skip_reason.is_not(None), IN_FORCE)
            .group_by(RankingRow.skip_reason)
        )
        if reason is not None
    }
    return Stats(
        candidates=_counts(session, CandidateRow.state, CandidateState),
        labels=labels,
        samples=_counts(session, SampleRequestRow.state, SampleState),
        groups=_counts(session, GroupRow.state, GroupState),
        checks=_counts(session, ProblemRow.check_state, CheckState),
        skipped=skipped,
        advice={reason: ADVICE[reason] for reason in skipped},
        pairs=session.scalar(
            select(func.coalesce(func.sum(RankingRow.num_pairs), 0)).where(IN_FORCE)
        )
        or 0,
        waiting_groups=session.scalar(select(func.count()).select_from(RankingRow).where(UNBATCHED))
        or 0,
        training_batches=_counts(session, TrainingBatchRow.state, BatchState),
        pass_at_1=_pass_at_1(session),
    )


def _counts(session: Session, column: Any, states: Iterable[State]) -> dict[State, int]:
    counted = {
        state: count
        for state, count in session.execute(select(column, func.count()).group_by(column))
    }
    return {state: counted.get(state, 0) for state in states}


def _pass_at_1(session: Session) -> dict[Author, float]:
    passed = func.avg(case((CandidateRow.label == Label.ALL_PASS, 1.0), else_=0.0))
    by_problem = (
        select(CandidateRow.author, passed.label("share"))
        .join(GroupRow, CandidateRow.group_id == GroupRow.id)
        .where(CandidateRow.label.is_not(None))
        .group_by(CandidateRow.author, GroupRow.problem_id)
        .subquery()
    )
    rows = session.execute(
        select(by_problem.c.author, func.avg(by_problem.c.share)).group_by(by_problem.c.author)
    )
    return {author: float(share) for author, share in rows}


@open_router.get("/healthz")
def healthz() -> Health:
    """Say that the process answers."""
    return Health(status="ok")


@open_router.get("/readyz", responses={503: {"model": Health}})
def readyz(request: Request, response: Response) -> Health:
    """Say whether Postgres, Redis and the schema are there."""
    db: Database = request.app.state.database
    checks = {"postgres": _postgres(db), "redis": _redis(request.app.state.redis_url)}
    ready = all(value == "ok" for value in checks.values())
    response.status_code = 200 if ready else 503
    return Health(status="ready" if ready else "not ready", checks=checks)


def _postgres(db: Database) -> str:
    try:
        with db.engine.connect() as connection:
            current = migrate.current_revision(connection)
    except DBAPIError:
        return "not reachable"
    wanted = migrate.head_revision()
    return "ok" if current == wanted else f"schema is at {current}, not at {wanted}"


def _redis(url: str) -> str:
    try:
        queue_depths(url)
    except errors.Unavailable:
        return "not reachable"
    return "ok"


class Exposition:
    """What Prometheus reads; the servers are looked at every few seconds, however many scrape.

    It may be open to everybody, so nobody who asks may cost more than who asked before.
    """

    def __init__(self, database: Database, redis_url: str) -> None:
        self._database = database
        self._redis_url = redis_url
        self._lock = asyncio.Lock()
        self._stale = 0.0

    async def text(self) -> bytes:
        """Return all metrics; what lies in a server that is away is left out."""
        # Who waits here holds no thread. Nobody may clear what another one is about to write.
        async with self._lock:
            began = time.monotonic()
            if began >= self._stale:
                await run_in_threadpool(self._look)
                now = time.monotonic()
                self._stale = now + max(_FRESH_SECONDS, (now - began) * _SHARE)
            return await run_in_threadpool(generate_latest)

    def _look(self) -> None:
        for gauge in _AT_SCRAPE:
            gauge.clear()
        try:
            with self._database.reading() as session:
                session.execute(_PATIENCE)
                # First what has an index: what takes too long ends the look.
                for step, seconds in oldest_seconds(session).items():
                    metrics.OLDEST_SECONDS.labels(step).set(seconds)
                _set_states(session)
                sampling.set_metrics(session)
                with contextlib.suppress(errors.Unavailable):
                    workers = heartbeats.workers(self._redis_url)
                    for room in Queue:
                        slots = sum(one.slots for one in workers if one.room == room)
                        metrics.SLOTS_AT_WORK.labels(room.value).set(slots)
                    for image, count in images.missing(session, workers).items():
                        metrics.WAITING_FOR_IMAGE.labels(image).set(count)
        except (DBAPIError, PoolTimeout) as error:
            log.warning("metrics.left_out", reason=str(error).partition("\n")[0])
        with contextlib.suppress(errors.Unavailable):
            for queue, depth in queue_depths(self._redis_url).items():
                metrics.QUEUE_DEPTH.labels(queue.value).set(depth)


@open_router.get("/metrics", response_class=Response, responses={401: ERRORS[401]})
async def get_metrics(request: Request) -> Response:
    """Export metrics for Prometheus; what lies in a server that is away is left out.

    Where `RRTF_METRICS_KEY` is set, it is wanted as a bearer token.
    """
    if not may_read(request.app.state.metrics_key, request.headers.get("authorization", "")):
        raise errors.Unauthorized("RRTF_METRICS_KEY is wanted as a bearer token")
    exposition: Exposition = request.app.state.exposition
    return Response(await exposition.text(), media_type=CONTENT_TYPE_LATEST)


def oldest_seconds(session: Session) -> dict[str, float]:
    """Return the age of what has waited longest at each step; a step where nothing waits is 0."""
    waiting = CandidateRow.state == CandidateState.SUBMITTED
    sampled = SampleRequestRow.state == SampleState.SUBMITTED
    since: dict[str, Select[datetime | None]] = {
        "outbox": select(func.min(CandidateRow.created_at)).where(
            waiting, CandidateRow.sent_at.is_(None)
        ),
        "executor": select(func.min(CandidateRow.sent_at)).where(waiting),
        "sampler": select(func.min(SampleRequestRow.sent_at)).where(sampled),
        "group": select(func.min(GroupRow.created_at)).where(GroupRow.state == GroupState.OPEN),
        "ranking": select(func.min(RankingRow.created_at)).where(UNBATCHED),
        "training_batch": select(func.min(TrainingBatchRow.created_at)).where(
            TrainingBatchRow.state.in_([BatchState.READY, BatchState.LEASED])
        ),
    }
    now = session.scalar(select(func.now()))
    assert now is not None
    oldest = {step: session.scalar(query) for step, query in since.items()}
    return {
        step: max((now - first).total_seconds(), 0.0) if first else 0.0
        for step, first in oldest.items()
    }


def _set_states(session: Session) -> None:
    for gauge, column, states in (
        (metrics.CANDIDATES_IN_STATE, CandidateRow.state, CandidateState),
        (metrics.GROUPS_IN_STATE, GroupRow.state, GroupState),
        (metrics.BATCHES_IN_STATE, TrainingBatchRow.state, BatchState),
        (metrics.CHECKS_IN_STATE, ProblemRow.check_state, CheckState),
    ):
        for state, count in _counts(session, column, states).items():
            gauge.labels(state.value).set(count)
