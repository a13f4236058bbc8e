"""Process 1 of a cell: a warm interpreter that forks the first process of each jail.

It never sees a byte of a candidate: an order holds limits and open files, and what is to be run
comes to the jail over a socket of its own. It has one thread; forking another's is not safe.
"""

import _signal  # type: ignore[import-not-found] # nobody describes it
import contextlib
import gc
import importlib
import os
import select
import signal
import site
import socket
import sys
from typing import Any

sys.path.insert(0, "/py/guest")

# Bound here, and modules rather than packages named wherever a jail passes: to look for a module
# in a package writes on dozens of pages, each of which is then copied for every jail.
from executor.guest import confine, files, packages
from executor.guest.boot import (
    CHANNEL_FD,
    CONTROL_FD,
    OF_TESTS,
    OF_TOOLCHAINS,
    enter,
    parted,
    run_child,
    settle,
    tests,
)
from executor.guest.channel import Channel, pack

_MAX_FILES = 16
_MESSAGE_BYTES = 4096
_WALL = 0x40000000
"""For `waitpid`: also children whose end gives no signal."""
_PRELOADED = (
    "bisect", "collections", "copy", "functools", "heapq", "itertools", "json", "math", "operator",
    "random", "re", "string", "types", "typing", "traceback", "warnings",
)  # fmt: skip
"""What candidates and tests import most; loaded once here instead of in each of them."""
_OWN = (
    "executor.guest.calls", "executor.guest.isolated.serving", "executor.guest.programs.python",
    "executor.guest.reading.outline",
)  # fmt: skip
"""What jails do most."""
_KEPT = 64
"""Confinements that are kept as they were read."""


def main() -> None:
    """Say hello, then carry out orders until the supervisor is gone.

    Arguments of the process: the numbers of the order socket and of a directory of processes, then
    the names of further packages to load.
    """
    order_fd, proc_fd = int(sys.argv[1]), int(sys.argv[2])
    extra = sys.argv[3:]
    del sys.argv[1:]
    for name in () if OF_TOOLCHAINS in extra else (*_PRELOADED, *_OWN):
        importlib.import_module(name)
    for name in packages.loaded(extra):
        _require_one_thread(proc_fd, name)
    # Without the `site` module a program lacks `exit` and `quit`.
    site.setquit()

    zygote = _Zygote(socket.socket(fileno=order_fd), proc_fd, extra)
    # As process 1 it gets no signal it has no handler for; Python's own SIGINT handler is one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "pytest" in extra:
        _serve_in_session(zygote, proc_fd)
    run_child(zygote.serve())


def _serve_in_session(zygote: "_Zygote", proc_fd: int) -> None:
    """Serve in a session of pytest that has begun; return if this one cannot be forked."""
    from executor.guest.shared import session, suite  # noqa: F401 - loaded for the jails

    def order() -> session.Steps:
        try:
            start = zygote.serve()
            if start["role"] not in OF_TESTS:
                run_child(start)
            settle()
            return tests(start)
        except BaseException as error:
            # Not for pytest to deal with.
            os.write(2, f"{type(error).__name__}: {error}".encode())
            os._exit(70)

    opened = _count(proc_fd, "fd")
    session.serve(order, lambda: (_count(proc_fd, "task"), _count(proc_fd, "fd")) == (1, opened))
    _require_one_thread(proc_fd, "pytest's plug-ins")


def _require_one_thread(proc_fd: int, module: str) -> None:
    if _count(proc_fd, "task") > 1:
        os.write(2, f"to load {module} starts threads, with which no cell can fork".encode())
        os._exit(1)  # Without waiting for them.


def _count(proc_fd: int, name: str) -> int:
    """Count the threads of this process (`task`), or the files it has open (`fd`)."""
    folder = os.open(f"self/{name}", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc_fd)
    try:
        return len(os.listdir(folder))
    finally:
        os.close(folder)


class _Zygote:
    """Carries out orders, and reports how the first process of each jail ended."""

    def __init__(self, orders: socket.socket, proc_fd: int, modules: list[str]) -> None:
        self._namespaces = confine.Namespaces()
        self._orders = orders
        self._modules = modules
        self._space = socket.CMSG_SPACE(4 * _MAX_FILES)
        self._proc_fd = proc_fd
        self._poll = select.poll()
        self._poll.register(orders, select.POLLIN)
        self._running: dict[int, tuple[int, int, int]] = {}
        self._ending: dict[int, int] = {}
        self._read: dict[bytes, confine.Confinement] = {}

    def serve(self) -> dict[str, Any]:
        """Go on until the order socket is closed; nothing else is ever waited for.

        It returns in the first process of each jail, with what that is to run.
        """
        confine.die_with_parent()
        confine.bound()
        gc.collect()
        gc.freeze()
        self._orders.send(b"hello")
        while True:
            for fd, _ in self._poll.poll():
                if fd in self._running:
                    self._report(fd)
                elif fd in self._ending:
                    self._reap(fd, self._ending.pop(fd))
                else:
                    start = self._carry_out()
                    if start is not None:
                        return start

    def _carry_out(self) -> dict[str, Any] | None:
        """Start a jail; return only in there what it is to run."""
        message, ancillary, _, _ = self._orders.recvmsg(_MESSAGE_BYTES, self._space)
        if not message:
            os._exit(0)  # And with process 1 everything in the cell.
        fds = list(memoryview(ancillary[0][2]).cast("i"))
        control = fds[4]
        try:
            confined, uid = self._confinement(message[4:]), int.from_bytes(message[:4], "big")
            # A reaper takes this along, and the kernel then reaps for it; here it would lose what
            # a child reports that has become another program. Not by `signal`, which goes through
            # enumerations.
            _signal.signal(_signal.SIGCHLD, _signal.SIG_IGN)
            reaper, reaper_pid = self._namespaces.reaper()
            _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
            self._ending[reaper] = reaper_pid
            self._poll.register(reaper, select.POLLIN)
            child = self._namespaces.fork(reaper)
            if child == 0:
                return _become_first(confined, uid, self._parted(fds), reaper, self._proc_fd)
            watched = os.pidfd_open(child)
            self._running[watched] = (child, reaper, control)
            self._poll.register(watched, select.POLLIN)
        except OSError as error:
            os.close(control)
            self._orders.send(f"cannot start a jail: {error}".encode())
        for fd in fds:
            if fd != control:
                os.close(fd)
        return None

    def _parted(self, fds: list[int]) -> tuple[list[int], list[int], list[int]]:
        """Part the files of an order: the standard ones, what the jail keeps, and entrances."""
        return fds[:3], *parted(fds[3:], self._modules)

    def _confinement(self, text: bytes) -> confine.Confinement:
        """Read what a jail may do; here, once, rather than in each of those that may do as much."""
        if text not in self._read:
            if len(self._read) >= _KEPT:
                self._read.clear()
            self._read[text] = confine.read(text)
        return self._read[text]

    def _report(self, watched: int) -> None:
        child, reaper, control = self._running.pop(watched)
        status = self._reap(watched, child)
        with contextlib.suppress(OSError):  # The supervisor may have turned away.
            os.write(control, pack({"status": status}))
        os.close(control)
        # What the program has left behind ends with it, and the reaper's own end is seen when all
        # of that is dead. One that never ends keeps nothing else waiting.
        signal.pidfd_send_signal(reaper, signal.SIGKILL)

    def _reap(self, watched: int, pid: int) -> int | None:
        self._poll.unregister(watched)
        os.close(watched)
        try:
            return os.waitpid(pid, _WALL)[1]
        except ChildProcessError:
            return None


def _become_first(
    confined: confine.Confinement,
    uid: int,
    files_of: tuple[list[int], list[int], list[int]],
    reaper: int,
    proc_fd: int,
) -> dict[str, Any]:
    """Take what this process is to have and no more; return what it is to run.

    Its files are the standard ones, those that it keeps, and the entrances of its account.
    """
    try:
        # A process group of its own: `kill(0)` reaches nobody else.
        os.setsid()
        standard, kept, entrances = files_of
        for wanted, fd in enumerate(standard):
            os.dup2(fd, wanted)
        confine.confine(confined, uid, proc_fd)
        # Before the account: what the copy of the input takes is not the candidate's.
        outputs = files.name_files()
        enter(entrances)
        files.greet(kept[1], outputs, reaper)
        # Received numbers are the lowest free ones, so that they may be those wanted.
        high = [os.dup(fd) for fd in kept]
        for wanted, fd in enumerate(high, CHANNEL_FD):
            os.dup2(fd, wanted)
        os.closerange(CHANNEL_FD + len(kept), 256)
        start: dict[str, Any] = Channel(CONTROL_FD).receive()
        os.close(CONTROL_FD)
        return start
    except BaseException as error:
        try:
            os.write(2, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(70)


if __name__ == "__main__":
    main()
