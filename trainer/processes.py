"""The processes that train one policy together, as `torchrun` starts them; or one alone."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillRunning
from typing import Any, TypeVar

import torch
from torch import distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor

from trainer import shards

T = TypeVar("T")

_PATIENCE_SECONDS = 1.0
"""Longest that the others wait for the first process in one collective."""


class Processes:
    """Speaks to the other processes of the run; alone, it answers for itself."""

    def __init__(self) -> None:
        self.count = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        local = int(os.environ.get("LOCAL_RANK", "0"))
        self.device = torch.device("cuda", local) if torch.cuda.is_available() else _CPU
        self.beside: Any = None
        """The group in which a thread meets those of other processes; alone, there is none."""
        if self.count > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            distributed.init_process_group("nccl" if self.device.type == "cuda" else "gloo")
            self.beside = distributed.new_group(backend="gloo")
            self._talk = ThreadPoolExecutor(1, thread_name_prefix="talk")

    @property
    def first(self) -> bool:
        """Whether this process speaks to the API and writes files."""
        return self.rank == 0

    def broadcast(self, value: T) -> T:
        """Return what the first process passed."""
        if self.count == 1:
            return value
        box = [value]
        distributed.broadcast_object_list(box, src=0, device=self.device)
        return box[0]

    def from_first(self, find: Callable[[], T]) -> T:
        """Return what the first process finds, or raise what it raises, on every process.

        It may take as long as it likes, as when it waits for the API: a thread does it, and the
        others ask again and again, so that no collective waits for long.
        """
        if self.count == 1:
            return find()
        return self.awaited(self._talk.submit(find) if self.first else None)

    def awaited(self, found: "Future[T] | None") -> T:
        """Do the same for what a thread of the first process does already; others pass None."""
        if self.count == 1:
            assert found is not None
            return found.result()
        while not (outcome := self.broadcast(_outcome(found) if found else None)):
            pass
        value, error = outcome
        if error is not None:
            raise error
        settled: T = value
        return settled

    def sum(self, values: Sequence[float]) -> list[float]:
        """Add up each value over all processes, in double precision."""
        return self._reduce(values, distributed.ReduceOp.SUM)

    def most(self, value: int) -> int:
        """Return the largest value of any process."""
        return int(self._reduce([value], distributed.ReduceOp.MAX)[0])

    def _reduce(self, values: Sequence[float], how: Any) -> list[float]:
        if self.count == 1:
            return list(values)
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(tensor, how)
        return [float(value) for value in tensor.tolist()]

    def shard(self, model: nn.Module, blocks: Sequence[nn.Module], bf16: bool) -> None:
        """Divide weights, gradients and optimizer state over the processes (FSDP2).

        Each block is gathered when its turn comes. Weights and sums of gradients stay in fp32;
        with `bf16` blocks are gathered and multiplied in half precision.
        """
        if not shards.is_empty(model):
            model.to(self.device)
        if self.count == 1:
            return
        mesh = init_device_mesh(self.device.type, (self.count,))
        policy = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if bf16 else None, reduce_dtype=torch.float32
        )
        for module in (*blocks, model):
            fully_shard(module, mesh=mesh, mp_policy=policy)

    def close(self) -> None:
        """Leave the others."""
        if self.count > 1:
            distributed.destroy_process_group()


_CPU = torch.device("cpu")


def _outcome(found: "Future[T]") -> tuple[Any, BaseException | None] | None:
    """Return the value or the error, or None if there is neither for now."""
    try:
        error = found.exception(_PATIENCE_SECONDS)
    except StillRunning:
        return None
    return (None, error) if error else (found.result(), None)


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor that may be divided over processes as one; all of them must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def part(tensor: torch.Tensor) -> torch.Tensor:
    """Return this process's part of a tensor."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor
