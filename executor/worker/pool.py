"""A pool of slots, one process each: labels programs as fast as the machine allows, in order."""

import contextlib
import multiprocessing
import multiprocessing.reduction
import multiprocessing.util
import os
import pickle
import signal
import tempfile
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import Connection
from typing import Any

from executor.judging.asserting import SuiteBroken
from executor.judging.run import Asserts
from executor.sandbox.accounting import choose
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from executor.suites import soundness
from executor.worker import failures
from executor.worker.judges import Judges
from executor.worker.line import Done, Labelled, Line, Work
from infra import errors
from infra.contracts.checks import Fault, Finding
from infra.contracts.execution import Suite, Verdict

_FROM_TERMINAL = {signal.SIGINT, signal.SIGHUP}
"""Signals of Ctrl-C and of a terminal that is closed; they are for the pool's owner to answer."""
_AHEAD = 8
"""Chunks for each slot that are in line; some wait until the tests of their suite are read."""


class Pool:
    """Labels work with a fixed set of suites; a context manager."""

    def __init__(self, settings: ExecutorSettings, suites: Mapping[str, Suite]) -> None:
        """Prepare; the first piece of work starts the processes."""
        self._slots = settings.slots
        self._settings = settings
        # In a file, because a process that dies while it is handed more than a pipe holds would
        # leave us waiting for ever. It has no name: nobody need remove it.
        self._suites = tempfile.TemporaryFile()  # noqa: SIM115 - until the pool ends
        pickle.dump(dict(suites), self._suites)
        self._suites.flush()
        context = multiprocessing.get_context("spawn")
        with _deaf():  # Python starts a process of its own here, which keeps account of locks.
            numbers = context.SimpleQueue()
        for number in range(settings.slots):
            numbers.put(number)
        # Nothing is ever sent: its other end is closed by us, or by the kernel when we are gone.
        ended, self._alive = context.Pipe(duplex=False)
        self._executor = ProcessPoolExecutor(
            settings.slots,
            mp_context=context,
            initializer=_open,
            initargs=(settings, _Inherited(self._suites.fileno()), numbers, ended),
        )

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._alive.close()  # Nobody wants what is under way, which may take minutes.
        self._executor.shutdown(cancel_futures=True)
        self._alive.close()
        self._suites.close()
        if kind is not None:
            # Who left at once did not remove its cgroups; to choose anew does.
            choose(self._settings.cgroup, self._settings.require_cgroup).close()

    def label(self, work: Iterable[Work]) -> Iterator[Labelled]:
        """Yield what became of each piece of work, in order.

        Raises:
            errors.SandboxError: a slot's process died, or none could be opened.
        """
        line = Line(self._submit, self._slots * _AHEAD)
        try:
            yield from line.label(work)
        except BrokenProcessPool as error:
            raise _died() from error

    def _submit(self, work: list[Work], read: Mapping[str, Asserts]) -> Future[Done]:
        with _deaf():
            return self._executor.submit(_label, work, read)

    def check(self, names: Iterable[str], mutants: int) -> Iterator[Finding]:
        """Yield what is found of each suite, in order; at most so many mutants of its reference.

        Raises:
            errors.SandboxError: a slot's process died, or none could be opened.
        """
        pending: deque[Future[Finding]] = deque()
        try:
            for name in names:
                with _deaf():
                    pending.append(self._executor.submit(_check, name, mutants))
                if len(pending) >= self._slots * _AHEAD:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        except BrokenProcessPool as error:
            raise _died() from error


def _died() -> errors.SandboxError:
    return errors.SandboxError(
        "a slot's process died or could not start; `rrtf doctor` says what is missing."
        " A script that calls label() or check() must do so below"
        ' `if __name__ == "__main__":`'
    )


class _Inherited:
    """An open file that a process which is being started gets from its parent."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (multiprocessing.reduction.DupFd(self._fd),)

    def load(self) -> Any:
        """Read the object that is pickled in it, once."""
        # Opened anew: an inherited file has one position, which all the processes would move.
        with open(f"/proc/self/fd/{self._fd}", "rb") as file:
            os.close(self._fd)
            return pickle.load(file)  # noqa: S301 - written by our own parent


def _received(handle: Any) -> _Inherited:
    return _Inherited(handle.detach())


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Let what is started here be deaf from birth to what a terminal tells all in it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _FROM_TERMINAL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# What follows runs in the slots' processes.


class _Process:
    """What one process of the pool holds."""

    def __init__(self, slot: Slot, suites: Mapping[str, Suite]) -> None:
        self.slot = slot
        self.suites = suites
        self.judges = Judges(slot)

    def judge(self, work: Work, asserts: Asserts | None) -> Verdict:
        """Label one piece of work."""
        return self.judges.get(work.suite, self.suites[work.suite], asserts).judge(work.source)


_process: _Process | None = None


def _open(
    settings: ExecutorSettings,
    suites: _Inherited,
    numbers: "multiprocessing.SimpleQueue[int]",
    ended: "Connection[Any, Any]",
) -> None:
    global _process
    threading.Thread(target=_leave_when, args=(ended,), daemon=True).start()
    # Of a session of its own, so that Ctrl-C reaches neither it nor its cells, in which a candidate
    # must find the signals as they always are.
    os.setsid()
    for number in _FROM_TERMINAL:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FROM_TERMINAL)
    slot = Slot(settings, numbers.get())
    multiprocessing.util.Finalize(None, slot.close, exitpriority=10)
    _process = _Process(slot, suites.load())


def _leave_when(ended: "Connection[Any, Any]") -> None:
    """Leave at once when the pool has ended or its process is gone; the cell goes with us."""
    ended.poll(None)
    os._exit(1)


def _label(work: list[Work], read: Mapping[str, Asserts]) -> Done:
    assert _process is not None
    labelled = [_timed(_process, one, read.get(one.suite)) for one in work]
    found = {}
    for name in {one.suite for one in work} - read.keys():
        asserts = _process.judges.read(name)
        if asserts is not None:
            found[name] = asserts
    return Done(labelled, found)


def _check(name: str, mutants: int) -> Finding:
    assert _process is not None
    try:
        return soundness.check(_process.slot, name, _process.suites[name], mutants)
    except Exception as error:
        # Whatever one suite brings about here, the others are checked.
        return Finding(slug=name, fault=Fault.SANDBOX, detail=failures.told(error))


def _timed(process: _Process, work: Work, asserts: Asserts | None) -> Labelled:
    began = time.monotonic()
    return _label_one(process, work, asserts)._replace(seconds=time.monotonic() - began)


def _label_one(process: _Process, work: Work, asserts: Asserts | None) -> Labelled:
    try:
        try:
            return Labelled(process.judge(work, asserts))
        except errors.SandboxError:
            # A fault of ours is tried once more, in a fresh cell.
            return Labelled(process.judge(work, asserts))
    except SuiteBroken as error:
        return Labelled(None, f"{error.detail} [{error.code}]")
    except Exception as error:
        # Whatever a candidate brings about here, the others get their labels.
        return Labelled(None, failures.told(error))
