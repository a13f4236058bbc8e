"""Moves weights at random, as far as a variant has moved them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def noisy(model: Any, off: Mapping[str, Mapping[str, float]], seed: int) -> Iterator[None]:
    """Add normal noise to the matrices of a model in fp32, and take it away again.

    Args:
        model: Which.
        off: By name of a matrix the root mean square of what is added, as `error`.
        seed: Of the noise.
    """
    drawn = torch.Generator().manual_seed(seed)
    weights = {name: weight for name, weight in model.named_parameters() if name in off}
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    with torch.no_grad():
        for name in sorted(weights):
            noise = torch.randn(weights[name].shape, generator=drawn)
            weights[name].add_(noise * off[name]["error"])
    try:
        yield
    finally:
        with torch.no_grad():
            for name, weight in weights.items():
                weight.copy_(before[name])
