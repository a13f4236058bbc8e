"""Cgroups, both versions: the kernel's own limits and counters over all processes of a jail."""

import contextlib
import itertools
import os
import signal
import time
from pathlib import Path

from infra import errors
from infra.contracts.problems import Limits

_ROOT = Path("/sys/fs/cgroup")


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
