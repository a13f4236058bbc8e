"""Process 1 of the jail: starts one child in the wanted role, reaps, reports how the child ended.

It keeps the control socket to itself. When that socket closes, the supervisor has died or wants the
jail gone; process 1 leaves, and the kernel kills all that is left in its namespace.
"""

import _signal  # type: ignore[import-not-found] # nobody describes it
import contextlib
import fcntl
import os
import select
import signal
import site
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from executor.guest.shared.session import Steps

CHANNEL_FD = 3
CONTROL_FD = 4
ARTIFACT_FD = 5
"""What a compiler has made, where toolchains are run."""
OF_TOOLCHAINS = "executor.guest.programs.native"
"""To be loaded where toolchains are run, and nothing else."""
OF_PROGRAMS = ("program", "notebook")
"""Roles whose process ends with a status of its own."""
OF_TESTS = ("isolated", "suite", "watched")
"""Roles in which tests are run, by pytest if they need it."""
_exit = os._exit
"""As it was before any candidate could put something else in its place."""


def main() -> None:
    """Take the files whose numbers are our arguments, and serve.

    They are the candidate's channel, the control socket, an artifact for toolchains, and the
    entrances of the account; the names of modules to load come after them.
    """
    fds = [int(word) for word in sys.argv[1:] if word.isdecimal()]
    modules = [word for word in sys.argv[1:] if not word.isdecimal()]
    kept, entrances = parted(fds, modules)
    control = kept[1]
    del sys.argv[1:]
    sys.path.insert(0, "/py/guest")
    from executor.guest import confine, files, packages

    confine.bound()
    # Without the `site` module a program lacks `exit` and `quit`.
    site.setquit()
    # Before the account: what packages and the copy of the input take is not the candidate's.
    for _ in packages.loaded(modules):
        pass
    outputs = files.name_files()
    enter(entrances)
    files.greet(control, outputs)
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64 - 8) for fd in kept]
    for wanted, fd in enumerate(high, CHANNEL_FD):
        os.dup2(fd, wanted)
    os.closerange(CHANNEL_FD + len(kept), 64)
    serve(len(kept))


def parted(fds: list[int], modules: Sequence[str]) -> tuple[list[int], list[int]]:
    """Part the open files of a jail: what it keeps, as `CHANNEL_FD` and on, and the entrances."""
    kept = 3 if OF_TOOLCHAINS in modules else 2
    return fds[:kept], fds[kept:]


def enter(entrances: Sequence[int]) -> None:
    """Move this process into its account; all it starts is then in there too.

    Raises:
        OSError: the kernel refused.
    """
    for fd in entrances:
        os.write(fd, b"0")


def serve(kept: int) -> None:
    """Wait for the order to start, run the child, report its end; never return.

    So many open files are this process's, of which only the control socket stays with it.
    """
    from executor.guest import channel

    # As process 1 it gets no signal it has no handler for; Python's own SIGINT handler is one.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    control = channel.Channel(CONTROL_FD)
    try:
        start = control.receive()
    except channel.Closed:
        os._exit(0)
    wake_read, wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
    signal.set_wakeup_fd(wake_write)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = os.fork()
    if child == 0:
        signal.set_wakeup_fd(-1)
        for fd in (CONTROL_FD, wake_read, wake_write):
            os.close(fd)
        run_child(start)
    for fd in range(CHANNEL_FD, CHANNEL_FD + kept):
        if fd != CONTROL_FD:
            os.close(fd)
    wait(child, wake_read, control)
    os._exit(0)


def wait(child: int, wake_fd: int, control: object) -> None:
    """Reap everything; return when the child has ended or the supervisor is gone."""
    poll = select.poll()
    poll.register(wake_fd, select.POLLIN)
    poll.register(CONTROL_FD, select.POLLIN)
    while True:
        for fd, _ in poll.poll():
            if fd == CONTROL_FD:
                return  # Nothing is ever sent here after the start: this is the end of file.
            os.read(wake_fd, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                pid = 0
            if pid == 0:
                break
            if pid == child:
                control.send({"status": status})  # type: ignore[attr-defined] # imported in main
                return


def run_child(start: dict[str, object]) -> NoReturn:
    """Become the candidate or the tests; never return."""
    code = 70
    try:
        settle()
        match start["role"]:
            case "functions":
                from executor.guest.calls import serve as answer_calls

                answer_calls(CHANNEL_FD, start)
            case "program":
                from executor.guest.programs.python import run

                code = run(CHANNEL_FD, start)
            case "notebook":
                from executor.guest.programs import notebook

                code = notebook.run(CHANNEL_FD, start)
            case "compile":
                from executor.guest.programs import native

                native.compile_source(CHANNEL_FD, ARTIFACT_FD, start)
            case "become":
                from executor.guest.programs import native

                native.become(CHANNEL_FD, ARTIFACT_FD, start)
            case "guards" | "examining" | "mutants" | "readying":
                look_at_suite(start)
            case "reading":
                from executor.guest.reading.outline import tell

                tell(CHANNEL_FD, start)
            case role if role in OF_TESTS:
                run_tests(start)
        code = code if start["role"] in OF_PROGRAMS else 0
    finally:
        _exit(code)


def settle() -> None:
    """Have signals as every program finds them."""
    # Not by `signal`, which goes through enumerations for each.
    for number in (signal.SIGINT, signal.SIGCHLD):
        _signal.signal(number, _signal.SIG_DFL)
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        _signal.signal(number, _signal.SIG_IGN)


def run_tests(start: dict[str, object]) -> None:
    """Run tests, by pytest if they need it."""
    steps = tests(start)
    with contextlib.suppress(StopIteration):
        asked = next(steps)
        from executor.guest.shared import session

        steps.send(session.run(asked))


def tests(start: dict[str, object]) -> "Steps":
    """Return the steps in which tests are run, as `executor.guest.shared.session` has them."""
    match start["role"]:
        case "suite":
            from executor.guest.shared import suite

            return suite.run(CHANNEL_FD, start)
        case "watched":
            from executor.guest.shared import watched

            return watched.run(CHANNEL_FD, start)
        case _:
            from executor.guest.isolated.serving import run

            return run(CHANNEL_FD, start)


def look_at_suite(start: dict[str, object]) -> None:
    """Do what is done with a suite in a jail before any candidate is there."""
    match start["role"]:
        case "guards":
            from executor.guest.guards import deriving

            deriving.tell(CHANNEL_FD, start)
        case "examining":
            from executor.guest.reading import examining
            from executor.guest.shared.refusing import refused

            examining.tell(CHANNEL_FD, start, refused)
        case "mutants":
            from executor.guest.mutants import programs

            programs.tell(CHANNEL_FD, start)
        case "readying":
            from executor.guest.shared import readying

            readying.tell(CHANNEL_FD, start)


if __name__ == "__main__":
    main()
