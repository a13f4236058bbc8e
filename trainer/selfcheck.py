"""Which layout a model is trained in, and the proof that it gives what plain rows give.

Models differ in what they do with positions and masks, and one that ignores them is not noticed
by anything: the loss falls all the same. So the fast layout is held against padded rows before
the first step, and given up, loudly, where the two differ.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from infra import logs
from trainer.layout import Layout
from trainer.scoring import Scorer

log = logs.get(__name__)

TOLERANCE = 1e-3
"""Largest difference of one token's log-probability, in nats; a wrong mask moves it by tenths."""

TOLERANCE_BF16 = 0.05
"""Largest mean difference with half precision, where single tokens differ by a few hundredths."""

_MOST_RESPONSES = 4


def suitable_layout(model: nn.Module) -> Layout:
    """Return the fastest layout that a model's attention can express."""
    config: Any = model.config
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"}:
        # Windows and chunks count back over neighbours in the row; ours are not always neighbours.
        log.error("scoring.fallback", reason=f"attention layers: {sorted(kinds)}", layout="padded")
        return Layout.PADDED
    if "flash" in str(config._attn_implementation):
        return Layout.PACKED
    return Layout.SHARED


def check(scorer: Scorer, prompt: Sequence[int], responses: Sequence[Sequence[int]]) -> Layout:
    """Score a few responses in the scorer's layout and in padded rows; return one to trust."""
    if scorer.layout is Layout.PADDED:
        return Layout.PADDED
    few = list(responses[:_MOST_RESPONSES])
    with torch.no_grad():
        try:
            fast = torch.cat(scorer.score(prompt, few))
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
            # TypeError: an architecture that takes no such argument.
            return _fall_back(scorer, f"{type(error).__name__}: {error}")
        plain = torch.cat(replace(scorer, layout=Layout.PADDED).score(prompt, few))
    gap = (fast - plain).abs()
    difference = (gap.mean() if scorer.bf16 else gap.max()).item()
    # Written so that a difference that is no number fails too.
    if not difference <= (TOLERANCE_BF16 if scorer.bf16 else TOLERANCE):
        return _fall_back(scorer, f"log-probabilities differ by {difference:.3g}")
    log.info("scoring.checked", layout=scorer.layout, difference=difference)
    return scorer.layout


def _fall_back(scorer: Scorer, reason: str) -> Layout:
    log.error(
        "scoring.fallback",
        reason=reason,
        architecture=type(scorer.model).__name__,
        layout=Layout.PADDED,
        refused=scorer.layout,
    )
    return Layout.PADDED
