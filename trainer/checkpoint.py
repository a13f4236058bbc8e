"""Checkpoints: written whole or not at all, and resumable to the bit.

A checkpoint is a directory named by its version that plain `transformers` loads; beside the
weights it holds the optimizer, the random state and the batches trained so far.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from infra import logs
from trainer.tokenizer import TextTokenizer

log = logs.get(__name__)

_STATE = "trainer_state.json"
_OPTIMIZER = "optimizer.pt"


@dataclass
class TrainerState:
    """What the trainer must remember beside weights and optimizer."""

    version: int = 0
    """Optimizer steps since the first weights."""
    batch_ids: list[str] = field(default_factory=list)
    """Batches of the newest step."""


def directory_of(root: Path, version: int) -> Path:
    """Return where a version lies."""
    return root / f"{version:08d}"


def save(
    root: Path,
    model: nn.Module,
    tokenizer: TextTokenizer,
    optimizer: Optimizer,
    state: TrainerState,
) -> tuple[Path, str]:
    """Write a checkpoint atomically; return its directory and the hash of its weights.

    One that exists already was never recorded (versions only grow), so it is replaced.
    """
    root.mkdir(parents=True, exist_ok=True)
    final = directory_of(root, state.version)
    temporary = root / f".{state.version:08d}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    saver: Any = model
    saver.save_pretrained(temporary, safe_serialization=True)
    tokenizer.save_pretrained(temporary)
    torch.save(
        {"optimizer": optimizer.state_dict(), "rng": torch.get_rng_state()}, temporary / _OPTIMIZER
    )
    (temporary / _STATE).write_text(json.dumps(vars(state)))
    for path in (*temporary.iterdir(), temporary):
        _sync(path)
    shutil.rmtree(final, ignore_errors=True)
    temporary.rename(final)
    _sync(root)
    return final, sha256(final)


def _sync(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def sha256(directory: Path) -> str:
    """Return the hash over the weights files of a checkpoint, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.safetensors")):
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def restore(directory: Path, optimizer: Optimizer) -> TrainerState:
    """Load optimizer, random state and trainer state; the weights are loaded with the model."""
    saved = torch.load(directory / _OPTIMIZER, weights_only=True)
    optimizer.load_state_dict(saved["optimizer"])
    torch.set_rng_state(saved["rng"])
    return TrainerState(**json.loads((directory / _STATE).read_text()))


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


def retain(root: Path, keep: int, pinned: Sequence[int]) -> None:
    """Remove the oldest checkpoints, all but the newest `keep` and the pinned versions."""
    found = sorted(int(path.name) for path in root.iterdir() if path.name.isdigit())
    for version in found[:-keep]:
        if version not in pinned:
            shutil.rmtree(directory_of(root, version))
