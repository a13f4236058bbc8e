"""What a forward and a backward pass hold beyond weights and gradients, found without holding it.

The pass is made with tensors that have shapes and no contents (torch's `FakeTensorMode`), so that
a model of 15 billion parameters takes seconds and no memory. Every storage that an operation makes
is counted until it is freed. Gradients are there already, as from the second pass of a step on.
"""

import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.autograd.graph import saved_tensors_hooks
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary

from infra import errors
from trainer import selfcheck
from trainer.rows.head import head_of
from trainer.rows.layout import Asked, Layout
from trainer.rows.scoring import Scorer


@dataclass(frozen=True, kw_only=True)
class Load:
    """The largest pass that a run may make."""

    most_prompt: int
    most_response: int
    max_row_tokens: int

    def lengths(self, layout: Layout) -> tuple[int, list[int]]:
        """Return the tokens of its prompt and of its responses."""
        prompt, longest = self.most_prompt, self.most_response
        if layout is not Layout.SHARED:
            return prompt, [longest] * max(1, self.max_row_tokens // (prompt + longest))
        full, rest = divmod(max(self.max_row_tokens - prompt, longest), longest)
        return prompt, [longest] * full + [rest] * (rest > 0)


def pass_bytes(model: nn.Module, load: Load, *, bf16: bool, offload: bool = False) -> int:
    """Return the most bytes that a pass holds at one time.

    Args:
        model: Ready to train, on the meta device; it is left with fake tensors.
        load: The pass.
        bf16: Whether matrices are multiplied in bf16.
        offload: Whether what the backward pass needs is kept elsewhere.

    Raises:
        errors.ConfigurationError: such a model cannot be run without contents.
    """
    reason: Exception | None = None
    with FakeTensorMode():
        _give_tensors(model)
        for layout in dict.fromkeys((selfcheck.suitable_layout(model), Layout.PADDED)):
            scorer = Scorer(model=model, layout=layout, bf16=bf16, head=head_of(model))
            try:
                return _held(scorer, load, offload)
            except (RuntimeError, ValueError, TypeError) as error:
                # Of a model that takes no such rows, or whose shapes depend on contents.
                reason = error
    raise errors.ConfigurationError(
        f"the memory of a {type(model).__name__} cannot be told: {reason}"
    )


def _held(scorer: Scorer, load: Load, offload: bool) -> int:
    prompt, lengths = load.lengths(scorer.layout)
    for weight in scorer.model.parameters():
        weight.grad = torch.zeros_like(weight) if weight.requires_grad else None
    hooks = saved_tensors_hooks(_shape_alone, _made_again)
    elsewhere: AbstractContextManager[Any] = hooks if offload else nullcontext()
    counter = _Counter(scorer.model)
    with counter, elsewhere:
        asked = Asked([0] * prompt, [[0] * length for length in lengths])
        (logps,) = scorer.score([asked])
        torch.stack([logp_T.sum() for logp_T in logps]).sum().backward()  # type: ignore[no-untyped-call] # torch's own
    return counter.most


def _give_tensors(model: nn.Module) -> None:
    """Put fake tensors of the CPU in the place of those of the meta device, each once."""
    made: dict[int, Tensor] = {}
    for module in model.modules():
        for name, weight in module.named_parameters(recurse=False, remove_duplicate=False):
            found = made.setdefault(id(weight), nn.Parameter(_like(weight), weight.requires_grad))
            setattr(module, name, found)
        for name, buffer in module.named_buffers(recurse=False):
            module.register_buffer(name, _like(buffer))


def _like(tensor: Tensor) -> Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype)


def _shape_alone(tensor: Tensor) -> tuple[torch.Size, torch.dtype]:
    return tensor.shape, tensor.dtype


def _made_again(kept: tuple[torch.Size, torch.dtype]) -> Tensor:
    shape, dtype = kept
    return torch.empty(shape, dtype=dtype)


class _Counter(TorchDispatchMode):  # type: ignore[no-untyped-call] # torch leaves it untyped
    """Counts the bytes of what operations make, until it is freed."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # the same
        self.most = 0
        self._now = 0
        self._known: Any = WeakIdKeyDictionary()
        for tensor in (*model.parameters(), *model.buffers()):
            self._known[tensor.untyped_storage()] = True
            if tensor.grad is not None:
                self._known[tensor.grad.untyped_storage()] = True

    def __torch_dispatch__(
        self,
        operation: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        made = operation(*args, **(kwargs or {}))
        for leaf in tree_leaves(made):
            if isinstance(leaf, Tensor):
                self._add(leaf.untyped_storage())
        return made

    def _add(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        self._known[storage] = True
        self._now += storage.nbytes()
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._forget, storage.nbytes())

    def _forget(self, size: int) -> None:
        self._now -= size
