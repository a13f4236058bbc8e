"""Measures and traces every task of a worker: its time in the queue, its own, how many run."""

import contextlib
import time
from typing import Any

from celery import signals

from infra.observability import metrics, tracing

_SENT_AT = "rrtf_sent_at"
_under_way: dict[str, tuple[float, contextlib.AbstractContextManager[None]]] = {}


def headers() -> dict[str, Any]:
    """What a message carries beside its arguments, for who takes it to measure."""
    return {_SENT_AT: time.time(), **tracing.headers()}


def watch(room: str, slots: int) -> None:
    """Measure every task that this process or a child of it does.

    Raises:
        errors.ConfigurationError: traces are wanted and OpenTelemetry is not installed.
    """
    tracing.start(room)
    metrics.SLOTS.labels(room).set(slots)
    signals.task_prerun.connect(_begin, weak=False)
    signals.task_postrun.connect(_end, weak=False)
    signals.worker_process_shutdown.connect(_stop_traces, weak=False)


def _begin(task_id: str, task: Any, **_: object) -> None:
    metrics.TASKS_RUNNING.labels(task.name).inc()
    sent_at = task.request.get(_SENT_AT)
    if isinstance(sent_at, float):
        # Of another machine, whose clock may be ahead.
        metrics.TASK_WAIT_SECONDS.labels(task.name).observe(max(time.time() - sent_at, 0.0))
    carried = {"traceparent": task.request.get("traceparent") or ""}
    span = tracing.span(task.name, carried=carried)
    span.__enter__()
    _under_way[task_id] = time.monotonic(), span


def _end(
    task_id: str, task: Any, retval: object = None, state: str | None = None, **_: object
) -> None:
    metrics.TASKS_RUNNING.labels(task.name).dec()
    began, span = _under_way.pop(task_id)
    metrics.TASK_SECONDS.labels(task.name, (state or "lost").lower()).observe(
        time.monotonic() - began
    )
    failure = retval if isinstance(retval, Exception) else None
    span.__exit__(type(failure) if failure else None, failure, None)


def _stop_traces(**_: object) -> None:
    # A child leaves without what Python does at its end.
    tracing.stop()
