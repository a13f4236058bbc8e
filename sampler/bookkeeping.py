"""Brings the entries of many requests to the ledger, all that wait in one transaction."""

import asyncio
from concurrent.futures import Executor

from sampler.accounts import BudgetExceeded
from sampler.endpoints import Endpoint
from sampler.ledger import Begun, Ended, Entry, Ledger


class _Page:
    """What is written in one transaction."""

    def __init__(self) -> None:
        self.begins: list[Entry] = []
        self.ends: list[Ended] = []
        self.written: asyncio.Task[list[Begun | BudgetExceeded]]


class Bookkeeper:
    """Writes the ledger of one endpoint; belongs to one event loop.

    A transaction takes whatever came while the one before was under way, so the time that each
    request pays for its entries shrinks as requests become more.
    """

    def __init__(self, endpoint: Endpoint, ledger: Ledger, threads: Executor) -> None:
        self._endpoint = endpoint
        self._ledger = ledger
        self._threads = threads
        self._open: _Page | None = None
        self._last: asyncio.Task[list[Begun | BudgetExceeded]] | None = None

    async def begin(self, entry: Entry) -> Begun:
        """Return once the request is written down and may be sent.

        Raises:
            BudgetExceeded: it must not be sent.
        """
        page = self._page()
        number = len(page.begins)
        page.begins.append(entry)
        # Shielded: one who is cancelled must not take the others' entries along.
        answer = (await asyncio.shield(page.written))[number]
        if isinstance(answer, BudgetExceeded):
            raise answer
        return answer

    async def end(self, ended: Ended) -> None:
        """Return once what became of a request is written down."""
        page = self._page()
        page.ends.append(ended)
        await asyncio.shield(page.written)

    def _page(self) -> _Page:
        if self._open is None:
            self._open = _Page()
            self._open.written = asyncio.create_task(self._write(self._open, self._last))
            self._last = self._open.written
        return self._open

    async def _write(
        self, page: _Page, before: asyncio.Task[list[Begun | BudgetExceeded]] | None
    ) -> list[Begun | BudgetExceeded]:
        if before is not None:
            await asyncio.wait([before])
        self._open = None
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, self._ledger.write, self._endpoint, page.begins, page.ends
        )
