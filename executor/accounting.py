"""Limits and counters over all processes of a jail: cgroup version 1, version 2, or polling.

Every jail gets a fresh account, so that its counters begin at zero and belong to it alone.
"""

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path
from typing import Protocol

from infra import errors, logs
from infra.contracts.problems import Limits

log = logs.get(__name__)

_ROOT = Path("/sys/fs/cgroup")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Account(Protocol):
    """The counters and limits of one jail."""

    def attach(self, pid: int) -> None:
        """Put a process, and all it will start, into the account."""

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


def _write(path: Path, text: str) -> None:
    # One write call: the kernel takes a value as a whole or refuses it.
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


_numbers = itertools.count()


def _group_name() -> str:
    # One for each accountant; the process id tells whether its owner still lives.
    return f"rrtf-{os.getpid()}-{next(_numbers)}"


def _pids(path: Path) -> list[int]:
    return [int(word) for word in (path / "cgroup.procs").read_text().split()]


def _kill_all(path: Path) -> None:
    for pid in _pids(path):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _remove(path: Path) -> None:
    deadline = time.monotonic() + 5
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
            _kill_all(path)
            time.sleep(0.002)


def _sweep(parent: Path) -> None:
    """Remove groups that a killed executor left."""
    for path in parent.glob("rrtf-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            for leaf in [*path.glob("*/"), path]:
                with contextlib.suppress(OSError, errors.SandboxError):
                    _kill_all(leaf)
                    _remove(leaf)


class Cgroup1:
    """Version 1: one directory in each of three hierarchies."""

    kind = "cgroup1"

    def __init__(self) -> None:
        self._parents: dict[str, Path] = {}
        for controller in ("memory", "pids", "cpuacct"):
            parent = self._own(controller)
            _sweep(parent)
            path = parent / _group_name()
            path.mkdir(exist_ok=True)
            self._parents[controller] = path

    @staticmethod
    def _own(controller: str) -> Path:
        mount = _ROOT / controller
        if not (mount / "cgroup.procs").exists():
            raise OSError(f"no version 1 controller at {mount}")
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, names, own = line.split(":", 2)
            if controller in names.split(",") and (mount / own.lstrip("/")).is_dir():
                path = mount / own.lstrip("/")
                # A forked worker sits where its parent sits; do not nest ever deeper.
                return path.parent if path.name.startswith("rrtf-") else path
        return mount

    def open(self, name: str, limits: Limits) -> "Cgroup1Account":
        """Make one directory in each hierarchy and set the limits."""
        paths = {key: parent / name for key, parent in self._parents.items()}
        for path in paths.values():
            path.mkdir(exist_ok=True)
        memory = paths["memory"]
        _write(memory / "memory.limit_in_bytes", str(limits.memory_bytes))
        # Without this a jail at its limit would go on in the swap; absent if swap is not counted.
        with contextlib.suppress(FileNotFoundError):
            _write(memory / "memory.memsw.limit_in_bytes", str(limits.memory_bytes))
        _write(paths["pids"] / "pids.max", str(limits.processes + 1))
        return Cgroup1Account(paths)

    def close(self) -> None:
        """Remove this process's own directories."""
        for path in self._parents.values():
            _remove(path)


class Cgroup1Account:
    """The directories of one jail in the version 1 hierarchies."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths

    def attach(self, pid: int) -> None:
        """Put a process, and all it will start, into the account."""
        for path in self._paths.values():
            _write(path / "cgroup.procs", str(pid))

    def cpu_seconds(self) -> float:
        """CPU time used by all processes so far."""
        return int((self._paths["cpuacct"] / "cpuacct.usage").read_text()) / 1e9

    def memory_bytes(self) -> int:
        """Highest memory use so far."""
        return int((self._paths["memory"] / "memory.max_usage_in_bytes").read_text())

    def out_of_memory(self) -> bool:
        """Whether the memory limit has killed something."""
        text = (self._paths["memory"] / "memory.oom_control").read_text()
        return any(
            key == "oom_kill" and int(count) > 0
            for key, count in (line.split() for line in text.splitlines())
        )

    def is_empty(self) -> bool:
        """Whether no process is left."""
        return not _pids(self._paths["pids"])

    def kill(self) -> None:
        """Kill what is left."""
        _kill_all(self._paths["pids"])

    def close(self) -> None:
        """Remove the directories."""
        for path in self._paths.values():
            _remove(path)


class Cgroup2:
    """Version 2: one directory in the unified hierarchy."""

    kind = "cgroup2"

    def __init__(self, named: Path | None) -> None:
        parent = named or self._find()
        wanted = {"memory", "pids"}
        if not wanted <= set((parent / "cgroup.controllers").read_text().split()):
            raise OSError(f"{parent} offers no memory and pids controllers")
        _write(parent / "cgroup.subtree_control", "+memory +pids")
        _sweep(parent)
        self._parent = parent / _group_name()
        self._parent.mkdir(exist_ok=True)
        _write(self._parent / "cgroup.subtree_control", "+memory +pids")

    @staticmethod
    def _find() -> Path:
        if not (_ROOT / "cgroup.controllers").exists():
            raise OSError("no version 2 hierarchy at /sys/fs/cgroup")
        own = next(
            line[3:]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        )
        path = _ROOT / own.lstrip("/")
        if not path.is_dir():
            path = _ROOT
        # Only the machine's own root group has no type; that of a namespace is a group like others.
        if path == _ROOT and not (_ROOT / "cgroup.type").exists():
            return _ROOT
        # A group with processes cannot have limited children: step aside into a leaf, as every
        # process of a container's root group must.
        leaf = path.parent if path.name == "rrtf-supervisors" else path
        supervisors = leaf / "rrtf-supervisors"
        supervisors.mkdir(exist_ok=True)
        for pid in _pids(leaf):
            with contextlib.suppress(ProcessLookupError):
                _write(supervisors / "cgroup.procs", str(pid))
        return leaf

    def open(self, name: str, limits: Limits) -> "Cgroup2Account":
        """Make the directory and set the limits."""
        path = self._parent / name
        path.mkdir(exist_ok=True)
        _write(path / "memory.max", str(limits.memory_bytes))
        with contextlib.suppress(FileNotFoundError):
            _write(path / "memory.swap.max", "0")
        _write(path / "pids.max", str(limits.processes + 1))
        return Cgroup2Account(path)

    def close(self) -> None:
        """Remove this process's own directory."""
        _remove(self._parent)


class Cgroup2Account:
    """The directory of one jail in the version 2 hierarchy."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def attach(self, pid: int) -> None:
        """Put a process, and all it will start, into the account."""
        _write(self._path / "cgroup.procs", str(pid))

    def _field(self, file: str, name: str) -> int:
        for line in (self._path / file).read_text().splitlines():
            key, value = line.split()
            if key == name:
                return int(value)
        return 0

    def cpu_seconds(self) -> float:
        """CPU time used by all processes so far."""
        return self._field("cpu.stat", "usage_usec") / 1e6

    def memory_bytes(self) -> int:
        """Highest memory use so far; the present one on kernels before 5.19."""
        peak = self._path / "memory.peak"
        path = peak if peak.exists() else self._path / "memory.current"
        return int(path.read_text())

    def out_of_memory(self) -> bool:
        """Whether the memory limit has killed something."""
        return self._field("memory.events", "oom_kill") > 0

    def is_empty(self) -> bool:
        """Whether no process is left."""
        return not _pids(self._path)

    def kill(self) -> None:
        """Kill what is left, at one stroke where the kernel can (5.14)."""
        try:
            _write(self._path / "cgroup.kill", "1")
        except FileNotFoundError:
            _kill_all(self._path)

    def close(self) -> None:
        """Remove the directory."""
        _remove(self._path)


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


class PollingAccount:
    """The process tree under process 1 of a jail, as /proc shows it."""

    def __init__(self, limits: Limits) -> None:
        self._limit = limits.memory_bytes
        self._pid = 0
        self._cpu = 0.0
        self._peak = 0
        self._killed = False

    def attach(self, pid: int) -> None:
        """Watch this process and all under it."""
        self._pid = pid

    def _tree(self) -> list[int]:
        found, pending = [], [self._pid] if self._pid else []
        while pending:
            pid = pending.pop()
            try:
                for task in os.listdir(f"/proc/{pid}/task"):
                    children = Path(f"/proc/{pid}/task/{task}/children").read_text()
                    pending.extend(int(word) for word in children.split())
            except (FileNotFoundError, ProcessLookupError):
                continue
            found.append(pid)
        return found

    def _look(self) -> None:
        cpu, memory = 0.0, 0
        pids = self._tree()
        for pid in pids:
            try:
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            # utime, stime and those of reaped children; resident pages (proc(5), fields 14-17, 24).
            cpu += sum(int(field) for field in fields[11:15]) / _TICKS
            memory += int(fields[21]) * _PAGE
        if memory > self._limit:
            # Pages that forked processes share were counted for each of them; count them once.
            memory = sum(_proportional_bytes(pid) for pid in pids)
        self._cpu = max(self._cpu, cpu)
        self._peak = max(self._peak, memory)
        if memory > self._limit:
            self._killed = True
            self.kill()

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
            fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return True
        # The first process of a namespace becomes a zombie only once all others are dead; how soon
        # the zombie is reaped is the business of the machine's own first process.
        return fields[0] in ("Z", "X")

    def kill(self) -> None:
        """Kill process 1; the kernel kills the rest of its namespace."""
        if self._pid:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self._pid, signal.SIGKILL)

    def close(self) -> None:
        """Nothing to remove."""
