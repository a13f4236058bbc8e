"""The ranker's tasks: decode, call one function, let the unit of work commit and send."""

import math
import time
from typing import Any, ClassVar

from celery import Celery, signals
from celery import Task as CeleryTask
from sqlalchemy.exc import InterfaceError, OperationalError

from infra import errors
from infra.contracts.candidates import RankGroup
from infra.contracts.checks import CheckReport
from infra.contracts.execution import ExecutionResults, ExecutionStarted
from infra.db.unit_of_work import Database
from infra.observability import logs
from infra.queues.messaging import Queue, Sender, Task, celery_app
from infra.settings import DatabaseSettings, load
from ranker import checks, groups, records
from ranker.batching import batches
from ranker.settings import RankerSettings

app: Celery = celery_app(Queue.RANKER)


class _DatabaseTask(CeleryTask[..., None]):
    """Waits out a restart of Postgres.

    Waiting is cheaper than executing the candidates once more. The waits add up to less than the
    visibility timeout; a result lost after that is made again by the sweep.
    """

    autoretry_for = (OperationalError, InterfaceError)
    retry_backoff = 1
    retry_backoff_max = 30
    retry_jitter = True
    max_retries = 8


class _Worker:
    """What one worker process holds; connections are made after the fork, never shared."""

    database: Database | None = None
    settings: RankerSettings | None = None
    heard: ClassVar[dict[str, float]] = {}
    """When each version of a sandbox was last written down."""


@signals.worker_process_init.connect
def open_database(**_: object) -> None:
    """Open this process's own connections."""
    logs.configure("ranker")
    _Worker.settings = load(RankerSettings)
    url = load(DatabaseSettings).database_url.get_secret_value()
    _Worker.database = Database(url, Sender(app))


def _opened() -> tuple[Database, RankerSettings]:
    if _Worker.database is None or _Worker.settings is None:
        raise errors.ConfigurationError("the worker process has no database")
    return _Worker.database, _Worker.settings


@app.task(name=Task.RECORD_STARTED.value, base=_DatabaseTask)
def record_started(payload: dict[str, Any]) -> None:
    """Count an attempt for every candidate begun."""
    database, _ = _opened()
    started = ExecutionStarted.model_validate(payload)
    now = time.monotonic()
    is_news = now - _Worker.heard.get(started.sandbox, -math.inf) > records.SANDBOX_NEWS_SECONDS
    with database.unit_of_work() as work:
        records.record_started(
            work, started if is_news else started.model_copy(update={"sandbox": ""})
        )
    if is_news:
        # Only the present ones: a name is whatever an executor says.
        newest = now - records.SANDBOX_NEWS_SECONDS
        _Worker.heard = {name: at for name, at in _Worker.heard.items() if at > newest}
        _Worker.heard[started.sandbox] = now


@app.task(name=Task.RECORD_RESULTS.value, base=_DatabaseTask)
def record_results(payload: dict[str, Any]) -> None:
    """Record results, rank the groups they complete, batch what is ranked."""
    database, settings = _opened()
    with database.unit_of_work() as work:
        ranked = records.record_results(
            work, ExecutionResults.model_validate(payload), settings.rules()
        )
    if ranked:
        _form(database, settings)


@app.task(name=Task.RECORD_CHECK.value, base=_DatabaseTask)
def record_check(payload: dict[str, Any]) -> None:
    """Record what an executor reports of a problem's check."""
    database, _ = _opened()
    with database.unit_of_work() as work:
        checks.record_check(work, CheckReport.model_validate(payload))


@app.task(name=Task.RANK_GROUP.value, base=_DatabaseTask)
def rank_group(payload: dict[str, Any]) -> None:
    """Rank a group that is complete and was not ranked."""
    database, settings = _opened()
    with database.unit_of_work() as work:
        asked = [RankGroup.model_validate(payload).group_id]
        groups.lock(work, asked)
        ranked = groups.rank_complete(work, asked, settings.rules())
    if ranked:
        _form(database, settings)


def _form(database: Database, settings: RankerSettings) -> None:
    # Apart from the ranking: its lock is for all groups, and must not be held while one is ranked.
    with database.unit_of_work() as work:
        batches.form(work, settings.batch_groups, wanted=settings.wanted())
