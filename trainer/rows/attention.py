"""What a position may see in a shared row, in the form each attention implementation wants.

A position sees its prompt and what came before it in its own response. Four ways to say so:

    sdpa             a boolean mask over all pairs of positions
    eager            the same, as numbers to add
    flex_attention   a block-sparse mask, for GPUs
    split            no mask over pairs at all: prompts attend to themselves, and the responses,
                     padded to the longest, to their prompts and themselves

`split` is registered with transformers as an implementation of its own. Its work grows with the
number of responses, where that of a mask over all pairs grows with its square; measured on a CPU
with 32 responses it is twice as fast (tests/benchmarks/trainer). Flash kernels take no mask, so
under them responses are packed instead.

A layer with a window sees only what stands fewer positions before than the window has, positions
counted as if each response stood alone. What `sdpa` cannot compute, soft caps and attention sinks,
`split` leaves to the model's own arithmetic.

Shape suffixes: B rows, H heads, L positions, D size of a head, G prompts, P tokens of the longest,
N responses, T tokens of the longest, K keys.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn.attention.flex_attention import create_block_mask
from transformers.masking_utils import (
    and_masks,
    remap_positions_for_packed_sequence,
    sdpa_mask,
)

from trainer.rows.layout import Layout, Row
from trainer.rows.split import SPLIT, added, alone, split_row

FULL, SLIDING = "full_attention", "sliding_attention"
"""Kinds of layers, as configurations of models name them."""


def windows(config: Any) -> dict[str, int | None]:
    """Return the kinds of a model's layers, and how many positions a layer of each kind sees back
    from a position, itself included; None for all."""
    text = config.get_text_config()
    window = getattr(text, "sliding_window", None)
    kinds = getattr(text, "layer_types", None) or [FULL if window is None else SLIDING]
    return {kind: window if kind == SLIDING else None for kind in sorted(set(kinds))}


def inputs(row: Row, config: Any) -> dict[str, Any]:
    """Return what a model's forward pass needs beside ids to see a row as it is meant.

    `config` is the model's, which names its layers and how they attend.

    Raises:
        ValueError: the implementation takes no mask, so it cannot see a shared row.
    """
    match row.layout:
        case Layout.PADDED:
            lengths = [one.prompt + own for one in row.extents for own in one.lengths]
            return {"attention_mask": row.positions_BL < row.ids_BL.new_tensor(lengths)[:, None]}
        case Layout.PACKED:
            # transformers tells sequences apart by positions that start anew, but only where no
            # mask and no cache is given; with either, sequences see one another, silently.
            return {"position_ids": row.positions_BL}
        case Layout.SHARED:
            return {"position_ids": row.positions_BL} | _shared_inputs(row, config)


def _shared_inputs(row: Row, config: Any) -> dict[str, Any]:
    implementation = config._attn_implementation
    if implementation == SPLIT:
        # A mask of four dimensions is handed through as it is, so that none is made in vain.
        nothing = row.ids_BL.new_ones((1, 1, 1, 1), dtype=torch.bool)
        return {"attention_mask": nothing, "split": split_row(row)}
    makers = {"sdpa": _boolean, "eager": _numbers, "flex_attention": _block_mask}
    if implementation not in makers:
        raise ValueError(f"{implementation!r} cannot see a shared row: it takes no mask")
    masks = {kind: makers[implementation](row, window) for kind, window in windows(config).items()}
    # Models whose layers differ take a mask for each kind.
    return {"attention_mask": masks if len(masks) > 1 else next(iter(masks.values()))}


def _sees(row: Row, window: int | None) -> Any:
    """Return the mask function of a shared row."""
    group_L, owner_L = row.group_L, row.owner_L

    def is_prompt_or_own(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        near = group_L[query] == group_L[key]
        return near & ((owner_L[query] == owner_L[key]) | (owner_L[key] == 0))

    as_alone = remap_positions_for_packed_sequence(alone(window), row.positions_BL)
    return and_masks(is_prompt_or_own, as_alone)


def _boolean(row: Row, window: int | None) -> Tensor:
    length = len(row.owner_L)
    mask: Tensor = sdpa_mask(
        1,
        length,
        length,
        mask_function=_sees(row, window),
        allow_is_causal_skip=False,
        device=row.owner_L.device,
    )
    return mask


def _numbers(row: Row, window: int | None) -> Tensor:
    return added(_boolean(row, window), torch.float32)


def _block_mask(row: Row, window: int | None) -> Any:
    length, device = len(row.owner_L), row.owner_L.device
    return create_block_mask(_sees(row, window), None, None, length, length, device=device)
