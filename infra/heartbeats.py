"""Heartbeats: every few seconds a worker writes into Redis that it is at work, and how busy it is.

They take the place of Celery's remote control, with which whoever may answer may also command.
"""

import itertools
import resource
import time
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import redis
from celery import bootsteps
from celery.worker import state
from pydantic import ValidationError

from infra import errors, health
from infra.contracts.views.dashboard import MOST_IMAGES, WorkerView
from infra.observability import logs

log = logs.get(__name__)

PREFIX = "rrtf:worker:"
"""Of the key that a worker writes; the rest is its name: room, process id and host."""
_EVERY_SECONDS = 3.0
_KEPT_SECONDS = 20
"""A worker that has said nothing for so long is gone."""
_MOST_WORKERS = 10_000
_MOST_BYTES = 8_000
"""That are read of one heartbeat: an executor may write anything."""


class Heartbeats(bootsteps.StartStopStep):
    """Beats while the worker takes messages; it stops with the connection, and begins again."""

    requires = ("celery.worker.consumer.tasks:Tasks",)
    images: ClassVar[Callable[[], Iterable[str]]] = tuple
    """Names the images of packages that the worker has when it beats."""

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._name: str = consumer.hostname
        self._slots: int = consumer.pool.limit
        self._began = time.monotonic()
        self._redis = redis.Redis.from_url(
            consumer.app.conf.broker_url, socket_timeout=5, socket_connect_timeout=5
        )
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        """Beat now and from now on."""
        self._beat()
        self._timer = consumer.timer.call_repeatedly(_EVERY_SECONDS, self._beat)

    def stop(self, consumer: Any) -> None:
        """Say that the worker takes nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._redis.delete(PREFIX + self._name)
            self._redis.close()
        except redis.RedisError as error:  # It expires.
            log.info("heartbeat.left", reason=str(error))

    def _beat(self) -> None:
        room = self._name.partition("-")[0]
        view = WorkerView(
            name=self._name,
            room=room,
            slots=self._slots,
            running=len(state.active_requests),
            begun=sum(state.total_count.values()),
            memory_bytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            uptime_seconds=int(time.monotonic() - self._began),
            images=tuple(sorted(type(self).images())[:MOST_IMAGES]),
        )
        try:
            self._redis.set(PREFIX + self._name, view.model_dump_json(), ex=_KEPT_SECONDS)
        except redis.RedisError as error:
            # The worker's own connection tells it what to do about that.
            log.warning("heartbeat.lost", reason=str(error))
        else:
            health.round_ended(room)


def telling(images: Callable[[], Iterable[str]]) -> type[Heartbeats]:
    """Return heartbeats that name the images of packages that a worker has."""
    return type(Heartbeats.__name__, (Heartbeats,), {"images": staticmethod(images)})


def workers(url: str) -> tuple[WorkerView, ...]:
    """Return what the workers at work said last, by name.

    Raises:
        errors.Unavailable: Redis cannot be reached.
    """
    try:
        with redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5) as client:
            found = client.scan_iter(f"{PREFIX}*", count=1000)
            keys = sorted(itertools.islice(found, _MOST_WORKERS))
            with client.pipeline(transaction=False) as pipeline:
                for key in keys:
                    pipeline.getrange(key, 0, _MOST_BYTES)
                said = pipeline.execute()
    except redis.RedisError as error:
        raise errors.Unavailable("Redis is not reachable; no worker can be seen") from error
    views = (_read(key, text) for key, text in zip(keys, said, strict=True))
    return tuple(view for view in views if view is not None)


def _read(key: bytes, text: bytes) -> WorkerView | None:
    """Read one; nothing if it has just expired, or its key is of another room or worker."""
    try:
        view = WorkerView.model_validate_json(text)
    except ValidationError:
        return None
    own = key == (PREFIX + view.name).encode() and view.room == view.name.partition("-")[0]
    return view if own else None
