"""The gate of a machine's slots: many at once, or one alone when it must be quiet.

Locks of files, so that it works between processes and a killed process leaves nothing locked.
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

_WAIT_SECONDS = 20.0
"""Longest wait for the other slots; a verdict is better late and in company than never."""
_LOOK_SECONDS = 0.01


class Gate:
    """Two locks: who wants to be alone closes the outer one, so that no other comes in before."""

    def __init__(self, folder: Path) -> None:
        """Open the lock files of a folder, which all slots of the machine share."""
        self._outer, self._inner = (
            os.open(folder / f".gate-{name}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            for name in ("outer", "inner")
        )

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """Be one of many."""
        fcntl.flock(self._outer, fcntl.LOCK_SH)
        fcntl.flock(self._inner, fcntl.LOCK_SH)
        fcntl.flock(self._outer, fcntl.LOCK_UN)
        try:
            yield
        finally:
            fcntl.flock(self._inner, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def alone(self) -> Iterator[bool]:
        """Be the only one; tell whether that was possible within a while."""
        fcntl.flock(self._outer, fcntl.LOCK_EX)
        try:
            deadline = time.monotonic() + _WAIT_SECONDS
            is_alone = self._try()
            while not is_alone and time.monotonic() < deadline:
                time.sleep(_LOOK_SECONDS)
                is_alone = self._try()
            yield is_alone
        finally:
            fcntl.flock(self._inner, fcntl.LOCK_UN)
            fcntl.flock(self._outer, fcntl.LOCK_UN)

    def _try(self) -> bool:
        try:
            fcntl.flock(self._inner, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        """Close the lock files."""
        os.close(self._outer)
        os.close(self._inner)
