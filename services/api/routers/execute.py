"""The synchronous path: programs in, labels out, nothing stored."""

import asyncio
import functools
import json
import threading
from collections.abc import Coroutine, Iterator, Sequence
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Body, Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import select

from infra import checking, errors, stored_problems
from infra.contracts.base import Integrity
from infra.contracts.execution import Suite, Verdict
from infra.contracts.inline import (
    Answer,
    ExecuteRequest,
    ExecuteResponse,
    ExecuteResult,
    InlineReply,
    Judging,
    Unanswered,
    Work,
)
from infra.contracts.views.api import Scope
from infra.db import projects
from infra.db.tables import ProblemRow
from infra.db.unit_of_work import Database
from infra.queues.messaging import size_of
from services.api import quota
from services.api.dependencies import Db
from services.api.documents import examples
from services.api.inline_requests import InlineRequests
from services.api.keys import SUBMITS, CalledBy
from services.delivery.suites import KnownSuites, SizedSuite

router = APIRouter(prefix="/v1", tags=["execute"])
T = TypeVar("T")

_SPREAD = 16
"""Messages that a request is spread over, so that several executors share it."""
_SPREAD_BYTES = 16 * 2**20
"""Bytes of suites in all of them: a suite that is large is put into fewer."""


def inline_requests_of(request: Request) -> InlineRequests:
    """Return the application's way to the executors."""
    inline_requests: InlineRequests = request.app.state.inline_requests
    return inline_requests


class StoredSuites:
    """The suites of stored problems, by slug or id."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known = KnownSuites[tuple[UUID, Integrity | None]]()
        self._lock = threading.Lock()

    def get(self, name: str, project_id: int = projects.DEFAULT) -> SizedSuite:
        """Return the suite of a project's problem with what is decided, read when first asked for.

        Raises:
            errors.NotFound: there is no such problem.
            errors.ProblemUnsound: its tests were found unsound.
        """
        with self._database.of_project(project_id).reading() as session:
            problem_id = stored_problems.find_problems(session, {name}).get(name)
            if problem_id is None:
                raise errors.NotFound(f"there is no problem {name!r}; import it first")
            for reason in checking.unsound(session, {problem_id}).values():
                raise errors.ProblemUnsound(reason)
            decided = session.scalar(select(ProblemRow.decided).where(ProblemRow.id == problem_id))
            with self._lock:
                read = functools.partial(stored_problems.load_suite, session, problem_id)
                return self._known.get((problem_id, decided), read)


def suites_of(request: Request) -> StoredSuites:
    """Return the application's stored suites."""
    suites: StoredSuites = request.app.state.suites
    return suites


Executors = Annotated[InlineRequests, Depends(inline_requests_of)]
Suites = Annotated[StoredSuites, Depends(suites_of)]


@router.post("/execute", dependencies=[SUBMITS])
async def execute(
    db: Db,
    executors: Executors,
    suites: Suites,
    caller: CalledBy,
    http: Request,
    request: Annotated[ExecuteRequest, Body(openapi_examples=examples.EXECUTE)],
) -> ExecuteResponse:
    """Label programs and answer with the labels, within `wait_seconds`; nothing is stored.

    What a stored problem's tests expect is told to keys with the scope `read` only: for others
    `error` and every test's `detail` are empty.
    """
    await run_in_threadpool(quota.spend_now, db, caller, len(request.programs))
    tells = request.problem is None or Scope.READ in caller.scopes
    return ExecuteResponse(results=await label(executors, suites, http, request, tells))


async def label(
    executors: InlineRequests,
    suites: StoredSuites,
    http: Request,
    request: ExecuteRequest,
    tells: bool,
) -> tuple[ExecuteResult, ...]:
    """Have programs labelled while their client waits.

    Args:
        executors: the way to the executors.
        suites: the suites of stored problems.
        http: the client's request.
        request: programs and tests.
        tells: whether the client may read why a test failed.

    Raises:
        errors.InvalidInput: the tests cannot be run.
        errors.NotFound: there is no such problem.
        errors.QueueFull: too much inline work is under way.
        errors.Unavailable: Redis cannot be reached.
    """
    project_id = http.state.caller.project_id
    works, num_bytes = await run_in_threadpool(_works, suites, request, project_id)
    asked = executors.ask(works, len(request.programs), request.wait_seconds, num_bytes)
    replies = await while_connected(http, asked)
    return tuple(_results(works, replies, request.wait_seconds, tells))


def _works(
    suites: StoredSuites, request: ExecuteRequest, project_id: int
) -> tuple[list[Judging], int]:
    """Cut a request into messages; return them, and how many bytes they take together."""
    if request.problem is None:
        own = Suite(
            tests=request.tests,
            entry_point=request.entry_point,
            language=request.language,
            image=request.image,
            prelude=request.prelude,
            limits=request.limits,
        )
        suite, suite_bytes = SizedSuite(own, size_of(own))
    else:
        suite, suite_bytes = suites.get(request.problem, project_id)
    # Every message carries the whole suite.
    messages = min(_SPREAD, max(1, _SPREAD_BYTES // suite_bytes))
    size = -(-len(request.programs) // messages)
    works = [
        Judging(suite=suite, programs=request.programs[start : start + size])
        for start in range(0, len(request.programs), size)
    ]
    return works, len(works) * suite_bytes + len(json.dumps(request.programs))


def _results(
    works: Sequence[Judging],
    replies: Sequence[InlineReply | None],
    wait_seconds: float,
    tells: bool,
) -> Iterator[ExecuteResult]:
    for work, reply in zip(works, replies, strict=True):
        if reply is None:
            late = f"it was not finished within {wait_seconds:g} s"
            yield from (_unlabelled(late) for _ in work.programs)
            continue
        for answer in reply.answers:
            if isinstance(answer, Verdict):
                verdict = answer if tells else _without_reasons(answer)
                yield ExecuteResult(
                    label=answer.label, pass_fraction=answer.pass_fraction, verdict=verdict
                )
            elif isinstance(answer, Unanswered):
                reason = answer.reason if tells else "the executor's log says why"
                if answer.permanent:
                    raise errors.InvalidInput(f"the tests cannot be run: {reason}")
                yield _unlabelled(reason)


def _without_reasons(verdict: Verdict) -> Verdict:
    """Leave out what may quote a test: why it failed."""
    tests = tuple(test.model_copy(update={"detail": ""}) for test in verdict.tests)
    return verdict.model_copy(update={"tests": tests, "error": ""})


async def ask_one(executors: InlineRequests, work: Work, wait_seconds: float) -> Answer:
    """Have one piece of work done that has one answer.

    Raises:
        errors.NotInTime: it was not finished within the wait.
        errors.QueueFull: too much inline work is under way.
        errors.Unavailable: Redis cannot be reached.
    """
    num_bytes = await run_in_threadpool(size_of, work)
    (reply,) = await executors.ask([work], 1, wait_seconds, num_bytes)
    if reply is None:
        raise errors.NotInTime(f"it was not finished within {wait_seconds:g} s; ask again")
    return reply.answers[0]


async def while_connected(http: Request, asked: Coroutine[Any, Any, T]) -> T:
    """Wait for an answer as long as the client does, whose request has been read.

    Raises:
        errors.NotInTime: the client has hung up.
    """
    answer = asyncio.create_task(asked)
    gone = asyncio.create_task(_gone(http))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            raise errors.NotInTime("the client has hung up")
        return answer.result()
    finally:
        answer.cancel()
        gone.cancel()
        await asyncio.gather(answer, gone, return_exceptions=True)


async def _gone(http: Request) -> None:
    while (await http.receive())["type"] != "http.disconnect":
        pass


def _unlabelled(reason: str) -> ExecuteResult:
    return ExecuteResult(label=None, pass_fraction=None, verdict=None, reason=reason)
