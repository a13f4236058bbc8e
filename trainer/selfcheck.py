"""Which layout a model is trained in, and the proof that it gives what plain rows give.

Models differ in what they do with positions and masks, and one that ignores them is not noticed
by anything: the loss falls all the same. So the fast layout is held against padded rows before
the first step, and given up, loudly, where the two differ.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from infra import logs
from trainer.layout import Asked, Layout
from trainer.scoring import Scorer

log = logs.get(__name__)

TOLERANCE = 1e-3
"""Largest difference of one token's log-probability, in nats; a wrong mask moves it by tenths."""

TOLERANCE_BF16 = 0.05
"""Largest mean difference with half precision, where single tokens differ by a few hundredths."""

_FULL = "full_attention"
_EXTENTS = ((48, 21, 1, 34, 8), (29, 5, 13))
"""Tokens of two prompts, and of the responses to each."""


def suitable_layout(model: nn.Module) -> Layout:
    """Return the fastest layout that a model's attention can express."""
    config: Any = model.config
    windowed = getattr(config, "sliding_window", None)
    kinds = getattr(config, "layer_types", None) or [f"window of {windowed}" if windowed else _FULL]
    if set(kinds) != {_FULL}:
        # Windows and chunks count back over neighbours in the row; ours are not always neighbours.
        return _fall_back(model, Layout.SHARED, f"attention layers: {sorted(set(kinds))}")
    return Layout.PACKED if "flash" in str(config._attn_implementation) else Layout.SHARED


def checked(scorer: Scorer) -> Layout:
    """Score some token ids in the scorer's layout and in padded rows; return one to trust.

    Two prompts and responses of different length stand in one row, so that a model in which they
    see one another, or their padding, or stand in the wrong place, is found out.
    """
    if scorer.layout is Layout.PADDED:
        return Layout.PADDED
    asked = _token_ids(scorer.model)
    with torch.no_grad():
        try:
            fast = _joined(scorer, asked)
        except torch.OutOfMemoryError:
            raise
        except (RuntimeError, NotImplementedError, ValueError, TypeError) as error:
            # TypeError: an architecture that takes no such argument.
            return _fall_back(scorer.model, scorer.layout, f"{type(error).__name__}: {error}")
        plain = _joined(replace(scorer, layout=Layout.PADDED), asked)
    gap = (fast - plain).abs()
    difference = (gap.mean() if scorer.bf16 else gap.max()).item()
    # Written so that a difference that is no number fails too.
    if not difference <= (TOLERANCE_BF16 if scorer.bf16 else TOLERANCE):
        reason = f"log-probabilities differ by {difference:.3g}"
        return _fall_back(scorer.model, scorer.layout, reason)
    log.info("scoring.checked", layout=scorer.layout, difference=difference)
    return scorer.layout


def _joined(scorer: Scorer, asked: Sequence[Asked]) -> Tensor:
    return torch.cat([logp_T for logps in scorer.score(asked) for logp_T in logps])


def _token_ids(model: nn.Module) -> list[Asked]:
    """Draw prompts and responses, the same for a vocabulary at every start."""
    config: Any = model.config
    lengths = [length for extent in _EXTENTS for length in extent]
    ids = torch.randint(
        config.get_text_config().vocab_size,
        (sum(lengths),),
        generator=torch.Generator().manual_seed(0),
    )
    drawn = iter(torch.split(ids, lengths))
    asked = []
    for extent in _EXTENTS:
        prompt, *responses = (next(drawn).tolist() for _ in extent)
        asked.append(Asked(prompt, responses))
    return asked


def _fall_back(model: nn.Module, refused: Layout, reason: str) -> Layout:
    log.error(
        "scoring.fallback",
        reason=reason,
        architecture=type(model).__name__,
        layout=Layout.PADDED,
        refused=refused,
    )
    return Layout.PADDED
