"""Queues and tasks: their names, the Celery application, and the one way to send."""

import contextlib
import gc
import json
import os
import signal
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum

import kombu
import redis
from celery import Celery, signals
from kombu.exceptions import OperationalError

from infra import errors, heartbeats, lifetime
from infra.contracts.base import Contract
from infra.observability import logs, metrics, observing, scraping
from infra.queues import plain_tasks
from infra.settings import BrokerSettings, QueueSettings, load

log = logs.get(__name__)

PRIORITIES = {True: 0, False: 9}
"""Priority of a message, by whether somebody waits for it; workers take the lowest first."""
# The transport's own, spelled out because queue_keys needs it.
_PRIORITY_SEPARATOR = "\x06\x16"


class Queue(StrEnum):
    """A queue, named like the room that empties it."""

    SAMPLER = "sampler"
    EXECUTOR = "executor"
    RANKER = "ranker"


class Task(StrEnum):
    """A task, named after its room and what it does."""

    SAMPLE_GROUP = "sampler.sample_group"
    EXECUTE_BATCH = "executor.execute_batch"
    ANSWER = "executor.answer"
    CHECK_PROBLEM = "executor.check_problem"
    RECORD_STARTED = "ranker.record_started"
    RECORD_RESULTS = "ranker.record_results"
    RECORD_CHECK = "ranker.record_check"
    RANK_GROUP = "ranker.rank_group"

    @property
    def queue(self) -> Queue:
        """The room is the part before the dot."""
        return Queue(self.value.partition(".")[0])


metrics.from_the_start(metrics.SEND_FAILURES, Task)


def held_keys(room: Queue) -> tuple[str, str, str]:
    """Keys in Redis of what a room's workers have taken and not acknowledged.

    The messages, their times, and the lock of whoever hands them out again. Executors hold nothing
    there: see `_held`.
    """
    return f"{room.value}.unacked", f"{room.value}.unacked_index", f"{room.value}.unacked_mutex"


def celery_app(room: Queue | None = None, url: str | None = None) -> Celery:
    """Build the Celery application; `room` is the one whose tasks this process runs.

    Without a `url` the broker is the one that `REDIS_URL` names.

    Raises:
        errors.ConfigurationError: `REDIS_URL` is missing.
    """
    broker = url or load(BrokerSettings).redis_url.get_secret_value()
    limits = load(QueueSettings)
    app = Celery("rrtf", broker=broker, set_as_current=False)
    app.conf.update(
        task_default_queue=room.value if room else "unrouted",
        task_routes={task.value: {"queue": task.queue.value} for task in Task},
        # Never declared: messages go to the list of a queue by its name, and no table in Redis
        # says where they go, for whoever may write it could lead them elsewhere.
        task_queues=[
            kombu.Queue(queue.value, routing_key=queue.value, no_declare=True) for queue in Queue
        ],
        task_create_missing_queues=False,
        task_serializer="json",
        accept_content=["json"],
        task_ignore_result=True,
        # A message is acknowledged when its task is over, unless the task says otherwise. A task
        # whose process died is not sent again by the broker, for that never ends; the sweep sends
        # it, and counts.
        task_acks_late=True,
        task_reject_on_worker_lost=False,
        task_acks_on_failure_or_timeout=True,
        task_time_limit=limits.task_seconds,
        task_soft_time_limit=limits.stop_seconds,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_soft_shutdown_timeout=30.0,
        worker_enable_soft_shutdown_on_idle=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
        # A child's log would be written to what Celery puts in the place of stderr: into the log,
        # which drops it.
        worker_redirect_stdouts=False,
        worker_send_task_events=False,
        # Whoever may answer it may also command; workers tell how they are by heartbeats.
        worker_enable_remote_control=False,
        broker_connection_retry_on_startup=True,
        visibility_timeout=limits.visibility_seconds,
        broker_transport_options={
            "priority_steps": sorted(PRIORITIES.values()),
            **_held(room),
            "visibility_timeout": limits.visibility_seconds,
            # How long a worker lets Redis wait for a message before it asks again. It hears of one
            # at once; a worker that is told to end does so after this, and its loop wakes as often.
            "polling_interval": 2,
            "unacked_restore_interval": min(5.0, limits.visibility_seconds / 4),
            "unacked_restore_throttle": 1,
            "health_check_interval": 25,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
        },
        broker_pool_limit=4,
        enable_utc=True,
        timezone="UTC",
    )
    return app


def _held(room: Queue | None) -> dict[str, str | bool]:
    if room is None:
        return {}  # It only sends.
    if room is Queue.EXECUTOR:
        # It acknowledges what it begins, so there is nothing to hold; and the lock of whoever
        # hands out again takes scripts, with which a server can be held up.
        return {"ack_emulation": False}
    names = ("unacked_key", "unacked_index_key", "unacked_mutex_key")
    return dict(zip(names, held_keys(room), strict=True))


def run_worker(
    app: Celery,
    queue: Queue,
    concurrency: int,
    pool: str = "prefork",
    images: Callable[[], Iterable[str]] = tuple,
) -> None:
    """Work off one queue until told to stop: in children of this process, or in its `threads`.

    Celery keeps no time limit in threads; what runs there keeps its own. `images` names the images
    of packages that are there, whenever a heartbeat tells of them.

    Raises:
        errors.ConfigurationError: its metrics cannot be shown.
    """
    scraping.serve()
    observing.watch(queue.value, concurrency)
    app.steps["consumer"].add(heartbeats.telling(images))
    for task in app.tasks.values():
        task.Strategy = plain_tasks.STRATEGY
    if pool == "prefork":
        signals.worker_process_init.connect(_bound_to(os.getpid()), weak=False)
    try:
        app.worker_main(
            [
                "worker",
                f"--pool={pool}",
                f"--concurrency={concurrency}",
                f"--queues={queue.value}",
                "--loglevel=INFO",
                "--without-gossip",
                "--without-mingle",
                "--without-heartbeat",
                f"--hostname={queue.value}-{os.getpid()}@%h",
            ]
        )
    finally:
        scraping.end()


def _bound_to(worker: int) -> Callable[..., None]:
    """Make what binds a child to its worker: killed, a worker cannot end the task of its child."""

    def bind(**_: object) -> None:
        lifetime.end_with(worker, signal.SIGKILL)

    return bind


@signals.worker_before_create_process.connect
def _leave_memory_shared(**_: object) -> None:
    # A child's garbage collector writes to every object that it knows, and so would make a copy of
    # everything that was imported: 20 MiB for each slot of an executor.
    gc.unfreeze()  # What was kept for an earlier child may be rubbish by now.
    gc.collect()
    gc.freeze()


class Sender:
    """Sends messages; a failure is logged and counted, because the sweep sends again."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def send(self, task: Task, message: Contract, priority: int = 0) -> bool:
        """Send one message; tell whether the broker took it."""
        try:
            self.send_or_raise(task, message, priority)
        except errors.Unavailable:
            metrics.SEND_FAILURES.labels(task.value).inc()
            log.warning("message.send_failed", task=task.value)
            return False
        return True

    def send_or_raise(self, task: Task, message: Contract, priority: int = 0) -> None:
        """Send one message.

        Raises:
            errors.Unavailable: the broker cannot be reached.
        """
        try:
            self._app.send_task(
                task.value,
                args=[message.model_dump(mode="json")],
                queue=task.queue.value,
                priority=priority,
                headers=observing.headers(),
                # Else Celery renders what it then sends, for a log that would hold programs.
                argsrepr="",
                kwargsrepr="",
                retry=False,
            )
        except (OperationalError, redis.RedisError, OSError) as error:
            raise errors.Unavailable("Redis is not reachable; the message was not sent") from error


def size_of(message: Contract) -> int:
    """Return how many bytes a message, or a part of one, takes as JSON; Redis holds a third more.

    Its text is ASCII there, with escapes for everything else.
    """
    return len(json.dumps(message.model_dump(mode="json")))


def queue_depths(url: str, queues: Sequence[Queue] = tuple(Queue)) -> dict[Queue, int]:
    """Count the messages that wait in each queue.

    Raises:
        errors.Unavailable: Redis cannot be reached.
    """
    with contextlib.closing(QueueDepths(url)) as depths:
        return depths.count(queues)


class QueueDepths:
    """Counts the messages that wait, over a connection that it keeps."""

    def __init__(self, url: str) -> None:
        """Prepare; the first count connects."""
        self._client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)

    def count(self, queues: Sequence[Queue] = tuple(Queue)) -> dict[Queue, int]:
        """Count the messages that wait in each queue.

        Raises:
            errors.Unavailable: Redis cannot be reached.
        """
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for queue in queues:
                    for key in queue_keys(queue):
                        pipeline.llen(key)
                lengths = iter(pipeline.execute())
        except redis.RedisError as error:
            raise errors.Unavailable("Redis is not reachable") from error
        return {queue: sum(next(lengths) for _ in queue_keys(queue)) for queue in queues}

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()


def queue_keys(queue: Queue) -> list[str]:
    """Name the lists that hold a queue's messages, one for each priority."""
    return [
        f"{queue.value}{_PRIORITY_SEPARATOR}{priority}" if priority else queue.value
        for priority in sorted(PRIORITIES.values())
    ]
