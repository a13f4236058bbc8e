"""Labels a batch of candidates of one problem, and says what is left when time runs short."""

import contextlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

from executor.judging.asserting import SuiteBroken
from executor.worker.judges import Judges
from infra.contracts.execution import (
    MAX_DETAIL_CHARACTERS,
    ExecutionFailure,
    ExecutionRequest,
    ExecutionResult,
    ExecutionResults,
    Program,
)
from infra.observability import logs, metrics

log = logs.get(__name__)

_REPORT_SECONDS = 5.0
"""How long finished results may wait for the rest of the batch."""


def label_batch(
    judges: Judges,
    request: ExecutionRequest,
    is_over: Callable[[], bool],
    report: Callable[[ExecutionResults], None],
    beside: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
) -> ExecutionRequest | None:
    """Label the programs in order and report; return those that were left when time was over.

    `beside` is entered for each program.

    Raises:
        errors.Unavailable: from `report`.
    """
    reported = time.monotonic()
    waiting = ExecutionResults()
    programs = list(request.programs)
    judged = _judge_each(judges, request, beside)
    while programs:
        program = programs.pop(0)
        waiting = _add(waiting, next(judged))
        now = time.monotonic()
        if not programs or now - reported > _REPORT_SECONDS:
            report(waiting)
            waiting, reported = ExecutionResults(), now
        if programs and is_over():
            if waiting.results or waiting.failures:
                report(waiting)
            log.info("batch.handed_back", done=str(program.candidate_id), left=len(programs))
            return request.model_copy(update={"programs": tuple(programs)})
    return None


def _add(waiting: ExecutionResults, one: ExecutionResult | ExecutionFailure) -> ExecutionResults:
    if isinstance(one, ExecutionResult):
        return waiting.model_copy(update={"results": (*waiting.results, one)})
    return waiting.model_copy(update={"failures": (*waiting.failures, one)})


def _judge_each(
    judges: Judges,
    request: ExecutionRequest,
    beside: Callable[[], AbstractContextManager[None]],
) -> Iterator[ExecutionResult | ExecutionFailure]:
    name = request.suite.digest()
    for program in request.programs:
        began = time.monotonic()
        try:
            with beside():
                verdict = judges.get(name, request.suite).judge(program.source)
        except SuiteBroken as error:
            yield failure(program, error.detail, permanent=True)
        except Exception as error:
            # Nothing is known about the candidate; the sweep tries again, and counts. Whatever it
            # brought about here, the rest of the batch goes on.
            log.error("candidate.not_judged", candidate_id=str(program.candidate_id), exc_info=True)
            metrics.SANDBOX_FAILURES.labels(type(error).__name__).inc()
            yield failure(program, str(error), permanent=False)
        else:
            took = time.monotonic() - began
            metrics.VERDICT_SECONDS.labels(verdict.label.value).observe(took)
            yield ExecutionResult(
                candidate_id=program.candidate_id, attempt=program.attempt, verdict=verdict
            )


def failure(program: Program, reason: str, permanent: bool) -> ExecutionFailure:
    """Say why a program has no verdict."""
    return ExecutionFailure(
        candidate_id=program.candidate_id,
        attempt=program.attempt,
        reason=reason.replace("\x00", "\ufffd")[:MAX_DETAIL_CHARACTERS],
        permanent=permanent,
    )
