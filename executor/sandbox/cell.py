"""Cells: a long-lived nsjail with a warm interpreter in it, which forks a jail in a millisecond.

Each jail has its own PID, mount, IPC and user namespace, its own user id, temporary file system,
limits, seccomp filter and account; with the next it shares a read-only file system and a network
namespace that has no interface.
"""

import contextlib
import itertools
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from executor.guest.boot import OF_TOOLCHAINS
from executor.images.image import Image
from executor.sandbox.accounting import Accountant
from executor.sandbox.jail import Jail, kill
from executor.sandbox.plumbing import Plumbing, hear
from executor.sandbox.policy import (
    Mounts,
    base_command,
    brought,
    confinement,
    open_files,
    python_command,
)
from executor.sandbox.seccomp import CELL_POLICY
from infra import errors, health
from infra.contracts.problems import Limits
from infra.observability import logs, metrics

log = logs.get(__name__)

JAILS_PER_CELL: Final = 1000
"""After so many jails a cell is built anew, so that nothing can pile up in it."""
MOST_CELLS: Final = 4
"""Cells that one slot keeps, each with other packages loaded; a large image takes much memory."""
MOST_TOOLCHAIN_CELLS: Final = 8
"""Cells that one slot keeps for other languages than Python, which take little."""
USERS_PER_CELL: Final = 1024
"""Host user ids that one cell takes; each jail of a cell runs as another."""
_START_SECONDS: Final = 30.0
_END_SECONDS: Final = 10.0
_numbers = itertools.count()
"""Of accounts: several cells have the same accountant, and jails at the same time."""


class CellSandbox:
    """Starts jails in one cell after another, each cell when the one before is worn or broken."""

    mode = "cell"

    def __init__(
        self, nsjail: Path, image: Image, accountant: Accountant, outside_uid: int | None
    ) -> None:
        """Prepare; the first jail builds the first cell.

        Args:
            nsjail: The program.
            image: What is to be seen inside.
            accountant: Opens the accounts of the jails.
            outside_uid: First of `USERS_PER_CELL` host user ids; None to have only our own.
        """
        self._nsjail = nsjail
        self._image = image
        self._accountant = accountant
        self._outside_uid = outside_uid
        self._mounts: Mounts | None = None
        self._cell: _Cell | None = None
        self._family = _Family(MOST_CELLS)
        self._family.members[self._key] = self
        self._toolchains = _Family(MOST_TOOLCHAIN_CELLS)
        self._count = 0
        self._rebuilt = "first"
        """Why the next cell is built."""

    @contextlib.contextmanager
    def jail(
        self,
        start: dict[str, Any],
        limits: Limits,
        stdin: str | None = None,
        artifact: int | None = None,
    ) -> Iterator[Jail]:
        """Run a guest in a jail forked from the cell; nothing of it is left when the block ends.

        Raises:
            errors.SandboxError: the jail did not start, or could not be emptied.
        """
        self._count += 1
        began = time.monotonic()
        with health.watched_slot(), contextlib.ExitStack() as stack:
            cell = self._fresh_cell()
            stack.enter_context(self._ended_if_broken(cell))
            account = self._accountant.open(f"jail-{next(_numbers)}", limits)
            stack.callback(account.close)
            with Plumbing(stdin, artifact) as plumbing:
                files, more = brought(start, plumbing.input_bytes), open_files(start)
                confined = confinement(limits, files, self._image.packages, self._mounts, more)
                cell.order(confined, plumbing, account.entrances)
                ends = plumbing.ends()
            stack.enter_context(cell.used())
            jail = Jail(ends, account, limits, start, cell.complaint)
            stack.callback(jail.destroy)
            metrics.JAIL_SECONDS.observe(time.monotonic() - began)
            yield jail

    @contextlib.contextmanager
    def _ended_if_broken(self, cell: "_Cell") -> Iterator[None]:
        try:
            yield
        except errors.SandboxError:
            # Whatever failed, nobody knows what is left in there.
            cell.close()
            if cell is self._cell:
                self._cell = None
                self._rebuilt = "broken"
            raise

    def with_packages(
        self, image: str, own: tuple[str, ...] = (), loads_own: bool = True
    ) -> "CellSandbox":
        """Return the sandbox whose Python has an image's packages, loaded before any candidate.

        `own` are distributions of the running environment that it has too; they are loaded as well
        unless it is said that they are not.

        Raises:
            errors.ImageMissing: the image has not been built here.
            errors.SandboxError: a distribution is not installed.
        """
        found = self._image.with_packages(image, own, loads_own)
        return self._other(self._family, found, self._mounts)

    def with_mounts(self, mounts: Mounts) -> "CellSandbox":
        """Return the sandbox for another language than Python, whose toolchain is shown."""
        return self._other(self._toolchains, self._image, mounts)

    def _other(self, family: "_Family", image: Image, mounts: Mounts | None) -> "CellSandbox":
        key = image.key, mounts
        if key not in family.members:
            other = CellSandbox(self._nsjail, image, self._accountant, self._outside_uid)
            other._family, other._toolchains = self._family, self._toolchains
            other._mounts = mounts
            family.members[key] = other
        return family.members[key]

    @property
    def _key(self) -> "_Key":
        return self._image.key, self._mounts

    @property
    def home(self) -> Path:
        """The folder in which this machine's executors keep what is made once."""
        return self._image.images.folder

    def close(self) -> None:
        """End the cells of all packages and toolchains, and with them all that is in them."""
        for family in (self._family, self._toolchains):
            for sandbox in family.members.values():
                if sandbox._cell is not None:
                    sandbox._cell.close()
                    sandbox._cell = None

    def _fresh_cell(self) -> "_Cell":
        family = self._family if self._mounts is None else self._toolchains
        if self._cell is not None and self._cell.is_worn():
            # A jail that still runs in it, as that of the test code, takes it along at its end.
            self._cell.retire()
            self._cell = None
            self._rebuilt = "worn"
        if self._cell is None:
            family.make_room()
            self._cell = _Cell(self._nsjail, self._image, self._mounts, self._outside_uid)
            metrics.CELLS_BUILT.labels(self._rebuilt).inc()
        family.members[self._key] = family.members.pop(self._key)
        return self._cell

    @property
    def is_warm(self) -> bool:
        """Whether it has a cell."""
        return self._cell is not None

    def cool(self) -> None:
        """Retire its cell, for others to have room."""
        if self._cell is not None:
            self._cell.retire()
            self._cell = None
            self._rebuilt = "cold"


_Key = tuple[tuple[str, ...], Mounts | None]
"""What tells one cell from another: its image, and what is shown beside."""


class _Family:
    """The sandboxes of one slot whose cells make room for one another."""

    def __init__(self, most: int) -> None:
        """Keep so many cells."""
        self._most = most
        self.members: dict[_Key, CellSandbox] = {}
        """Least recently used first."""

    def make_room(self) -> None:
        """Retire the cells that were used longest ago, if there are too many for one more."""
        warm = [sandbox for sandbox in self.members.values() if sandbox.is_warm]
        for sandbox in warm[: max(0, len(warm) - self._most + 1)]:
            sandbox.cool()


class _Cell:
    """One nsjail with a zygote as its process 1."""

    def __init__(
        self, nsjail: Path, image: Image, mounts: Mounts | None, outside_uid: int | None
    ) -> None:
        self._users = 1 if outside_uid is None else USERS_PER_CELL
        self._jails = 0
        self._running = 0
        self._is_retired = False
        self._zygote: int | None = None
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Before anybody can write: the kernel adds the writer's process id only from here on.
        self._orders.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        # The shims write their user maps through it; they close it before a candidate is near.
        proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fds = (theirs.fileno(), proc)
            self._process = subprocess.Popen(
                [
                    *base_command(nsjail, image, mounts),
                    *_user_words(outside_uid, self._users),
                    "-m", "none:/tmp:tmpfs:size=4096,mode=755",
                    "--keep_caps", "--seccomp_string", CELL_POLICY,
                    *(word for name in _UNLIMITED for word in (f"--rlimit_{name}", "hard")),
                    *python_command("zygote.py", fds, (OF_TOOLCHAINS,) if mounts else image.warm),
                ],
                # A pipe for output too, as in a jail: the zygote's standard streams remember what
                # they were opened on, and children inherit them.
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                env={}, pass_fds=fds,
            )  # fmt: skip
        finally:
            theirs.close()
            os.close(proc)
        self._orders.settimeout(_START_SECONDS)
        words, pid, _ = hear(self._orders)
        if words != b"hello":
            complaint = self.complaint()
            self.close()
            raise errors.SandboxError(f"the cell did not start: {complaint}")
        with contextlib.suppress(ProcessLookupError):  # Or it has died since: the first jail sees.
            self._zygote = os.pidfd_open(pid)
        self._watched = metrics.ZYGOTE_BYTES.labels("toolchains" if mounts else image.name)
        self._resident = _resident_bytes(pid)
        self._watched.inc(self._resident)

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Stay alive at least until the block ends."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            if self._is_retired:
                self.retire()

    def retire(self) -> None:
        """End it as soon as no jail runs in it."""
        self._is_retired = True
        if not self._running:
            self.close()

    def is_worn(self) -> bool:
        """Whether it has had its number of jails."""
        return self._jails >= JAILS_PER_CELL

    def order(self, confined: dict[str, Any], plumbing: Plumbing, entrances: Any) -> None:
        """Have a jail forked that holds the ends of this plumbing.

        Raises:
            errors.SandboxError: the cell is broken.
        """
        self._jails += 1
        # User 0 of the cell is the zygote's own, and with one user there is no other.
        uid = self._jails if self._users > 1 else 0
        message = uid.to_bytes(4, "big") + json.dumps(confined).encode()
        files = (*plumbing.standard, *plumbing.kept, *entrances)
        try:
            socket.send_fds(self._orders, [message], files)
        except OSError as error:
            raise errors.SandboxError(f"the cell is gone: {self.complaint()}") from error

    def complaint(self) -> str:
        """What the cell said last, if anything."""
        self._orders.settimeout(0)
        words = []
        with contextlib.suppress(OSError):
            words.append(self._orders.recv(512))
        if self._process.stdout is not None:
            os.set_blocking(self._process.stdout.fileno(), False)
            words.append(self._process.stdout.read(4096) or b"")
        self._orders.settimeout(_START_SECONDS)
        return b" ".join(words).decode(errors="replace").strip()[-600:] or "no message"

    def close(self) -> None:
        """Kill it, and everything with it; it may have been closed before."""
        self._orders.close()
        self._process.kill()
        if self._zygote is not None:
            # Process 1 of the cell is dead only when all that it has ever held is.
            if not kill(self._zygote, _END_SECONDS):
                log.error("cell.not_ended", pid=self._process.pid)
            os.close(self._zygote)
            self._zygote = None
            self._watched.dec(self._resident)
        self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()


_UNLIMITED: Final = ("as", "cpu", "fsize", "nofile", "nproc", "stack", "memlock", "msgqueue")
"""The shims set these for themselves, each jail its own."""


def _resident_bytes(pid: int) -> int:
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (FileNotFoundError, ProcessLookupError):
        return 0  # It has died since.


def _user_words(outside_uid: int | None, users: int) -> list[str]:
    uid = os.geteuid() if outside_uid is None else outside_uid
    gid = os.getegid() if outside_uid is None else outside_uid
    return ["--user", f"0:{uid}:{users}", "--group", f"0:{gid}:{users}"]
