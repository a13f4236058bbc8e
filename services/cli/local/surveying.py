"""What a machine offers to a suite beside the sandbox: versions, room, a port, a clock, GPUs."""

import ctypes
import os
import platform
import shutil
import socket
import subprocess
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from rich.table import Table
from rich.text import Text

from infra.local.home import default_home
from infra.local.parts import parts_of, what_is_down
from infra.settings import ApiSettings, load

_ENOUGH_BYTES = 5 * 2**30
"""Of disk: an environment, an image of packages, and a database that has begun to grow."""
_TIMEX_BYTES = 512
"""More than the kernel's `struct timex` has."""
_TIME_ERROR = 5


class Fact(NamedTuple):
    """One thing about the machine."""

    name: str
    is_good: bool
    seen: str


def survey() -> list[Fact]:
    """Look at the machine; nothing is started or changed."""
    return [*_versions(), *_home(), _port(), _clock(), _gpus()]


def table_of(facts: list[Fact]) -> Table:
    """Return what to print."""
    table = Table("", "good", "seen", title="Machine")
    for fact in facts:
        mark = Text("yes", style="green") if fact.is_good else Text("look", style="yellow")
        table.add_row(fact.name, mark, fact.seen)
    return table


def _versions() -> Iterator[Fact]:
    suite, python = version("rrtf-suite"), platform.python_version()
    yield Fact("versions", True, f"rrtf {suite}, Python {python}, Linux {platform.release()}")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    processors = len(os.sched_getaffinity(0))
    yield Fact("processors and memory", memory >= 2, f"{processors}, {memory:.0f} GiB")


def _home() -> Iterator[Fact]:
    home = default_home()
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    yield Fact("data directory", os.access(there, os.W_OK), str(home))
    yield Fact("disk", free >= _ENOUGH_BYTES, f"{free / 2**30:.1f} GiB free at {there}")
    parts = parts_of(home)
    if parts is None:
        yield Fact("suite", True, "none runs there")
    else:
        down = what_is_down(parts)
        yield Fact("suite", not down, "; ".join(down) or f"runs, {len(parts)} parts are up")


def _port() -> Fact:
    settings = load(ApiSettings)
    with socket.socket() as probe:
        probe.settimeout(2)
        taken = probe.connect_ex(("127.0.0.1", settings.port)) == 0
    runs = parts_of(default_home()) is not None
    seen = f"{settings.port} is {'taken' if taken else 'free'}"
    return Fact("port of the API", runs or not taken, seen)


def _clock() -> Fact:
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES))
    seen = "kept by a time service" if state != _TIME_ERROR else "no time service keeps it"
    return Fact("clock", state != _TIME_ERROR, seen)


def _gpus() -> Fact:
    program = shutil.which("nvidia-smi")
    if program is None:
        has_device = Path("/dev/nvidiactl").exists()
        return Fact("GPUs", not has_device, "nvidia-smi is missing" if has_device else "none")
    done = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=30, check=False)
    return Fact("GPUs", done.returncode == 0, (done.stdout or done.stderr).strip())
