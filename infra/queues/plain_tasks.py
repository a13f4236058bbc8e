"""What a worker takes from its queue: a task of its own room, with one message and nothing else.

Executors write to the ranker's queue, and stand beside hostile code. A message of Celery may bring
what is to be sent when its task is over, and say where it goes if it is handed out again: with
these the ranker would write to any queue in an executor's stead.
"""

from collections.abc import Callable
from typing import Any

from celery.exceptions import InvalidTaskError
from celery.worker import strategy

STRATEGY = f"{__name__}:take"
"""How Celery finds it."""


def take(task: Any, app: Any, consumer: Any) -> Callable[..., Any]:
    """Celery's own strategy, for messages that are plain; others are dropped and logged."""
    room = app.conf.task_default_queue
    take_plain = strategy.default(task, app, consumer)

    def taken(message: Any, body: Any, ack: Any, reject: Any, callbacks: Any) -> Any:
        if task.name.partition(".")[0] != room:
            raise InvalidTaskError(f"{task.name} is no task of the {room}")
        # Celery gives no body for messages of its present protocol.
        if body is not None or not _is_plain(message.payload):
            raise InvalidTaskError("more than one message for one task")
        where = message.delivery_info
        if where.get("exchange") or where.get("routing_key") != room:
            raise InvalidTaskError("its way back is to another queue")
        return take_plain(message, body, ack, reject, callbacks)

    return taken


def _is_plain(payload: Any) -> bool:
    """Tell whether there is one argument, and nothing to be done after the task."""
    match payload:
        case [[dict()], dict() as named, dict() as after]:
            return not named and not any(after.values())
        case _:
            return False
