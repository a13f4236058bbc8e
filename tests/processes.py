"""Which processes live, as the tests of what a suite leaves behind ask."""

import os
import time

import psutil

_DEAD = (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)


def lives(process: psutil.Process) -> bool:
    """Whether it still does something.

    The dead do nothing, whether nobody has waited for them yet or somebody is just doing so.
    """
    try:
        return process.is_running() and process.status() not in _DEAD
    except psutil.NoSuchProcess:
        return False


def descendants(pid: int | None = None) -> set[psutil.Process]:
    """Return the living processes under one, which is our own if none is named.

    But the one by which Python keeps track of what processes share: it lives as long as Python.
    """
    children = psutil.Process(pid or os.getpid()).children(recursive=True)
    return {child for child in children if lives(child) and not _is_tracker(child)}


def settled(number: int, seconds: float = 5.0) -> set[psutil.Process]:
    """Return our descendants once there are no more than so many, or when time is over.

    Counted, because a worn cell is replaced by another, which takes a moment to end.
    """
    deadline = time.monotonic() + seconds
    while len(left := descendants()) > number and time.monotonic() < deadline:
        time.sleep(0.05)
    return left


def words_of(process: psutil.Process) -> list[str]:
    """Return a command line; that of a process which has just ended is empty."""
    try:
        return process.cmdline()
    except psutil.NoSuchProcess:
        return []


def _is_tracker(process: psutil.Process) -> bool:
    return any("multiprocessing.resource_tracker" in word for word in words_of(process))
