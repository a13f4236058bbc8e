"""An event loop in a thread of its own: any number of threads hand it work and wait."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

_LEDGER_THREADS = 4
"""Threads that write to Postgres, which the loop must not wait for."""

T = TypeVar("T")


class EventLoopThread:
    """Runs what waits for the network, however many wait at once, in one thread."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(_LEDGER_THREADS, thread_name_prefix="ledger")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="loop_thread", daemon=True
        )
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for its end in this thread."""
        return self.start(coroutine).result()

    def start(self, coroutine: Coroutine[Any, Any, T]) -> "Future[T]":
        """Begin to run a coroutine in the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Stop the loop and its threads."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.threads.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
