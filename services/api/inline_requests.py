"""Inline work on its way to executors, and the replies on their way back to who waits here."""

import asyncio
import contextlib
import math
from collections.abc import Iterator, Sequence
from uuid import UUID

import redis
import redis.asyncio
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from infra import errors
from infra.contracts.base import new_id
from infra.contracts.inline import InlineReply, InlineRequest, Work
from infra.observability import logs
from infra.queues.messaging import PRIORITIES, Sender, Task, celery_app
from infra.queues.replies import reply_list, wanted_key

log = logs.get(__name__)

_MOST_BYTES = 256 * 2**20
_LOOK_SECONDS = 1
"""How long the reader waits for a reply before it looks whether anybody still waits."""


class InlineRequests:
    """One process's way to the executors and back; used on one event loop."""

    def __init__(self, redis_url: str, most: int, most_bytes: int = _MOST_BYTES) -> None:
        """Prepare; the first request connects.

        Args:
            redis_url: where the queues are.
            most: programs that may be under way at a time.
            most_bytes: what their messages may take together.
        """
        self._celery = celery_app(url=redis_url)
        self._redis = redis.asyncio.Redis.from_url(
            redis_url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=25
        )
        self._address = reply_list(new_id())
        self._most = most
        self._most_bytes = most_bytes
        self._under_way = self._bytes_under_way = 0
        self._waiting: dict[UUID, asyncio.Future[InlineReply | errors.Unavailable]] = {}
        self._reader: asyncio.Task[None] | None = None

    async def ask(
        self, works: Sequence[Work], programs: int, wait_seconds: float, num_bytes: int
    ) -> list[InlineReply | None]:
        """Have work done; return the replies in its order, None where one did not come in time.

        Args:
            works: what each message holds.
            programs: how many programs they hold together.
            wait_seconds: how long to wait for all of them.
            num_bytes: what the messages take together.

        Raises:
            errors.QueueFull: too much inline work is under way.
            errors.Unavailable: Redis cannot be reached.
        """
        with self._room(programs, num_bytes):
            requests = [
                InlineRequest(id=new_id(), reply_to=self._address, work=work) for work in works
            ]
            loop = asyncio.get_running_loop()
            futures = [loop.create_future() for _ in requests]
            ids = [request.id for request in requests]
            self._waiting.update(zip(ids, futures, strict=True))
            try:
                await self._want(ids, wait_seconds)
                await run_in_threadpool(self._send, requests)
                if self._reader is None or self._reader.done():
                    self._reader = loop.create_task(self._read())
                await asyncio.wait(futures, timeout=wait_seconds)
            finally:
                for request_id in ids:
                    self._waiting.pop(request_id, None)
                # Also when who asked has gone.
                await self._unwant(
                    [i for i, future in zip(ids, futures, strict=True) if not future.done()]
                )
            return [_outcome(future) for future in futures]

    @contextlib.contextmanager
    def _room(self, programs: int, num_bytes: int) -> Iterator[None]:
        # A request larger than a limit is taken when nothing is under way: it never could be.
        for under_way, more, most, what in (
            (self._under_way, programs, self._most, "programs"),
            (self._bytes_under_way, num_bytes, self._most_bytes, "bytes of tests and programs"),
        ):
            if under_way and under_way + more > most:
                raise errors.QueueFull(
                    f"{under_way} {what} are under way here and at most {most} may be",
                    retry_after=1,
                )
        self._under_way += programs
        self._bytes_under_way += num_bytes
        try:
            yield
        finally:
            self._under_way -= programs
            self._bytes_under_way -= num_bytes

    def _send(self, requests: Sequence[InlineRequest]) -> None:
        sender = Sender(self._celery)
        for request in requests:
            sender.send_or_raise(Task.ANSWER, request, PRIORITIES[True])

    async def _want(self, ids: Sequence[UUID], wait_seconds: float) -> None:
        try:
            async with self._redis.pipeline(transaction=False) as pipeline:
                for request_id in ids:
                    pipeline.set(wanted_key(request_id), "", ex=math.ceil(wait_seconds) + 1)
                await pipeline.execute()
        except redis.RedisError as error:
            raise errors.Unavailable("Redis is not reachable; nothing was executed") from error

    async def _unwant(self, ids: Sequence[UUID]) -> None:
        if ids:
            # If it fails the keys expire, a second after the wait.
            with contextlib.suppress(redis.RedisError):
                await self._redis.delete(*map(wanted_key, ids))

    async def _read(self) -> None:
        """Hand out replies as long as somebody waits for one."""
        while self._waiting:
            try:
                popped = await self._redis.blpop([self._address], timeout=_LOOK_SECONDS)
            except redis.RedisError as error:
                self._fail(errors.Unavailable("Redis went away before the answer came"))
                log.warning("inline_requests.redis_away", reason=str(error))
                return
            if popped is not None:
                self._deliver(popped[1])

    def _deliver(self, message: bytes | str) -> None:
        try:
            reply = InlineReply.model_validate_json(message)
        except ValidationError:
            # As from an executor of another version; who waits is told when the wait is over.
            log.error("inline_requests.unreadable_reply", exc_info=True)
            return
        future = self._waiting.pop(reply.id, None)
        if future is not None and not future.done():
            future.set_result(reply)

    def _fail(self, error: errors.Unavailable) -> None:
        for future in self._waiting.values():
            if not future.done():
                future.set_result(error)

    async def close(self) -> None:
        """Stop reading and give the connections back."""
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader
        await self._redis.aclose()
        self._celery.close()


def _outcome(future: "asyncio.Future[InlineReply | errors.Unavailable]") -> InlineReply | None:
    if not future.done():
        return None
    reply = future.result()
    if isinstance(reply, errors.Unavailable):
        raise reply
    return reply
