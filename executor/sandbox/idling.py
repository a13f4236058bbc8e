"""The idle clock: time in which no task of a jail ran or waited for a processor.

Whoever sleeps is ended by it, and whoever gets no processor is not. It is read now and then: two
looks at which nothing runs bound a time that counts, less what the kernel says was used or waited
in between, by the jail or by us: if we are busy or get no processor, the jail may wait for us.
"""

import os
from collections.abc import Iterable
from typing import Final, NamedTuple

from executor.sandbox.accounting import Account

_MOST_SECONDS: Final = 0.04
"""Of the time between two looks so much counts at most: where we come late, little is known."""
_ENDED: Final = (b"Z", b"X")


class _Look(NamedTuple):
    """What was seen at one time."""

    at: float
    cpu_seconds: float
    own_seconds: float
    waited: dict[int, float]
    """Seconds that each task has waited for a processor so far."""


class IdleClock:
    """Counts the idle time of one jail."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._last: _Look | None = None
        self._excused = 0.0
        self.seconds = 0.0
        """What has been counted."""

    def excuse(self, seconds: float) -> None:
        """Leave out some time since the last look, in which the jail had nothing to do."""
        self._excused += seconds

    def look(self, at: float, cpu_seconds: float, own_seconds: float) -> None:
        """Count the time since the last look, if nothing ran then and nothing runs now.

        Args:
            at: Present reading of the monotonic clock.
            cpu_seconds: Of the jail's CPU clock.
            own_seconds: What `own_seconds` says.
        """
        last, excused = self._last, self._excused
        self._last, self._excused = None, 0.0
        waited = _waited(self._account.tasks())
        if waited is None:
            return
        self._last = _Look(at, cpu_seconds, own_seconds, waited)
        if last is None:
            return
        busy = cpu_seconds - last.cpu_seconds
        busy += sum(max(0.0, now - last.waited.get(task, 0.0)) for task, now in waited.items())
        ours = excused + own_seconds - last.own_seconds
        self.seconds += max(0.0, min(at - last.at - ours, _MOST_SECONDS) - busy)


def own_seconds() -> float:
    """Return how long this thread has run or waited for a processor so far."""
    return sum(_times("thread-self"))


def _waited(tasks: Iterable[int]) -> dict[int, float] | None:
    """Return how long each task has waited for a processor; None if one runs or waits now.

    None as well if there is no task: who waits then waits for us.
    """
    found = {}
    for task in tasks:
        try:
            state = _read(f"/proc/{task}/stat").rpartition(b") ")[2][:1]
            if state == b"R":
                return None
            if state in _ENDED:
                continue
            found[task] = _times(str(task))[1]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found or None


def _times(task: str) -> tuple[float, float]:
    """Return how long a task has run and has waited for a processor."""
    try:
        # Two of three numbers (Documentation/scheduler/sched-stats.rst), in nanoseconds.
        run, waited, _ = _read(f"/proc/{task}/schedstat").split()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0, 0.0  # A kernel without them leaves us what the states say.
    return int(run) / 1e9, int(waited) / 1e9


def _read(path: str) -> bytes:
    # At every look: `Path.read_bytes` takes three times as long.
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)
