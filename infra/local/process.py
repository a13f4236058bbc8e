"""Child processes that do not outlive us, even when we are killed."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from infra import lifetime
from infra.local.home import Identity


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    identity: Identity | None = None,
    log: IO[bytes] | int | None = None,
    death_signal: int = signal.SIGKILL,
    pass_fds: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start a program in a session of its own, where Ctrl-C does not reach it.

    The kernel sends it `death_signal` when the calling thread ends, so that thread must live as
    long as the program shall. What the program starts itself must be bound to it likewise.
    """
    words = [sys.executable, "-I", "-S", lifetime.__file__, str(os.getpid()), str(death_signal)]
    user = [str(identity.uid), str(identity.gid)] if identity and identity.is_root else ["-", "-"]
    return subprocess.Popen(
        [*words, *user, *command],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log == subprocess.PIPE else log,
        start_new_session=True,
        pass_fds=pass_fds,
    )


def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    identity: Identity | None = None,
    log: IO[bytes] | int | None = None,
    pass_fds: Sequence[int] = (),
) -> tuple[int, bytes]:
    """Run a program to its end; return its status, and what it wrote if `log` is a pipe.

    Whatever interrupts us kills it and its children.
    """
    process = spawn(command, env=env, identity=identity, log=log, pass_fds=pass_fds)
    try:
        told, _ = process.communicate()
    except BaseException:
        signal_group(process, signal.SIGKILL)
        process.wait()
        raise
    return process.returncode, told or b""


def signal_group(process: "subprocess.Popen[bytes]", number: int) -> None:
    """Send a signal to a process that was spawned here and to what it started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def end(process: "subprocess.Popen[bytes] | None", number: int, seconds: float = 20) -> None:
    """Ask a process to stop, wait, and kill it if it does not."""
    if process is None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(number)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def end_stale(pid_file: Path, word: str, number: int, seconds: float = 20) -> int | None:
    """Stop a server that a killed owner left behind; it may still be on its way out.

    The number in the file may be another process's by now, so the process must also have `word` on
    its command line: a path that only this server is started with. Returns the number if the
    server is surely gone, None if there is no number or the server is still there.
    """
    try:
        pid = int(pid_file.read_text().split()[0])
    except (FileNotFoundError, ValueError, IndexError):
        return None
    if _was_started_with(pid, word):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    deadline = time.monotonic() + seconds
    while _was_started_with(pid, word):
        if time.monotonic() > deadline:
            return None
        time.sleep(0.05)
    return pid


def _was_started_with(pid: int, word: str) -> bool:
    # The command line of a process that ended and was not yet waited for is empty.
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(word) in words
