"""Gates between a machine's slots: many at once, or one alone.

Locks of files, so that it works between processes and a killed process leaves nothing locked.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_WAIT_SECONDS = 20.0
"""Longest wait for the other slots; a verdict is better late and in company than never."""
_LOOK_SECONDS = 0.01


class SlotLock:
    """Two locks: who wants to be alone closes the outer one, so that no other comes in before."""

    def __init__(self, folder: Path, name: str) -> None:
        """Open the lock files of this name in a folder, which all slots of the machine share."""
        self._outer, self._inner = (
            os.open(folder / f".gate-{name}-{which}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            for which in ("outer", "inner")
        )

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Be one of many; who is alone is waited for, but not for ever."""
        try:
            if _wait(self._outer, fcntl.LOCK_SH, _patience()):
                # Whoever has this one alone has the other alone as well.
                fcntl.flock(self._inner, fcntl.LOCK_SH)
            fcntl.flock(self._outer, fcntl.LOCK_UN)
            yield
        finally:
            fcntl.flock(self._inner, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def alone(self, gives_up: Callable[[], bool] | None = None) -> Iterator[bool]:
        """Be the only one, and tell whether that was possible before it was given up."""
        gives_up = gives_up or _patience()
        try:
            yield _wait(self._outer, fcntl.LOCK_EX, gives_up) and _wait(
                self._inner, fcntl.LOCK_EX, gives_up
            )
        finally:
            fcntl.flock(self._inner, fcntl.LOCK_UN)
            fcntl.flock(self._outer, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the lock files."""
        os.close(self._outer)
        os.close(self._inner)


def _patience() -> Callable[[], bool]:
    deadline = time.monotonic() + _WAIT_SECONDS
    return lambda: time.monotonic() > deadline


def _wait(lock: int, how: int, gives_up: Callable[[], bool]) -> bool:
    while True:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if gives_up():
                return False
            time.sleep(_LOOK_SECONDS)
        else:
            return True
