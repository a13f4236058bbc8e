"""The folder of a policy: its checkpoints, each whole or not there, and what was trained since.

    00000012/         weights that plain `transformers` loads, with tokenizer and prompt form
    00000012/state/   in some of them: the optimizer's state, divided over processes
    steps/00000013    the batches of each step since the checkpoint before this version
    last_good         newest version from which steps went well

Whoever resumes takes the newest version that has a state, and takes the steps behind it again.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from infra import errors
from infra.contracts.ranking import LeasedBatch
from infra.observability import logs
from trainer.processes import Processes
from trainer.watch.guard import History

log = logs.get(__name__)

ADAPTER = "adapter"
"""Folder of a checkpoint that holds the adapters, if there are any."""

STATE = "state"
"""Folder of a checkpoint that holds the optimizer's state, if it has it."""

Step = list[LeasedBatch]
"""The batches whose gradients one step added up."""

_LOCK = "lock"
_STEPS = "steps"
_LAST_GOOD = "last_good"


@dataclass
class TrainerState:
    """What the trainer must remember beside weights and optimizer."""

    version: int = 0
    """Optimizer steps since the first weights."""
    batch_ids: list[str] = field(default_factory=list)
    """Batches trained since the checkpoint before."""
    history: History = field(default_factory=History)
    """What the guard remembers."""


@contextmanager
def locked(root: Path, processes: Processes) -> Iterator[None]:
    """Let no second trainer write into a directory; the lock ends with the process, killed or not.

    Raises:
        errors.ConfigurationError: another trainer writes there.
    """
    if not processes.first:
        yield
        return
    root.mkdir(parents=True, exist_ok=True)
    with (root / _LOCK).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise errors.ConfigurationError(
                f"process {file.read() or 'unknown'} trains into {root} already; stop it, or give"
                " another policy or output directory"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def directory_of(root: Path, version: int) -> Path:
    """Return where a version lies."""
    return root / f"{version:08d}"


def partial_of(root: Path, version: int) -> Path:
    """Return where a version lies while it is written."""
    return root / f".{version:08d}.new"


def publish(root: Path, version: int) -> Path:
    """Make a version that was written one that is there; return its directory.

    One that exists already was never recorded (versions only grow), so it is replaced.
    """
    partial, final = partial_of(root, version), directory_of(root, version)
    for path in (*partial.rglob("*"), partial):
        _sync(path)
    shutil.rmtree(final, ignore_errors=True)
    partial.rename(final)
    _sync(root)
    return final


def keep_steps(root: Path, version: int, steps: Sequence[Step]) -> None:
    """Remember the batches of the steps that led from the checkpoint before to a version."""
    folder = root / _STEPS
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{version:08d}"
    lines = [json.dumps([batch.model_dump(mode="json") for batch in step]) for step in steps]
    path.write_text("\n".join(lines))
    for written in (path, folder):
        _sync(written)


def steps_between(root: Path, state: int, version: int) -> list[Step]:
    """Return the batches of each step behind a version up to another, in order.

    Raises:
        errors.ConfigurationError: not all of them were kept.
    """
    steps: list[Step] = []
    for number in _numbers(root / _STEPS):
        if state < number <= version:
            lines = (root / _STEPS / f"{number:08d}").read_text().splitlines()
            steps += [[LeasedBatch.model_validate(one) for one in json.loads(x)] for x in lines]
    if len(steps) != version - state:
        raise errors.ConfigurationError(
            f"{root / _STEPS} holds {len(steps)} steps between version {state}, the newest with the"
            f" optimizer's state, and version {version}; restore it, or train another policy"
        )
    return steps


def newest_state(root: Path, version: int) -> int:
    """Return the newest version, up to one, that has the optimizer's state; 0 if none has."""
    found = [n for n in _numbers(root) if n <= version and (directory_of(root, n) / STATE).is_dir()]
    return max(found, default=0)


def _numbers(folder: Path) -> list[int]:
    if not folder.is_dir():
        return []
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def discard_after(root: Path, version: int) -> None:
    """Remove checkpoints that were written but never recorded, and half-written ones.

    A trainer that dies between the two leaves weights that nobody counts; their batches are leased
    again, and would otherwise be trained into them twice.
    """
    if not root.exists():
        return
    for path in (*root.iterdir(), *(root / _STEPS).glob("*")):
        if path.name.startswith(".") or (path.name.isdigit() and int(path.name) > version):
            log.info("checkpoint.discarded", path=str(path))
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink()


def mark_good(root: Path, version: int) -> None:
    """Remember a version from which steps went well: it is kept until a newer one proves good.

    The newest checkpoint may hold weights that are finite and lead to a loss that is not, or to one
    that is far too high.
    """
    temporary = root / f".{_LAST_GOOD}"
    temporary.write_text(str(version))
    temporary.replace(root / _LAST_GOOD)


def last_good(root: Path) -> int | None:
    """Return the newest version known to be good, or None before there is one."""
    path = root / _LAST_GOOD
    return int(path.read_text()) if path.exists() else None


def retain(root: Path, keep: int, pinned: Container[int | None]) -> None:
    """Remove what nobody goes on from: all but the newest `keep` checkpoints, the pinned ones and
    the newest with the optimizer's state; such states and steps before that one.
    """
    found = _numbers(root)
    state = newest_state(root, found[-1])
    for version in found[:-keep]:
        if version != state and version not in pinned:
            shutil.rmtree(directory_of(root, version))
    for version in _numbers(root):
        if version < state:
            shutil.rmtree(directory_of(root, version) / STATE, ignore_errors=True)
    for version in _numbers(root / _STEPS):
        if version <= state:
            (root / _STEPS / f"{version:08d}").unlink()
