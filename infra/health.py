"""Says in a file that this process is well; whoever checks looks only at the file's age.

`RRTF_HEALTH_FILE` names it. `find FILE -mmin -2 | grep -q .` takes a few milliseconds, where a
question to the process would start an interpreter.
"""

import contextlib
import functools
import os
from collections.abc import Iterator
from pathlib import Path

from infra import errors
from infra.observability import metrics
from infra.settings import HealthSettings, load


def round_ended(service: str) -> None:
    """Record that a round ended well; of a worker, that its heartbeat was heard.

    While the sandbox of a slot fails, the file grows old.
    """
    metrics.LAST_ROUND.labels(service).set_to_current_time()
    file = _file()
    if file is not None and not _has_failing_slot(file):
        file.touch()


@contextlib.contextmanager
def watched_slot() -> Iterator[None]:
    """Count this process's slot as failing if a fault of its sandbox ends the block."""
    is_failing = False
    try:
        yield
    except errors.SandboxError:
        is_failing = True
        raise
    finally:
        metrics.SLOTS_FAILING.set(is_failing)
        _mark(is_failing)


@functools.cache
def _file() -> Path | None:
    return load(HealthSettings).file


def _mark(is_failing: bool) -> None:
    """Leave word for the process that writes the file: it is the parent of those with slots."""
    file = _file()
    if file is None:
        return
    mark = file.with_name(f"{file.name}.failing-{os.getpid()}")
    if is_failing:
        mark.touch()
    else:
        mark.unlink(missing_ok=True)


def _has_failing_slot(file: Path) -> bool:
    failing = False
    for mark in file.parent.glob(f"{file.name}.failing-*"):
        if Path("/proc", mark.name.rpartition("-")[2]).exists():
            failing = True
        else:  # That process ended, and its slot with it.
            mark.unlink(missing_ok=True)
    return failing
