"""Process 1 of a cell: a warm interpreter that forks the first process of each jail.

It never sees a byte of a candidate: an order holds limits and open files, and what is to be run
comes to the jail over a socket of its own. It has one thread; forking another's is not safe.
"""

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Generator
from typing import Any

_MAX_FILES = 16
_WALL = 0x40000000
"""For `waitpid`: also children whose end gives no signal."""
_PRELOADED = (
    "bisect", "collections", "copy", "functools", "heapq", "itertools", "json", "math", "operator",
    "random", "re", "string", "types", "typing", "traceback", "warnings",
)  # fmt: skip
"""What candidates and tests import most; loaded once here instead of in each of them."""


def main() -> None:
    """Say hello, then carry out orders until the supervisor is gone.

    Arguments of the process: the numbers of the order socket and of a directory of processes, then
    the names of further packages to load.
    """
    order_fd, proc_fd = int(sys.argv[1]), int(sys.argv[2])
    extra = sys.argv[3:]
    del sys.argv[1:]
    sys.path.insert(0, "/py/guest")
    for name in _PRELOADED:
        importlib.import_module(name)
    from executor.guest import boot, calls, files, packages  # noqa: F401 - loaded for the jails
    from executor.guest.isolated import serving  # noqa: F401 - the same
    from executor.guest.programs import python  # noqa: F401 - the same
    from executor.guest.reading import outline  # noqa: F401 - the same

    for name in packages.loaded(extra):
        _require_one_thread(proc_fd, name)

    zygote = _Zygote(socket.socket(fileno=order_fd), proc_fd)
    # As process 1 it gets no signal it has no handler for; Python's own SIGINT handler is one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if "pytest" in extra:
        _serve_in_session(zygote, proc_fd)
    boot.run_child(zygote.serve())


def _serve_in_session(zygote: "_Zygote", proc_fd: int) -> None:
    """Serve in a session of pytest that has begun; return if this one cannot be forked."""
    from executor.guest import boot
    from executor.guest.shared import session, suite  # noqa: F401 - loaded for the jails

    def order() -> Generator[object, int, None]:
        try:
            start = zygote.serve()
            if start["role"] not in boot.OF_TESTS:
                boot.run_child(start)
            boot.settle()
            return boot.tests(start)
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

    def __init__(self, orders: socket.socket, proc_fd: int) -> None:
        from executor.guest import confine

        self._confine = confine
        self._namespaces = confine.Namespaces()
        self._orders = orders
        self._proc_fd = proc_fd
        self._poll = select.poll()
        self._poll.register(orders, select.POLLIN)
        self._running: dict[int, tuple[int, int, int]] = {}
        self._ending: dict[int, int] = {}

    def serve(self) -> dict[str, Any]:
        """Go on until the order socket is closed; nothing else is ever waited for.

        It returns in the first process of each jail, with what that is to run.
        """
        gc.collect()
        gc.freeze()
        self._confine.die_with_parent()
        self._orders.send(b"hello")
        while True:
            for fd, _ in self._poll.poll():
                if fd == self._orders.fileno():
                    start = self._carry_out()
                    if start is not None:
                        return start
                elif fd in self._running:
                    self._report(fd)
                else:
                    self._reap(fd, self._ending.pop(fd))

    def _carry_out(self) -> dict[str, Any] | None:
        """Start a jail; return only in there what it is to run."""
        message, fds, _, _ = socket.recv_fds(self._orders, 4096, _MAX_FILES)
        if not message:
            os._exit(0)  # And with process 1 everything in the cell.
        channel, control, *rest = fds
        try:
            # A reaper takes this along, and the kernel then reaps for it; here it would lose what
            # a child reports.
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
            reaper, reaper_pid = self._namespaces.reaper()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._ending[reaper] = reaper_pid
            self._poll.register(reaper, select.POLLIN)
            _send_file(control, reaper)
            child = self._namespaces.fork(reaper)
            if child == 0:
                return _become_first(self._confine, json.loads(message), fds, self._proc_fd)
            watched = os.pidfd_open(child)
            self._running[watched] = (child, reaper, control)
            self._poll.register(watched, select.POLLIN)
        except OSError as error:
            os.close(control)
            self._orders.send(f"cannot start a jail: {error}".encode())
        for fd in (channel, *rest):
            os.close(fd)
        return None

    def _report(self, watched: int) -> None:
        from executor.guest.channel import pack

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
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(pid, _WALL)[1]
        return None


def _send_file(control: int, fd: int) -> None:
    borrowed = socket.socket(fileno=control)
    try:
        socket.send_fds(borrowed, [b"reaper"], [fd])
    finally:
        borrowed.detach()


def _become_first(
    confine: Any, order: dict[str, Any], fds: list[int], proc_fd: int
) -> dict[str, Any]:
    """Take what this process is to have and no more; return what it is to run."""
    from executor.guest import boot, files
    from executor.guest.channel import Channel

    try:
        # A process group of its own: `kill(0)` reaches nobody else.
        os.setsid()
        channel, control, stdin, stdout, stderr, *entrances = fds
        for fd, wanted in ((stdin, 0), (stdout, 1), (stderr, 2)):
            os.dup2(fd, wanted)
        confine.confine(order, proc_fd)
        # Before the account: what the copy of the input takes is not the candidate's.
        outputs = files.name_files()
        boot.enter(entrances)
        files.greet(control, outputs)
        # Received numbers are the lowest free ones, so that they may be those wanted.
        channel, control = os.dup(channel), os.dup(control)
        os.dup2(channel, boot.CHANNEL_FD)
        os.dup2(control, boot.CONTROL_FD)
        os.closerange(boot.CONTROL_FD + 1, 256)
        start: dict[str, Any] = Channel(boot.CONTROL_FD).receive()
        os.close(boot.CONTROL_FD)
        return start
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.write(2, f"{type(error).__name__}: {error}".encode())
        os._exit(70)


if __name__ == "__main__":
    main()
