"""Log-probabilities of responses given a prompt.

Shape suffixes: B rows, R predicted tokens, V vocabulary, T tokens of one response, N responses.
"""

import itertools
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import save_on_cpu
from torch.utils.checkpoint import checkpoint

from trainer.rows import attention
from trainer.rows.head import by_chunks, picked
from trainer.rows.layout import Asked, Extent, Layout, Row, lay_out, plan

CHUNK_ELEMENTS = 2**24
"""Most logits that are in fp32 at one time: 64 MiB."""
MAX_TOKENS = 8_192
"""Most positions, padding included, in one forward pass."""


@dataclass(kw_only=True)
class Scorer:
    """Scores responses with a model whose dropout is off."""

    model: nn.Module
    layout: Layout = Layout.SHARED
    device: torch.device | str = "cpu"
    bf16: bool = False
    """Whether matrices are multiplied in bf16; log-probabilities are fp32 all the same."""
    offload: bool = False
    """Whether what the backward pass needs is kept in the memory of the host."""
    head: nn.Linear | None = None
    """The model's last layer, if it may be given a few tokens at a time."""
    chunk_elements: int = CHUNK_ELEMENTS
    """Most logits that such a layer makes at one time."""

    def score(self, asked: Sequence[Asked]) -> list[list[Tensor]]:
        """Return one fp32 tensor (T,) for each response to each prompt, from one forward pass.

        Only the positions that predict response tokens get logits. Labels are never handed to
        the model: models shift them their own way. What is padding follows from lengths, never
        from token ids.

        Raises:
            ValueError: a prompt or a response is empty.
        """
        row = lay_out(asked, self.layout, self.device)
        logp = self._logps(row)
        found = iter([logp[pick_T] for pick_T in row.pick_N])
        return [list(itertools.islice(found, len(one.responses))) for one in asked]

    def _logps(self, row: Row) -> Tensor:
        """Return the log-probability of every target of a row, flattened."""
        rows = max(1, self.chunk_elements // self.head.out_features) if self.head else 0
        if self.head is None or row.target_BR.numel() <= rows:
            return token_logps(self._made(row).flatten(0, 1), row.target_BR.flatten())
        with by_chunks(self.head, row.target_BR, rows):
            return self._made(row).flatten()

    def _made(self, row: Row) -> Tensor:
        """Return what the model makes of a row: logits, or what stands in their place."""
        given = attention.inputs(row, self.model.config)
        with self._precision(), self._offloading():
            found: Tensor = self.model(
                input_ids=row.ids_BL, logits_to_keep=row.keep_R, use_cache=False, **given
            ).logits
        return found

    def _precision(self) -> AbstractContextManager[Any]:
        if not self.bf16:
            return nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def _offloading(self) -> AbstractContextManager[Any]:
        return save_on_cpu(pin_memory=True) if self.offload else nullcontext()


def response_logps(
    model: nn.Module,
    prompt: Sequence[int],
    responses: Sequence[Sequence[int]],
    layout: Layout = Layout.PADDED,
) -> list[Tensor]:
    """Return one fp32 tensor (T,) of token log-probabilities for each response, however many.

    Raises:
        ValueError: the prompt or a response is empty.
    """
    scorer = Scorer(model=model, layout=layout, device=next(model.parameters()).device)
    logps: dict[int, Tensor] = {}
    extent = Extent(len(prompt), [len(response) for response in responses])
    for indices in plan(extent, layout, MAX_TOKENS) if responses else []:
        (scored,) = scorer.score([Asked(prompt, [responses[index] for index in indices])])
        logps |= dict(zip(indices, scored, strict=True))
    return [logps[index] for index in range(len(responses))]


def token_logps(logits_RV: Tensor, target_R: Tensor) -> Tensor:
    """Return the fp32 log-probability (R,) of each target token under its row of logits.

    Logits may be bf16. A log-softmax in bf16 is off by a quarter of a nat over 300 tokens and
    can turn a pair around, so rows are widened first, a chunk at a time; a chunk is widened
    again for the backward pass rather than kept.
    """
    rows = max(1, CHUNK_ELEMENTS // logits_RV.shape[-1])
    if len(target_R) <= rows:
        return picked(logits_RV, target_R)
    chunks = zip(torch.split(logits_RV, rows), torch.split(target_R, rows), strict=True)
    return torch.cat(
        [checkpoint(picked, logits, target, use_reentrant=False) for logits, target in chunks]
    )
