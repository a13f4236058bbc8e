"""The optimizer of a run, and its learning rate."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import AdamW

from infra import errors
from trainer.settings import Optimizer, WeightType


def make_optimizer(
    parameters: Iterable[nn.Parameter],
    kind: Optimizer,
    weights: WeightType,
    weight_decay: float,
    *,
    fused: bool,
) -> torch.optim.Optimizer:
    """Return an optimizer; `fused` moves all weights in one kernel, which GPUs do best.

    Raises:
        errors.ConfigurationError: torchao is needed, and is not installed.
    """
    if kind is Optimizer.ADAMW and weights is WeightType.FP32:
        return AdamW(parameters, weight_decay=weight_decay, fused=fused or None)
    try:
        from torchao import optim
    except ImportError:
        raise errors.ConfigurationError(
            "an optimizer of 8 bits and weights in bf16 need torchao:"
            " pip install 'rrtf-suite[low-bit]'"
        ) from None
    # The one without 8 bits is torchao's own reference, and rounds as the other does.
    low: Any = optim.AdamW8bit if kind is Optimizer.ADAMW_8BIT else optim._AdamW
    made: torch.optim.Optimizer = low(
        parameters,
        weight_decay=weight_decay,
        bf16_stochastic_round=weights is WeightType.BF16,
    )
    return made


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Have the next step taken at a rate."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            # A compiled step would be compiled anew for every other number.
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
