"""Checkpoints: written whole or not at all, and resumable to the bit.

A checkpoint is a directory named by its version that plain `transformers` loads; beside the
weights it holds the optimizer, the random state and the batches trained since the one before.
Adapters lie in a folder of their own, beside weights they are merged into.
"""

import fcntl
import json
import os
import shutil
from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel
from torch import nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.optim import Optimizer

from infra import errors, logs
from infra.contracts.prompting import PromptForm
from infra.prompting.stored import write_form
from infra.weights import weights_sha256
from trainer import lora
from trainer.guard import History
from trainer.processes import Processes
from trainer.tokenizer import TextTokenizer

log = logs.get(__name__)

ADAPTER = "adapter"
"""Folder of a checkpoint that holds the adapters, if there are any."""

_LOCK = "lock"
_STATE = "trainer_state.json"
_OPTIMIZER = "optimizer.pt"
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


def save(
    root: Path,
    model: nn.Module,
    tokenizer: TextTokenizer,
    optimizer: Optimizer,
    state: TrainerState,
    form: PromptForm,
    processes: Processes,
) -> tuple[Path, str]:
    """Write a checkpoint atomically; return its directory and, on the first process, its hash.

    All processes must call it: weights divided over them are gathered. A checkpoint of this
    version that exists already was never recorded (versions only grow), so it is replaced.
    """
    gather = StateDictOptions(full_state_dict=True, cpu_offload=processes.count > 1)
    weights = get_model_state_dict(model, options=gather)
    moments = get_optimizer_state_dict(model, optimizer, options=gather)
    final = directory_of(root, state.version)
    if not processes.first:
        return final, ""
    root.mkdir(parents=True, exist_ok=True)
    temporary = root / f".{state.version:08d}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    _save_weights(temporary, model, _each_once(model, weights))
    tokenizer.save_pretrained(temporary)
    torch.save({"optimizer": moments, "rng": torch.get_rng_state()}, temporary / _OPTIMIZER)
    write_form(temporary, form)
    (temporary / _STATE).write_text(json.dumps(asdict(state)))
    for path in (*temporary.rglob("*"), temporary):
        _sync(path)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(root)
    return final, weights_sha256(final)


def _each_once(model: nn.Module, weights: dict[str, Any]) -> dict[str, Any]:
    """Leave out further names of a tensor: gathered from several processes, each is a copy."""
    first: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if first.setdefault(id(parameter), name) != name:
            weights.pop(name, None)
    return weights


def _save_weights(directory: Path, model: nn.Module, weights: dict[str, Any]) -> None:
    saver: Any = model
    if isinstance(model, PeftModel):
        saver.save_pretrained(directory / ADAPTER, state_dict=weights)
        saver, weights = saver.get_base_model(), lora.merged(model, weights)
    saver.save_pretrained(directory, state_dict=weights)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def restore(directory: Path, model: nn.Module, optimizer: Optimizer) -> TrainerState:
    """Load optimizer, random state and trainer state; the weights are loaded with the model."""
    saved = torch.load(directory / _OPTIMIZER, weights_only=True)
    set_optimizer_state_dict(
        model, optimizer, saved["optimizer"], options=StateDictOptions(full_state_dict=True)
    )
    torch.set_rng_state(saved["rng"])
    state = json.loads((directory / _STATE).read_text())
    return TrainerState(**state | {"history": History(**state.get("history", {}))})


def discard_after(root: Path, version: int) -> None:
    """Remove checkpoints that were written but never recorded, and half-written ones.

    A trainer that dies between the two leaves weights that nobody counts; their batches are leased
    again, and would otherwise be trained into them twice.
    """
    if not root.exists():
        return
    for path in root.iterdir():
        if path.name.startswith(".") or (path.name.isdigit() and int(path.name) > version):
            log.info("checkpoint.discarded", path=str(path))
            shutil.rmtree(path, ignore_errors=True)


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
    """Remove the oldest checkpoints, all but the newest `keep` and the pinned versions."""
    found = sorted(int(path.name) for path in root.iterdir() if path.name.isdigit())
    for version in found[:-keep]:
        if version not in pinned:
            shutil.rmtree(directory_of(root, version))
