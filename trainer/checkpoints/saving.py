"""Writes checkpoints beside the steps: copied at once, written by a thread.

Weights are written whole, for servers and samplers; the optimizer's state, which nobody but a
trainer reads and which is twice as large, by each process its part, readable by any number of
processes.
"""

import json
import shutil
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import torch
from peft import PeftModel
from torch import Tensor, nn
from torch.distributed.checkpoint.staging import BlockingAsyncStager
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import async_save
from torch.optim import AdamW, Optimizer
from torch.utils._pytree import tree_map_only

from infra.contracts.prompting import PromptForm
from infra.prompting.stored import write_form
from infra.weights import weights_sha256
from trainer.checkpoints import checkpoint
from trainer.checkpoints.checkpoint import TrainerState
from trainer.models import lora
from trainer.models.tokenizer import TextTokenizer
from trainer.processes import Processes
from trainer.watch.guard import History

_TRAINER = "trainer_state.json"

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Saver:
    """Writes the checkpoints of one trainer, one at a time."""

    model: nn.Module
    optimizer: Optimizer
    tokenizer: TextTokenizer
    form: PromptForm
    processes: Processes
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="saving")
    )

    def begin(
        self,
        root: Path,
        state: TrainerState,
        then: Callable[[Path, str], T],
        *,
        with_state: bool,
    ) -> "Future[T | None]":
        """Copy what is to be written, and return while it is written.

        All processes must call it, and not before what it returned the last time is done. On the
        first one `then` is called, by the thread, with the directory and the hash of the weights;
        what it returns is the result. On others the result is None.
        """
        # Steps go on, and change both.
        version, remembered = state.version, json.dumps(asdict(state))
        partial = checkpoint.partial_of(root, version)
        if self.processes.first:
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir(parents=True)
        # Gathering waits for the first process, so that the folder is there for all.
        weights = self._copied_weights()
        parts: Future[Any] | None = None
        if with_state:
            found: Any = async_save(
                _resumable(self.model, self.optimizer),
                checkpoint_id=partial / checkpoint.STATE,
                process_group=self.processes.beside,
                async_stager=None if isinstance(self.optimizer, AdamW) else _Copies(),
                no_dist=self.processes.count == 1,
            )
            parts = found

        def finish() -> T | None:
            if self.processes.first:
                self._write(partial, weights, remembered)
            if parts:
                parts.result()
            if not self.processes.first:
                return None
            final = checkpoint.publish(root, version)
            return then(final, weights_sha256(final))

        return self._thread.submit(finish)

    def _copied_weights(self) -> dict[str, Tensor]:
        """Return all weights, in memory that no step writes to; nothing on further processes."""
        if lora.is_4bit(self.model):
            return lora.dense_state(self.model)
        together = self.processes.count > 1
        gather = StateDictOptions(full_state_dict=True, cpu_offload=together)
        weights = _each_once(self.model, get_model_state_dict(self.model, options=gather))
        return {name: one if together else _copied(one) for name, one in weights.items()}

    def _write(self, partial: Path, weights: dict[str, Tensor], remembered: str) -> None:
        saver: Any = self.model
        if isinstance(saver, PeftModel):
            saver.save_pretrained(str(partial / checkpoint.ADAPTER), state_dict=weights)
            in_4bit = lora.is_4bit(self.model)
            base = lora.plain_base(self.model) if in_4bit else saver.get_base_model()
            saver, weights = base, lora.merged(self.model, weights)
        saver.save_pretrained(partial, state_dict=weights)
        self.tokenizer.save_pretrained(partial)
        write_form(partial, self.form)
        (partial / _TRAINER).write_text(remembered)


class _Copies(BlockingAsyncStager):
    """Copies tensors as what they are; torch's own stager knows no tensors of 8 bits."""

    def stage(self, state_dict: dict[str, Any]) -> dict[str, Any]:
        """Return a copy that no step writes to."""
        copies: dict[str, Any] = tree_map_only(Tensor, _copied, state_dict)
        return copies


def restore(directory: Path, model: nn.Module, optimizer: Optimizer) -> TrainerState:
    """Load the optimizer's and the trainer's state; the weights are loaded with the model."""
    parts = _resumable(model, optimizer)
    load(parts, checkpoint_id=directory / checkpoint.STATE)
    set_optimizer_state_dict(model, optimizer, parts["optimizer"])
    torch.set_rng_state(parts["rng"])
    state = json.loads((directory / _TRAINER).read_text())
    return TrainerState(**state | {"history": History(**state.get("history", {}))})


def _resumable(model: nn.Module, optimizer: Optimizer) -> dict[str, Any]:
    return {
        "optimizer": get_optimizer_state_dict(model, optimizer),
        "rng": torch.get_rng_state(),
    }


def _copied(tensor: Tensor) -> Tensor:
    return tensor.detach().to("cpu", copy=True)


def _each_once(model: nn.Module, weights: dict[str, Any]) -> dict[str, Any]:
    """Leave out further names of a tensor: gathered from several processes, each is a copy."""
    first: dict[int, str] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        if first.setdefault(id(parameter), name) != name:
            weights.pop(name, None)
    return weights
