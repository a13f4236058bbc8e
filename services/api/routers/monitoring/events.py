"""Progress as server-sent events, which a client that lost its connection goes on with.

What an event's id says is all that the server needs to go on: it remembers nothing of a client.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from infra import errors
from infra.contracts.base import CandidateState, GroupState
from infra.contracts.candidates import MAX_GROUP_CANDIDATES
from infra.contracts.views.api import Scope
from infra.db.tables import CandidateRow, CheckpointRow, GroupRow, RankingRow
from ranker.batching.batches import IN_FORCE
from services.api.dependencies import Db
from services.api.keys import READS, CalledBy, Caller
from services.api.routers import training
from services.api.routers.candidates import candidate_view
from services.api.routers.rankings import ranking_view

_MOST = 256
_MOST_OF_A_KEY = 64
"""Streams open at a time in one process: each of them looks into Postgres again and again."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 1.0
"""Seconds between two looks: the first after an event, and what it grows to where nothing comes."""
_PING_SECONDS = 15.0
"""Longest silence: proxies close what says nothing."""
_RANKED = "ranked"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {}}, "description": "Events until it is over."}
}


class Streams:
    """Which streams are open in this process; used on one event loop."""

    def __init__(self) -> None:
        self._open: Counter[int] = Counter()

    @contextlib.contextmanager
    def room(self, api_key_id: int) -> Iterator[None]:
        """Make room for one more of a key's as long as the block lasts.

        Raises:
            errors.QueueFull: there is none.
        """
        for held, most, whose in (
            (self._open[api_key_id], _MOST_OF_A_KEY, "of this API key"),
            (self._open.total(), _MOST, "of all API keys"),
        ):
            if held >= most:
                raise errors.QueueFull(
                    f"{held} event streams {whose} are open here and at most {most} may be;"
                    " close one, or open this later"
                )
        self._open[api_key_id] += 1
        try:
            yield
        finally:
            self._open[api_key_id] -= 1
            self._open = +self._open  # Keys without a stream are not kept.


async def _takes_room(http: Request, caller: CalledBy) -> AsyncIterator[None]:
    streams: Streams = http.app.state.streams
    with streams.room(caller.api_key_id):
        yield


router = APIRouter(
    prefix="/v1", tags=["events"], dependencies=[READS, Depends(_takes_room, scope="request")]
)

_NOTHING = "0"
"""What a client says that was told of nothing."""


def _last_event(pattern: str) -> Any:
    return Header(alias="Last-Event-ID", pattern=pattern, description="Go on after this event.")


LastOfGroup = Annotated[
    str, _last_event(rf"^({_RANKED}|[0-9a-f]{{1,{MAX_GROUP_CANDIDATES // 4}}})$")
]
LastOfPolicy = Annotated[str, _last_event(r"^[0-9]{1,10}$")]
Events = list[bytes]
Looked = tuple[Events, bool]
"""New events, and whether they are the last."""


@router.get(
    "/groups/{group_id}/events",
    response_class=Response,
    responses=_STREAM | {204: {"description": "Everything was told."}},
)
def group_events(
    db: Db, http: Request, group_id: UUID, last_event_id: LastOfGroup = _NOTHING
) -> Response:
    """Tell of each candidate that is labelled or set aside, and then of the ranking."""
    if last_event_id == _RANKED:
        return Response(status_code=204)  # What tells a browser not to come again.
    told = _Told(last_event_id)
    with db.reading() as session:
        if session.get(GroupRow, group_id) is None:
            raise errors.NotFound(f"there is no group {group_id}")

    def look() -> Looked:
        with db.reading() as session:
            return _look_at_group(session, group_id, told)

    return _stream(http, look)


class _Told:
    """Which candidates of a group were told of, by position: a bit for each, as a number."""

    def __init__(self, event_id: str) -> None:
        """Read an event's id."""
        self._bits = int(event_id, 16)

    def __contains__(self, position: int) -> bool:
        return bool(self._bits >> position & 1)

    def add(self, position: int) -> str:
        """Note a position; return the id of its event."""
        self._bits |= 1 << position
        return f"{self._bits:x}"


def _look_at_group(session: Session, group_id: UUID, told: _Told) -> Looked:
    # First the state: what is labelled after this look is told of at the next.
    state = session.scalar(select(GroupRow.state).where(GroupRow.id == group_id))
    done = session.scalars(
        select(CandidateRow)
        .where(CandidateRow.group_id == group_id, CandidateRow.state != CandidateState.SUBMITTED)
        .options(*map(defer, (CandidateRow.program, CandidateRow.completion, CandidateRow.sampled)))
        .order_by(CandidateRow.labelled_at, CandidateRow.position)
    )
    events = [
        _event("candidate", candidate_view(row), told.add(row.position))
        for row in done
        if row.position not in told
    ]
    if state is not GroupState.RANKED:
        return events, state is None  # A group that was deleted has no more to tell.
    ranking = session.scalar(select(RankingRow).where(RankingRow.group_id == group_id, IN_FORCE))
    if ranking is not None:
        events.append(_event(_RANKED, ranking_view(ranking), _RANKED))
    return events, True


@router.get("/policies/{name}/events", response_class=Response, responses=_STREAM)
def policy_events(
    db: Db, http: Request, name: str, last_event_id: LastOfPolicy = _NOTHING
) -> Response:
    """Tell of each checkpoint of a policy, from the first one on; it never ends by itself."""
    told = min(int(last_event_id), 2**31 - 1)
    with db.reading() as session:
        policy = training.find_policy(session, name).id

    def look() -> Looked:
        nonlocal told
        with db.reading() as session:
            rows = session.scalars(
                select(CheckpointRow)
                .where(CheckpointRow.policy_id == policy, CheckpointRow.version > told)
                .order_by(CheckpointRow.version)
                .limit(100)
            ).all()
            told = rows[-1].version if rows else told
            return [
                _event("checkpoint", training.checkpoint_view(session, row), str(row.version))
                for row in rows
            ], False

    return _stream(http, look)


def _event(name: str, view: BaseModel, event_id: str) -> bytes:
    return format_sse_event(event=name, data_str=view.model_dump_json(), id=event_id)


def _stream(http: Request, look: Callable[[], Looked]) -> StreamingResponse:
    """Look again and again; waiting holds no thread and no transaction."""
    ask_again: Callable[[], Awaitable[Caller | None]] = http.state.ask_again

    async def events() -> AsyncIterator[bytes]:
        quiet_since, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            # The stream may outlive the key; answers are remembered as for any other request.
            caller = await ask_again()
            if caller is None or Scope.READ not in caller.scopes:
                return
            found, is_last = await run_in_threadpool(look)
            for event in found:
                yield event
            if is_last:
                return
            now = time.monotonic()
            pause = _FIRST_PAUSE if found else min(pause * 1.2, _LONGEST_PAUSE)
            if found:
                quiet_since = now
            elif now - quiet_since > _PING_SECONDS:
                quiet_since = now
                yield KEEPALIVE_COMMENT
            await asyncio.sleep(pause)
            if await http.is_disconnected():
                return

    # Proxies must not keep what is told until there is more.
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events(), media_type="text/event-stream", headers=headers)
