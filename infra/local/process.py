"""Child processes that do not outlive us, even when we are killed."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:  # The shim runs without the project on its path.
    from infra.local.home import Identity

_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    identity: "Identity | None" = None,
    log: IO[bytes] | int | None = None,
    death_signal: int = signal.SIGTERM,
    cwd: Path | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a program in a process group of its own.

    It goes through this module as a shim that asks the kernel for a signal when we die (a change
    of user clears that wish, so it comes last) and then becomes the program.
    """
    words = [sys.executable, "-I", "-S", __file__, str(os.getpid()), str(int(death_signal))]
    user = [str(identity.uid), str(identity.gid)] if identity and identity.is_root else ["-", "-"]
    return subprocess.Popen(
        [*words, *user, *command],
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT if log == subprocess.PIPE else log,
        start_new_session=True,
        cwd=cwd,
    )


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


def _shim(arguments: list[str]) -> None:
    parent, number, uid, gid, *command = arguments
    if uid != "-":
        os.setgroups([])
        os.setresgid(int(gid), int(gid), int(gid))
        os.setresuid(int(uid), int(uid), int(uid))
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit(0)  # The parent died before the wish was made.
    os.execv(command[0], command)  # noqa: S606 - becoming the program is the point


if __name__ == "__main__":
    _shim(sys.argv[1:])
