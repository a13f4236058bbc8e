"""Brings the entries of many requests to the ledger, all that wait in one transaction."""

import asyncio
import itertools
from collections.abc import Callable
from concurrent.futures import Executor
from typing import TypeVar

from sqlalchemy.exc import InterfaceError, OperationalError

from infra import errors
from infra.observability import logs
from sampler.servers.endpoints import Endpoint
from sampler.servers.spending.ledger import Begun, Ended, Entry, Ledger, Refusal

log = logs.get(__name__)

_FIRST_PAUSE_SECONDS = 0.1
_LONGEST_PAUSE_SECONDS = 5.0
_SPARE_SECONDS = 30.0
"""Least time that what became of a request waits for Postgres: an answer may come when the time for
new requests is over, and is paid all the same."""

T = TypeVar("T")


class _Page:
    """What is written in one transaction."""

    def __init__(self) -> None:
        self.begins: list[Entry] = []
        self.ends: list[Ended] = []
        self.until = 0.0
        self.written: asyncio.Task[list[Begun | Refusal]]


class Bookkeeper:
    """Writes the ledger of one endpoint; belongs to one event loop.

    A transaction takes whatever came while the one before was under way, so the time that each
    request pays for its entries shrinks as requests become more. While Postgres is away, entries
    wait: what came of a request is paid, and those under way are not to be given up.
    """

    def __init__(self, endpoint: Endpoint, ledger: Ledger, threads: Executor) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._threads = threads
        self._open: _Page | None = None
        self._last: asyncio.Task[list[Begun | Refusal]] | None = None

    async def begin(self, entry: Entry, until: float) -> Begun:
        """Return once the request is written down and may be sent.

        Args:
            entry: The request.
            until: Time of the loop until which Postgres is waited for.

        Raises:
            BudgetExceeded, Superseded: it must not be sent.
            errors.Unavailable: Postgres stayed away.
        """
        page = self._page(until)
        number = len(page.begins)
        page.begins.append(entry)
        # Shielded: one who is cancelled must not take the others' entries along.
        answer = (await asyncio.shield(page.written))[number]
        if not isinstance(answer, Begun):
            raise answer
        return answer

    async def end(self, ended: Ended, until: float) -> None:
        """Return once what became of a request is written down.

        Raises:
            errors.Unavailable: Postgres stayed away until then, and for half a minute at least.
        """
        page = self._page(max(until, asyncio.get_running_loop().time() + _SPARE_SECONDS))
        page.ends.append(ended)
        await asyncio.shield(page.written)

    def _page(self, until: float) -> _Page:
        if self._open is None:
            self._open = _Page()
            self._open.written = asyncio.create_task(self._write(self._open, self._last))
            self._last = self._open.written
        self._open.until = max(self._open.until, until)
        return self._open

    async def _write(
        self, page: _Page, before: asyncio.Task[list[Begun | Refusal]] | None
    ) -> list[Begun | Refusal]:
        if before is not None:
            await asyncio.wait([before])
        self._open = None
        return await patiently(
            self._threads,
            page.until,
            lambda: self._ledger.write(self._endpoint, page.begins, page.ends),
        )


async def patiently(threads: Executor, until: float, ask: Callable[[], T]) -> T:
    """Ask Postgres in a thread, and again for as long as it cannot be reached.

    Args:
        threads: Where the question is asked.
        until: Time of the loop after which it is not asked again.
        ask: The question; asked twice, it must do what it does once.

    Raises:
        errors.Unavailable: Postgres stayed away.
    """
    loop = asyncio.get_running_loop()
    for failures in itertools.count():
        try:
            return await loop.run_in_executor(threads, ask)
        except (OperationalError, InterfaceError) as error:
            pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(failures, 16), _LONGEST_PAUSE_SECONDS)
            # Its own text may hold what was to be written.
            reason = type(error.orig).__name__
            if loop.time() + pause >= until:
                raise errors.Unavailable(f"Postgres cannot be reached: {reason}") from error
            log.warning("ledger.away", reason=reason, pause_seconds=pause)
            await asyncio.sleep(pause)
    raise AssertionError("it is asked until there is an answer or no time")
