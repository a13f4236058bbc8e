"""Log-probabilities from the last layer by chunks, so that no logits of a whole row are kept.

A row of 8,192 tokens under a vocabulary of 150,000 has 5 GB of logits in fp32, and as much again of
their gradient. Here the head of the model is given a few tokens at a time, and gives the one
log-probability of each that is wanted; the backward pass gives it the same tokens again.

Shape suffixes: B rows, R predicted tokens, V vocabulary, D width.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

_PROCESSED = ("final_logit_softcapping", "logit_scale", "logits_scaling")
"""What configurations call that which models do to logits behind their head."""


def head_of(model: nn.Module) -> nn.Linear | None:
    """Return the layer that makes logits, or None where more is done to them behind it."""
    anything: Any = model
    head = anything.get_output_embeddings()
    config = anything.config.get_text_config()
    is_last = not any(getattr(config, name, None) for name in _PROCESSED)
    return head if isinstance(head, nn.Linear) and is_last else None


@contextmanager
def by_chunks(head: nn.Linear, target_BR: Tensor, rows: int) -> Iterator[None]:
    """Have a model give the log-probability of each target, (B, R, 1) in fp32, in place of logits.

    At most `rows` tokens have logits at a time.
    """

    def logps(hidden_BRD: Tensor) -> Tensor:
        hidden = torch.split(hidden_BRD.flatten(0, -2), rows)
        target = torch.split(target_BR.flatten(), rows)
        parts = [
            checkpoint(_logps, head, some, of, use_reentrant=False, preserve_rng_state=False)
            for some, of in zip(hidden, target, strict=True)
        ]
        return torch.cat(parts).view(*target_BR.shape, 1)

    anything: Any = head
    # Inside the model's own forward pass, so that sharded weights are gathered and wrappers apply.
    anything.forward = logps
    try:
        yield
    finally:
        del anything.forward


def _logps(head: nn.Linear, hidden_RD: Tensor, target_R: Tensor) -> Tensor:
    return picked(nn.functional.linear(hidden_RD, head.weight, head.bias), target_R)


def picked(logits_RV: Tensor, target_R: Tensor) -> Tensor:
    """Return the fp32 log-probability (R,) of each target token under its row of logits."""
    logits_RV = logits_RV.float()
    return logits_RV.gather(-1, target_R[:, None]).squeeze(-1) - logits_RV.logsumexp(-1)
