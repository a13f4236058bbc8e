"""Limits and counters over all processes of a jail: cgroup version 1, version 2, or polling.

Every jail gets a fresh account, so that its counters begin at zero and belong to it alone.
"""

import contextlib
import os
import signal
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from executor.sandbox.cgroups import Cgroup1, Cgroup2
from infra import errors
from infra.contracts.problems import Limits
from infra.observability import logs

log = logs.get(__name__)

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Account(Protocol):
    """The counters and limits of one jail."""

    @property
    def entrances(self) -> Sequence[int]:
        """Open files; a process that writes `0` into each is in the account."""

    def watch(self, pid: int, reaper: int) -> None:
        """Take notice of the first process of the jail, before a candidate's byte is in there.

        Args:
            pid: Its process id.
            reaper: File descriptor of process 1 of its namespace, which may be the same.

        Raises:
            errors.SandboxError: it has not come in.
        """

    def tasks(self) -> list[int]:
        """Ids of all threads that there are now."""

    def cpu_seconds(self) -> float:
        """CPU time used by all processes so far."""

    def memory_bytes(self) -> int:
        """Highest memory use so far."""

    def out_of_memory(self) -> bool:
        """Whether the memory limit has killed something."""

    def is_empty(self) -> bool:
        """Whether no process is left."""

    def kill(self) -> None:
        """Kill what is left."""

    def close(self) -> None:
        """Remove the account."""


class Accountant(Protocol):
    """Opens accounts."""

    kind: str

    def open(self, name: str, limits: Limits) -> Account:
        """Open an account with the memory and process limits of one candidate."""

    def close(self) -> None:
        """Remove what the accountant made."""


def choose(cgroup: Path | None, required: bool) -> Accountant:
    """Find the strictest accounting this machine offers.

    Raises:
        errors.SandboxUnsupported: cgroups are required and cannot be used.
    """
    reasons = []
    for make in (lambda: Cgroup2(cgroup), Cgroup1):
        try:
            return make()
        except OSError as error:
            reasons.append(str(error))
    if required or os.geteuid() == 0:
        raise errors.SandboxUnsupported(
            "no cgroup can be used (" + "; ".join(reasons) + "): run with write access to"
            " /sys/fs/cgroup, delegate a cgroup and name it in RRTF_EXECUTOR_CGROUP, or run as an"
            " ordinary user to account by polling"
        )
    log.warning("sandbox.accounting_by_polling", reasons=reasons)
    return Polling()


class Polling:
    """No cgroup: read the processes of the jail from /proc, and rely on rlimits in between."""

    kind = "polling"

    def open(self, name: str, limits: Limits) -> "PollingAccount":
        """Open an account; the name is of no use here."""
        del name
        return PollingAccount(limits)

    def close(self) -> None:
        """Nothing to remove."""


def _proportional_bytes(pid: int) -> int:
    """Resident memory of a process, pages shared by n processes counted as one n-th (proc(5))."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        pass  # It has ended meanwhile.
    return 0


def _unnamed_files(pid: int) -> dict[int, int]:
    """Bytes of the files without names that a process has open, by their numbers.

    They are memory that nobody need have mapped (memfd_create(2)).
    """
    found = {}
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # It has ended meanwhile.
        for name in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(FileNotFoundError):  # It has been closed meanwhile.
                file = os.stat(f"/proc/{pid}/fd/{name}")
                if stat.S_ISREG(file.st_mode) and file.st_nlink == 0:
                    found[file.st_ino] = file.st_blocks * 512
    return found


def _children(pid: int) -> list[int]:
    found = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += Path(f"/proc/{pid}/task/{task}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        pass  # It has ended meanwhile.
    return [int(word) for word in found]


def _pid_of(pidfd: int) -> int:
    for line in Path(f"/proc/self/fdinfo/{pidfd}").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pid":
            return int(value)
    raise errors.SandboxError("the kernel does not say whose file descriptor this is")


class PollingAccount:
    """The process tree under process 1 of a jail, as /proc shows it."""

    entrances: Sequence[int] = ()
    """There is nothing to enter."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.memory_bytes
        self._pid = self._reaper = 0
        self._cpu = 0.0
        self._own: dict[tuple[int, str], int] = {}
        """Ticks that each process was seen to have used, by its number and its start."""
        self._peak = 0
        self._killed = False

    def watch(self, pid: int, reaper: int) -> None:
        """Watch this process, its namespace's process 1, and all under them."""
        self._pid = pid
        self._reaper = _pid_of(reaper)

    def _tree(self) -> list[int]:
        # The reaper of a cell shares the cell's memory; only what was left to it counts.
        pending = [self._pid, *_children(self._reaper)] if self._pid else []
        found: dict[int, None] = {}
        while pending:
            pid = pending.pop()
            if pid not in found:
                found[pid] = None
                pending += _children(pid)
        return list(found)

    def _look(self) -> None:
        ticks, memory = 0, 0
        files: dict[int, int] = {}
        pids = self._tree()
        for pid in pids:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # utime, stime and those of reaped children, start, resident pages (proc(5), fields
            # 14-17, 22, 24).
            user, system, *reaped = (int(field) for field in fields[11:15])
            self._own[pid, fields[19]] = user + system
            ticks += user + system + sum(reaped)
            memory += int(fields[21]) * _PAGE
            files |= _unnamed_files(pid)
        if memory > self._limit:
            # Pages that forked processes share were counted for each of them; count them once.
            memory = sum(_proportional_bytes(pid) for pid in pids)
        # Some may be mapped, and then have been counted.
        memory = max(memory, sum(files.values()))
        # One sum lacks what nobody waited for, the other what nobody saw.
        self._cpu = max(self._cpu, ticks / _TICKS, sum(self._own.values()) / _TICKS)
        self._peak = max(self._peak, memory)
        if memory > self._limit:
            self._killed = True
            self.kill()

    def tasks(self) -> list[int]:
        """Ids of all threads that there are now."""
        found: list[int] = []
        for pid in self._tree():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, os.listdir(f"/proc/{pid}/task"))
        return found

    def cpu_seconds(self) -> float:
        """CPU time used so far, to a hundredth of a second."""
        self._look()
        return self._cpu

    def memory_bytes(self) -> int:
        """Highest sum of resident memory seen."""
        return self._peak

    def out_of_memory(self) -> bool:
        """Whether the sum was seen above the limit, and the jail killed for it."""
        return self._killed

    def is_empty(self) -> bool:
        """Whether process 1, and with it the namespace, is gone."""
        try:
            fields = Path(f"/proc/{self._reaper}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return True
        # The first process of a namespace becomes a zombie only once all others are dead; how soon
        # the zombie is reaped is the business of the machine's own first process.
        return fields[0] in ("Z", "X")

    def kill(self) -> None:
        """Kill process 1; the kernel kills the rest of its namespace."""
        if self._reaper:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._reaper, signal.SIGKILL)

    def close(self) -> None:
        """Nothing to remove."""
