"""Which layout a model is trained in, and the proof that it gives what plain rows give.

Models differ in what they do with positions and masks, and one that ignores them is not noticed
by anything: the loss falls all the same. So the fast layout is held against padded rows before
the first step, and given up, loudly, where the two differ.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from infra.observability import logs
from trainer.models.model import set_attention
from trainer.rows import attention
from trainer.rows.head import head_of
from trainer.rows.layout import Asked, Layout
from trainer.rows.scoring import Scorer

log = logs.get(__name__)

TOLERANCE = 1e-3
"""Largest difference of one token's log-probability, in nats; a wrong mask moves it by tenths."""

TOLERANCE_BF16 = 0.05
"""Largest mean difference with half precision, where single tokens differ by a few hundredths."""

_EXTENTS = ((48, 21, 1, 34, 8), (29, 5, 13))
"""Tokens of two prompts, and of the responses to each."""
_FEW = 8
"""Tokens of a chunk: so few that these responses make several."""
_WINDOW = 20
"""Positions that a window is narrowed to for the check: fewer than each prompt has, so that some
tokens of a response see none of it."""


def suitable_layout(model: nn.Module) -> Layout:
    """Return the fastest layout that a model's attention can express."""
    config: Any = model.config
    kinds = set(attention.windows(config))
    if not kinds <= {attention.FULL, attention.SLIDING}:
        # Chunks and states count over neighbours in the row; ours are not always neighbours.
        return _fall_back(model, Layout.SHARED, f"layers of the kinds {sorted(kinds)}")
    return Layout.PACKED if "flash" in str(config._attn_implementation) else Layout.SHARED


def checked(scorer: Scorer) -> Layout:
    """Score some token ids in the scorer's layout and in padded rows; return one to trust.

    Two prompts and responses of different length stand in one row, so that a model in which they
    see one another, or their padding, or stand in the wrong place, is found out. What is right is
    said by padded rows and the attention that a model's own file defines, which leaves out nothing
    that the model adds to attention; where padded rows differ from that in the scorer's attention
    too, the model attends with its own from here on.
    """
    config: Any = scorer.model.config
    chosen = str(config._attn_implementation)
    padded = replace(scorer, layout=Layout.PADDED)
    with _narrow_windows(scorer.model):
        set_attention(scorer.model, "eager")
        expected = _scored(padded)
        set_attention(scorer.model, chosen)
        found = {one.layout: _compared(one, expected) for one in (scorer, padded)}
    for layout, trouble in found.items():
        if trouble is None:
            log.info("scoring.checked", layout=layout)
            return layout
        _fall_back(scorer.model, layout, trouble)
    log.error("attention.fallback", architecture=type(scorer.model).__name__, attention="eager")
    set_attention(scorer.model, "eager")
    return Layout.PADDED


def _compared(scorer: Scorer, expected: Tensor) -> str | None:
    """Return what is wrong with a scorer's log-probabilities, or None."""
    try:
        gap = (_scored(scorer) - expected).abs()
    except torch.OutOfMemoryError:
        raise
    except (RuntimeError, NotImplementedError, ValueError, TypeError, AttributeError) as error:
        # The last two: an architecture that takes no such argument, or no such mask.
        return f"{type(error).__name__}: {error}"
    difference = (gap.mean() if scorer.bf16 else gap.max()).item()
    # Written so that a difference that is no number counts as one.
    if not difference <= (TOLERANCE_BF16 if scorer.bf16 else TOLERANCE):
        return f"log-probabilities differ by {difference:.3g}"
    return None


def _scored(scorer: Scorer) -> Tensor:
    asked = _token_ids(scorer.model)
    with torch.no_grad():
        return torch.cat([logp_T for logps in scorer.score(asked) for logp_T in logps])


def checked_head(scorer: Scorer) -> nn.Linear | None:
    """Return the model's last layer if tokens may be given to it by chunks, else None.

    Where a model does more to logits than its configuration says, chunks are given up, loudly.
    """
    head = head_of(scorer.model)
    if head is None:
        log.info("scoring.whole_logits", architecture=type(scorer.model).__name__)
        return None
    plain = replace(scorer, layout=Layout.PADDED, head=None)
    by_chunks = replace(plain, head=head, chunk_elements=_FEW * head.out_features)
    difference = (_scored(by_chunks) - _scored(plain)).abs().max().item()
    if not difference <= (TOLERANCE_BF16 if scorer.bf16 else TOLERANCE):
        log.error(
            "scoring.whole_logits",
            reason=f"log-probabilities by chunks differ by {difference:.3g}",
            architecture=type(scorer.model).__name__,
        )
        return None
    return head


@contextmanager
def _narrow_windows(model: nn.Module) -> Iterator[None]:
    """Let windows be narrower than the check's rows are long, or it would not tell of them."""
    config: Any = model.config
    holders: list[Any] = [config.get_text_config(), *model.modules()]
    wide = [
        (holder, vars(holder)["sliding_window"])
        for holder in holders
        if isinstance(vars(holder).get("sliding_window"), int)
    ]
    for holder, window in wide:
        holder.sliding_window = min(window, _WINDOW)
    try:
        yield
    finally:
        for holder, window in wide:
            holder.sliding_window = window


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
