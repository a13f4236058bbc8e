"""Folders of cgroups that are held by a lock, and the sweep of those that nobody holds any more.

A lock of a cgroup's folder is seen through every mount and from every PID, mount, user and cgroup
namespace, and the kernel takes it back from a process that has died. A process id tells neither.
"""

import contextlib
import fcntl
import os
import secrets
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from infra import errors

PREFIX = "rrtf-held-"
"""Begins the name of every such folder."""
_TRIES = 100
"""Names to try; one is lost where a sweep looks at a folder before its maker has locked it."""
_REMOVAL_SECONDS = 5.0

_locks: "set[_Lock]" = set()
_guard = threading.RLock()
"""Held while a folder is opened and put among `_locks`, and while this process forks."""


class _Lock:
    """A locked folder. A forked child shares the open file, and with it the lock: it closes it."""

    def __init__(self, path: Path) -> None:
        """Lock a folder.

        Raises:
            BlockingIOError: another process holds it.
            FileNotFoundError: it is not there, or was removed before it could be locked.
        """
        with _guard:
            self._fd: int | None = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            _locks.add(self)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not os.path.samestat(os.fstat(self._fd), os.stat(path)):
                raise FileNotFoundError(f"{path} is another folder now")
        except BaseException:
            self.close()
            raise

    def __bool__(self) -> bool:
        return self._fd is not None

    def close(self) -> None:
        """Unlock it; it may have been unlocked before."""
        with _guard:
            _locks.discard(self)
            if self._fd is not None:
                os.close(self._fd)
                self._fd = None


def _in_child() -> None:
    try:
        for lock in list(_locks):
            lock.close()
    finally:
        _guard.release()


os.register_at_fork(before=_guard.acquire, after_in_parent=_guard.release, after_in_child=_in_child)


class HeldGroup:
    """A folder that this process makes and holds; no other sweeps it while this one lives."""

    def __init__(self, parent: Path) -> None:
        """Make it in `parent`.

        Raises:
            OSError: no folder can be made or locked there.
        """
        for _ in range(_TRIES):
            # Process ids are for people only: two namespaces may have the same. Nobody but its
            # owner may open the folder, for whoever may open it may lock it.
            self.path = parent / f"{PREFIX}{os.getpid()}-{secrets.token_hex(8)}"
            self.path.mkdir(0o700)
            with contextlib.suppress(BlockingIOError, FileNotFoundError):
                self._lock = _Lock(self.path)
                return
        raise OSError(f"another process locks whatever is made in {parent}")

    def close(self) -> None:
        """Remove the folder, and let go of it; a forked child of its owner does neither.

        Raises:
            errors.SandboxError: a process in it does not end.
        """
        if self._lock:
            remove(self.path)
            self._lock.close()


def _unheld(parent: Path) -> Iterator[Path]:
    """Yield the groups in a folder that nobody holds; each is held by us until the next."""
    for path in parent.glob(f"{PREFIX}*"):
        try:
            lock = _Lock(path)
        except (BlockingIOError, FileNotFoundError, PermissionError):
            continue  # Another's, who lives; or another sweep's; or another user's.
        try:
            yield path
        finally:
            lock.close()


def abandoned(parent: Path) -> list[Path]:
    """Find what killed executors have left in a folder, as far as this user may look into it."""
    return list(_unheld(parent))


def sweep(parent: Path) -> None:
    """Remove groups that killed executors have left, and kill what is in them."""
    for path in _unheld(parent):
        _empty(path)


def _empty(path: Path) -> None:
    for leaf in [*path.glob("*/"), path]:
        # What cannot be removed yet is left to the next sweep.
        with contextlib.suppress(OSError, errors.SandboxError):
            kill_all(leaf)
            remove(leaf)


def kill_all(path: Path) -> None:
    """Kill every process of a group, at one stroke where the kernel can (version 2, 5.14)."""
    try:
        write(path / "cgroup.kill", "1")
    except FileNotFoundError:
        for pid in pids(path):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def remove(path: Path) -> None:
    """Remove a group, and kill what comes up in it meanwhile.

    Raises:
        errors.SandboxError: a process in it does not end.
    """
    deadline = time.monotonic() + _REMOVAL_SECONDS
    while True:
        try:
            path.rmdir()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            # EBUSY while a killed process has not been reaped yet.
            if time.monotonic() > deadline:
                raise errors.SandboxError(f"cannot remove {path}: {error}") from error
            kill_all(path)
            time.sleep(0.002)


def pids(path: Path | str) -> list[int]:
    """Ids of the processes of a group that this process can see."""
    # Version 2 lists those of other namespaces as 0, which for kill(2) is our own process group.
    return [pid for pid in numbers_in(f"{path}/cgroup.procs") if pid]


def numbers_in(path: str) -> list[int]:
    """Read a file of numbers, at once: `Path.read_text` takes three times as long."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        words = b""
        while more := os.read(fd, 1 << 16):
            words += more
    finally:
        os.close(fd)
    return [int(word) for word in words.split()]


def write(path: Path, text: str) -> None:
    """Write a value with one call: the kernel takes it as a whole or refuses it."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
