"""The sampler's task: decode, answer."""

from typing import Any

from celery import Celery, signals

from infra import errors, logs
from infra.contracts.candidates import SampleGroup
from infra.db.unit_of_work import Database
from infra.messaging import Queue, Sender, Task, celery_app
from infra.settings import DatabaseSettings, load
from sampler.backends import Backend
from sampler.sampling import answer
from sampler.settings import SamplerSettings

app: Celery = celery_app(Queue.SAMPLER)


class _Worker:
    """What one worker process holds; connections are made after the fork, never shared."""

    database: Database | None = None
    backends: dict[str, Backend] | None = None


@signals.worker_process_init.connect
def open_backends(**_: object) -> None:
    """Open this process's own connections and backends."""
    logs.configure("sampler")
    _Worker.backends = load(SamplerSettings).backends()
    url = load(DatabaseSettings).database_url.get_secret_value()
    _Worker.database = Database(url, Sender(app))


@app.task(name=Task.SAMPLE_GROUP.value)
def sample_group(payload: dict[str, Any]) -> None:
    """Answer one request for samples."""
    if _Worker.database is None or _Worker.backends is None:
        raise errors.ConfigurationError("the worker process has no backends")
    request_id = SampleGroup.model_validate(payload).sample_request_id
    answer(_Worker.database, _Worker.backends, request_id)
