"""The sampler's task: decode, answer."""

from typing import Any

from celery import Celery, signals

from infra import errors
from infra.contracts.candidates import SampleGroup
from infra.db.unit_of_work import Database
from infra.observability import logs
from infra.queues.messaging import Queue, Sender, Task, celery_app
from infra.settings import DatabaseSettings, load
from sampler.backends import Backend
from sampler.models.owned import Owned
from sampler.sampling import answer
from sampler.servers.endpoint_settings import EndpointSettings
from sampler.servers.event_loop import EventLoopThread
from sampler.servers.spending.ledger import Ledger
from sampler.serving.served import backend_of
from sampler.settings import IN_PROCESS, SamplerSettings

app: Celery = celery_app(Queue.SAMPLER)


class _Worker:
    """What the worker's threads share."""

    database: Database | None = None
    backends: dict[str, Backend] | None = None


@signals.worker_init.connect
def open_backends(**_: object) -> None:
    """Open the connections and backends, before the first thread needs them."""
    logs.configure("sampler")
    settings = load(SamplerSettings)
    url = load(DatabaseSettings).database_url.get_secret_value()
    database = Database(url, Sender(app))
    endpoints = load(EndpointSettings).read_for_tasks()
    backends = settings.backends()
    if IN_PROCESS in backends:
        backends[IN_PROCESS] = Owned(backends[IN_PROCESS], database)
    if endpoints:
        ledger, loop_thread = Ledger(database), EventLoopThread()
        backends |= {one.name: backend_of(one, ledger, loop_thread, database) for one in endpoints}
    _Worker.database, _Worker.backends = database, backends


@app.task(name=Task.SAMPLE_GROUP.value)
def sample_group(payload: dict[str, Any]) -> None:
    """Answer one request for samples."""
    if _Worker.database is None or _Worker.backends is None:
        raise errors.ConfigurationError("the worker process has no backends")
    request_id = SampleGroup.model_validate(payload).sample_request_id
    answer(_Worker.database, _Worker.backends, request_id)
