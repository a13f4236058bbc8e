"""The executor's tasks: decode, label, send on."""

import contextlib
import mmap
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import redis
import structlog
from celery import Celery, signals

from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from executor.worker.batches import failure, label_batch
from executor.worker.inline import InlineWorker
from executor.worker.judges import Judges
from executor.worker.stored import check_stored
from infra import errors, health
from infra.contracts.base import Contract
from infra.contracts.checks import CheckReport, CheckRequest
from infra.contracts.execution import ExecutionRequest, ExecutionResults, ExecutionStarted
from infra.contracts.inline import InlineReply, InlineRequest
from infra.observability import logs, metrics
from infra.queues.messaging import PRIORITIES, Queue, Sender, Task, celery_app
from infra.queues.replies import Replies
from infra.settings import BrokerSettings, load

log = logs.get(__name__)
app: Celery = celery_app(Queue.EXECUTOR)

_SEND_ATTEMPTS = 5
# Shared with every process forked from this one: whether the worker was told to stop.
_stopping = mmap.mmap(-1, 1)


class _Worker:
    """What one worker process holds: its slot and its settings."""

    slot: Slot | None = None
    judges: Judges | None = None
    settings: ExecutorSettings | None = None
    inline: InlineWorker | None = None
    replies: Replies | None = None


@signals.worker_process_init.connect
def open_slot(**_: object) -> None:
    """Open this process's slot; every slot runs its jails as another user."""
    # Celery's prefork children are billiard processes, which carry their number in the pool.
    from billiard.process import current_process

    logs.configure("executor")
    _Worker.settings = load(ExecutorSettings)
    with health.watched_slot():
        _Worker.slot = Slot(_Worker.settings, number=getattr(current_process(), "index", 0) or 0)
    _Worker.judges = Judges(_Worker.slot)
    _Worker.inline = InlineWorker(_Worker.judges)
    _Worker.replies = Replies(load(BrokerSettings).redis_url.get_secret_value())
    started = ExecutionStarted(sandbox=_Worker.slot.version)
    Sender(app).send(Task.RECORD_STARTED, started)


@signals.worker_process_shutdown.connect
def close_slot(**_: object) -> None:
    """Remove what this process's slot made in the cgroup tree."""
    if _Worker.slot is not None:
        _Worker.slot.close()
        _Worker.slot = None
    if _Worker.replies is not None:
        _Worker.replies.close()
        _Worker.replies = None


@signals.worker_shutting_down.connect
def hand_back(**_: object) -> None:
    """Have the batches under way handed back after their present candidates."""
    _stopping[0] = 1


# All are acknowledged when begun, unlike every other task: what ends a whole worker would be
# handed out by the broker again for ever, and end every worker in turn. The sweep sends a batch
# again, and counts; who waits for an answer is told that there is none.
@app.task(name=Task.EXECUTE_BATCH.value, acks_late=False)
def execute_batch(payload: dict[str, Any]) -> None:
    """Label a batch of candidates and send the results to the ranker."""
    request = ExecutionRequest.model_validate(payload)
    if _Worker.slot is None or _Worker.judges is None or _Worker.settings is None:
        raise errors.SandboxError("the worker process has no slot")
    structlog.contextvars.bind_contextvars(problem_id=str(request.problem_id))
    # What comes of bulk work must not pass those who wait, nor the rest of it, which goes back.
    came_with = (execute_batch.request.delivery_info or {}).get("priority")
    priority = PRIORITIES[False] if came_with is None else came_with
    is_over = _time_limit(_Worker.settings)
    try:
        _Worker.slot.version_with(request.suite.image)
    except errors.ImageMissing as missing:
        _give_back(request, missing.detail, priority)
        return
    if any(program.attempt > 1 for program in request.programs):
        left = _label_alone(request, _Worker.judges, is_over, priority)
    else:
        shared = _Worker.slot.lock.shared
        left = _label(request, _Worker.judges, is_over, priority, shared)
    if left is not None:
        _send(Task.EXECUTE_BATCH, left, priority)
    done = len(request.programs) - (len(left.programs) if left else 0)
    log.info("batch.labelled", candidates=done)


def _time_limit(settings: ExecutorSettings) -> Callable[[], bool]:
    """Return what tells when work that began now has to be handed back."""
    end = time.monotonic() + settings.batch_seconds
    return lambda: _is_stopping() or time.monotonic() > end


def _is_stopping() -> bool:
    return bool(_stopping[0])


@app.task(name=Task.CHECK_PROBLEM.value, acks_late=False)
def check_problem(payload: dict[str, Any]) -> None:
    """Check a stored problem and send what is found to the ranker."""
    request = CheckRequest.model_validate(payload)
    if _Worker.slot is None or _Worker.settings is None:
        raise errors.SandboxError("the worker process has no slot")
    structlog.contextvars.bind_contextvars(problem_id=str(request.problem_id))

    def report(message: CheckReport) -> None:
        _send(Task.RECORD_CHECK, message, PRIORITIES[False])

    is_over = _time_limit(_Worker.settings)
    left = check_stored(_Worker.slot, request, is_over, report, _is_stopping)
    if left is not None:
        _send(Task.CHECK_PROBLEM, left, PRIORITIES[False])


def _give_back(request: ExecutionRequest, reason: str, priority: int) -> None:
    """Leave a batch to others: nothing of it has begun, so this counts as no attempt."""
    log.warning("batch.given_back", candidates=len(request.programs), reason=reason)
    metrics.SANDBOX_FAILURES.labels(errors.ImageMissing.__name__).inc(len(request.programs))
    failures = tuple(failure(program, reason, permanent=False) for program in request.programs)
    _send(Task.RECORD_RESULTS, ExecutionResults(failures=failures), priority)


def _label_alone(
    request: ExecutionRequest, judges: Judges, is_over: Callable[[], bool], priority: int
) -> ExecutionRequest | None:
    """Label what may have ended a worker before: nothing else on the machine is to end with it.

    Returns all of it if the others do not make room in time.
    """
    # From now on it is missed should this worker end; it has not run, so this is no attempt yet.
    _begin(request, judges, priority, before=1)
    with judges.slot.lock.alone(is_over) as is_alone:
        if not is_alone:
            log.info("batch.not_alone", candidates=len(request.programs))
            return request
        return _label(request, judges, is_over, priority, contextlib.nullcontext)


def _label(
    request: ExecutionRequest,
    judges: Judges,
    is_over: Callable[[], bool],
    priority: int,
    beside: Callable[[], AbstractContextManager[None]],
) -> ExecutionRequest | None:
    _begin(request, judges, priority)
    return label_batch(
        judges,
        request,
        is_over,
        lambda results: _send(Task.RECORD_RESULTS, results, priority),
        beside,
    )


def _begin(request: ExecutionRequest, judges: Judges, priority: int, before: int = 0) -> None:
    attempts = {program.candidate_id: program.attempt - before for program in request.programs}
    sandbox = judges.slot.version_with(request.suite.image)
    started = ExecutionStarted(attempts=attempts, sandbox=sandbox)
    _send(Task.RECORD_STARTED, started, priority)


@app.task(name=Task.ANSWER.value, acks_late=False)
def answer(payload: dict[str, Any]) -> None:
    """Do inline work, unless nobody waits for it any more, and reply to who asked."""
    request = InlineRequest.model_validate(payload)
    if _Worker.inline is None or _Worker.replies is None:
        raise errors.SandboxError("the worker process has no slot")
    replies = _Worker.replies
    try:
        answers = _Worker.inline.answer(request.work, lambda: replies.is_wanted(request.id))
        if answers:
            replies.send(request.reply_to, InlineReply(id=request.id, answers=answers))
    except redis.RedisError as error:
        # Who asked is told that there is no answer when the wait is over; nothing is stored.
        log.warning("reply.lost", request_id=str(request.id), reason=str(error))
    else:
        log.info("request.answered", kind=request.work.kind, answers=len(answers))


def _send(task: Task, message: Contract, priority: int = PRIORITIES[True]) -> None:
    """Send, trying again for a while; if Redis stays away, the sweep will send the work again."""
    for attempt in range(_SEND_ATTEMPTS):
        try:
            Sender(app).send_or_raise(task, message, priority)
            return
        except errors.Unavailable:
            if attempt == _SEND_ATTEMPTS - 1:
                raise
            time.sleep(2**attempt)
