"""Cgroups, both versions: the kernel's own limits and counters over all processes of a jail."""

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from executor.sandbox import groups
from infra import errors
from infra.contracts.problems import Limits

_ROOT = Path("/sys/fs/cgroup")
_CONTROLLERS = ("memory", "pids", "cpuacct")
"""Of version 1."""
_SUPERVISORS = "rrtf-supervisors"
_LEFT_OVER_BYTES = 2**20
"""What the kernel may still hold of an earlier jail in directories that are used again."""


def sweep(named: Path | None = None) -> None:
    """Remove what killed executors left of both versions, where this process is.

    Args:
        named: the group of version 2 that executors were told to use, if they were.
    """
    for controller in _CONTROLLERS:
        with contextlib.suppress(OSError):
            groups.sweep(Cgroup1.own(controller))
    with contextlib.suppress(OSError):
        groups.sweep(named or Cgroup2.own())


class Cgroup1:
    """Version 1: one directory in each of three hierarchies."""

    kind = "cgroup1"

    def __init__(self) -> None:
        self._held: dict[str, groups.HeldGroup] = {}
        # All are looked for before anything is made, for one may be missing.
        for controller, parent in {key: self.own(key) for key in _CONTROLLERS}.items():
            groups.sweep(parent)
            self._held[controller] = groups.HeldGroup(parent)
        self._idle: list[Cgroup1Account] = []

    @staticmethod
    def own(controller: str) -> Path:
        """Return the group in which executors that are started here make theirs.

        Raises:
            OSError: there is no such hierarchy.
        """
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
        """Take the directories of an earlier jail, or make new ones, and set the limits."""
        account = self._idle.pop() if self._idle else None
        if account is None:
            paths = {key: held.path / name for key, held in self._held.items()}
            account = Cgroup1Account(paths, self._idle)
        account.begin(limits)
        return account

    def close(self) -> None:
        """Remove this process's own directories."""
        while self._idle:
            self._idle.pop().remove()
        for held in self._held.values():
            held.close()


class _Files:
    """Files of a group, opened once: they are read with every message of a candidate."""

    def __init__(self, paths: Iterable[Path], flags: int) -> None:
        self.numbers = [os.open(path, flags | os.O_CLOEXEC) for path in paths]

    def number(self, index: int) -> int:
        """Read a file that is a number."""
        return int(os.pread(self.numbers[index], 64, 0))

    def field(self, index: int, name: bytes) -> int:
        """Find one number in a file of names and numbers; `name` is no other's end, and a blank."""
        rest = os.pread(self.numbers[index], 4096, 0).partition(name)[2]
        return int(rest.split(None, 1)[0]) if rest else 0

    def close(self) -> None:
        """Close all."""
        for number in self.numbers:
            os.close(number)


class _Counted:
    """What both versions tell in the same way: `_files` 1 to 3 are peak, events and processes."""

    _files: _Files

    def memory_bytes(self) -> int:
        """Highest memory use so far; the present one on kernels before 5.19 with version 2."""
        return self._files.number(1)

    def out_of_memory(self) -> bool:
        """Whether the memory limit has killed something."""
        return self._files.field(2, b"oom_kill ") > 0

    def is_empty(self) -> bool:
        """Whether no process is left."""
        # Not `cgroup.procs`: the kernel keeps that list for a second.
        return self._files.number(3) == 0


class Cgroup1Account(_Counted):
    """The directories of one jail in the version 1 hierarchies."""

    def __init__(self, paths: dict[str, Path], idle: "list[Cgroup1Account]") -> None:
        """Make the directories; when it is closed clean, the account goes to `idle`.

        Making and removing directories costs as much as all the rest, and the kernel keeps what it
        counted in removed ones for a long time.
        """
        for path in paths.values():
            path.mkdir(exist_ok=True)
        self._paths = paths
        self._own = str(paths["pids"])
        self._idle = idle
        self._limits: Limits | None = None
        # A process that writes into `tasks` moves itself alone, for which the kernel takes no lock
        # that waits for every processor; moving another by `cgroup.procs` takes milliseconds.
        self._tasks = _Files((path / "tasks" for path in paths.values()), os.O_WRONLY)
        counters = (
            paths["cpuacct"] / "cpuacct.usage",
            paths["memory"] / "memory.max_usage_in_bytes",
        )
        self._counters = _Files(counters, os.O_WRONLY)
        self._files = _Files(
            (
                *counters,
                paths["memory"] / "memory.oom_control",
                paths["pids"] / "pids.current",
                paths["memory"] / "memory.usage_in_bytes",
            ),
            os.O_RDONLY,
        )

    def begin(self, limits: Limits) -> None:
        """Set the limits, and begin to count from zero."""
        memory, pids = self._paths["memory"], self._paths["pids"]
        if self._limits != limits:
            names = ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"]
            # Swap is limited together with memory, and never may the sum be the smaller one.
            if self._limits is not None and limits.memory_bytes > self._limits.memory_bytes:
                names.reverse()
            for name in names:
                # The second is absent where the kernel does not count swap.
                with contextlib.suppress(FileNotFoundError):
                    groups.write(memory / name, str(limits.memory_bytes))
            groups.write(pids / "pids.max", str(limits.processes + 1))
            self._limits = limits
        for number in self._counters.numbers:
            os.pwrite(number, b"0", 0)

    @property
    def entrances(self) -> Sequence[int]:
        """Open files; a process that writes `0` into each is in the account."""
        return self._tasks.numbers

    def watch(self, pid: int, reaper: int) -> None:
        """Check that the first process of the jail has come in.

        Raises:
            errors.SandboxError: it has not.
        """
        del reaper  # A cgroup knows its processes.
        _require_inside(self._own, pid)

    def tasks(self) -> list[int]:
        """Ids of all threads that there are now."""
        # Opened anew: of a file that stays open the kernel keeps the list for a second.
        return groups.numbers_in(f"{self._own}/tasks")

    def cpu_seconds(self) -> float:
        """CPU time used by all processes so far."""
        return self._files.number(0) / 1e9

    def kill(self) -> None:
        """Kill what is left."""
        groups.kill_all(self._paths["pids"])

    def close(self) -> None:
        """Keep the directories for another jail, unless something of this one is left in them."""
        is_clean = (
            self.is_empty()
            and not self.out_of_memory()
            and self._files.number(4) <= _LEFT_OVER_BYTES
        )
        if is_clean:
            self._idle.append(self)
        else:
            self.remove()

    def remove(self) -> None:
        """Remove the directories."""
        for files in (self._tasks, self._counters, self._files):
            files.close()
        for path in self._paths.values():
            groups.remove(path)


def _require_inside(path: str, pid: int) -> None:
    if pid not in groups.pids(path):
        raise errors.SandboxError("the jail is not in its cgroup")


class Cgroup2:
    """Version 2: one directory in the unified hierarchy."""

    kind = "cgroup2"

    def __init__(self, named: Path | None) -> None:
        parent = named or self.own()
        wanted = {"memory", "pids"}
        if not wanted <= set((parent / "cgroup.controllers").read_text().split()):
            raise OSError(f"{parent} offers no memory and pids controllers")
        self._step_aside(parent)
        groups.write(parent / "cgroup.subtree_control", "+memory +pids")
        groups.sweep(parent)
        self._held = groups.HeldGroup(parent)
        groups.write(self._held.path / "cgroup.subtree_control", "+memory +pids")

    @staticmethod
    def own() -> Path:
        """Return the group in which executors that are started here make theirs.

        Raises:
            OSError: there is no such hierarchy.
        """
        if not (_ROOT / "cgroup.controllers").exists():
            raise OSError("no version 2 hierarchy at /sys/fs/cgroup")
        own = next(
            line[3:]
            for line in Path("/proc/self/cgroup").read_text().splitlines()
            if line.startswith("0::")
        )
        path = _ROOT / own.lstrip("/")
        if not path.is_dir():
            return _ROOT
        return path.parent if path.name == _SUPERVISORS else path

    @staticmethod
    def _step_aside(group: Path) -> None:
        # A group with processes cannot have limited children: move them into a leaf. Only the
        # machine's own root group may have both, and it alone has no type; the root group of a
        # namespace is a group like others.
        if not (group / "cgroup.type").exists():
            return
        supervisors = group / _SUPERVISORS
        for pid in groups.pids(group):
            supervisors.mkdir(exist_ok=True)
            with contextlib.suppress(ProcessLookupError):
                groups.write(supervisors / "cgroup.procs", str(pid))

    def open(self, name: str, limits: Limits) -> "Cgroup2Account":
        """Make the directory and set the limits."""
        path = self._held.path / name
        path.mkdir(exist_ok=True)
        groups.write(path / "memory.max", str(limits.memory_bytes))
        with contextlib.suppress(FileNotFoundError):
            groups.write(path / "memory.swap.max", "0")
        groups.write(path / "pids.max", str(limits.processes + 1))
        return Cgroup2Account(path)

    def close(self) -> None:
        """Remove this process's own directory."""
        self._held.close()


class Cgroup2Account(_Counted):
    """The directory of one jail in the version 2 hierarchy."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._own = str(path)
        # memory.peak exists from kernel 5.19 on; before, what is used now has to do.
        peak = path / "memory.peak"
        self._procs = _Files([path / "cgroup.procs"], os.O_WRONLY)
        self._files = _Files(
            (
                path / "cpu.stat",
                peak if peak.exists() else path / "memory.current",
                path / "memory.events",
                path / "pids.current",
            ),
            os.O_RDONLY,
        )

    @property
    def entrances(self) -> Sequence[int]:
        """Open files; a process that writes `0` into each is in the account."""
        return self._procs.numbers

    def watch(self, pid: int, reaper: int) -> None:
        """Check that the first process of the jail has come in.

        Raises:
            errors.SandboxError: it has not.
        """
        del reaper  # A cgroup knows its processes.
        _require_inside(self._own, pid)

    def tasks(self) -> list[int]:
        """Ids of all threads that there are now."""
        return groups.numbers_in(f"{self._own}/cgroup.threads")

    def cpu_seconds(self) -> float:
        """CPU time used by all processes so far."""
        return self._files.field(0, b"usage_usec ") / 1e6

    def kill(self) -> None:
        """Kill what is left."""
        groups.kill_all(self._path)

    def close(self) -> None:
        """Remove the directory."""
        self._procs.close()
        self._files.close()
        groups.remove(self._path)
