"""What a position may see in a shared row, in the form each attention implementation wants.

A position sees the prompt and what came before it in its own response. Four ways to say so:

    sdpa             a boolean mask over all pairs of positions
    eager            the same, as numbers to add
    flex_attention   a block-sparse mask, for GPUs
    split            no mask over pairs at all: the prompt attends to itself, and the responses,
                     padded to the longest, to the prompt and themselves

`split` is registered with transformers as an implementation of its own. Its work grows with the
number of responses, where that of a mask over all pairs grows with its square; measured on a CPU
with 32 responses it is twice as fast (tests/benchmarks/trainer). Flash kernels take no mask, so
under them responses are packed instead.

A layer with a window sees only what stands fewer positions before than the window has, positions
counted as if each response stood alone. What `sdpa` cannot compute, soft caps and attention sinks,
`split` leaves to the model's own arithmetic.

Shape suffixes: B rows, H heads, L positions, D size of a head, N responses,
T tokens of the longest, K keys.
"""

import sys
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import (
    and_masks,
    causal_mask_function,
    remap_positions_for_packed_sequence,
    sdpa_mask,
    sliding_window_causal_mask_function,
)

from trainer.layout import Layout, Row

SPLIT = "split"
"""Name under which the implementation below is known to transformers."""

FULL, SLIDING = "full_attention", "sliding_attention"
"""Kinds of layers, as configurations of models name them."""


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """Where prompt and responses lie in a shared row."""

    prompt_length: int
    gather_NT: Tensor
    """Positions of the responses, each padded to the longest by repeating the row's last."""
    scatter_R: Tensor
    """Where the response positions of the row are found in the flattened `gather_NT`."""
    longest: int
    """Tokens of the longest response."""
    known: dict[tuple[int, int, int], Tensor] = field(default_factory=dict)
    """Masks that a layer has asked for; others ask for the same."""

    def mask(self, before: int, count: int, window: int | None) -> Tensor:
        """Return what `count` tokens behind `before` others see of all of them (1, 1, T, K)."""
        asked = (before, count, window or 0)
        if asked not in self.known:
            self.known[asked] = sdpa_mask(
                1,
                count,
                before + count,
                q_offset=before,
                mask_function=_back(window),
                allow_is_causal_skip=False,
                device=self.gather_NT.device,
            )
        return self.known[asked]


def split_row(row: Row) -> SplitRow:
    """Say where prompt and responses lie; made once for a row, used by every layer."""
    device, prompt, longest = row.ids_BL.device, row.prompt_length, max(row.lengths)
    lengths_N = torch.tensor(row.lengths, device=device)
    starts_N = prompt + lengths_N.cumsum(0) - lengths_N
    token_T = torch.arange(longest, device=device)
    own_NT = token_T < lengths_N[:, None]
    return SplitRow(
        prompt_length=prompt,
        gather_NT=(starts_N[:, None] + token_T).clamp_max(row.ids_BL.shape[1] - 1),
        scatter_R=own_NT.flatten().nonzero().squeeze(-1),
        longest=longest,
    )


def split_attention(
    module: nn.Module,
    query_BHLD: Tensor,
    key_BHLD: Tensor,
    value_BHLD: Tensor,
    attention_mask: Tensor | None,
    split: SplitRow | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Attend within one shared row; without `split`, do what `sdpa` does."""
    if split is None:
        return _attend(module, query_BHLD, key_BHLD, value_BHLD, attention_mask, **options), None
    options.pop("is_causal", None)
    prompt, window = split.prompt_length, options.get("sliding_window")
    # A window that reaches over the whole prompt leaves it what kernels without masks can do.
    narrow = window is not None and window < prompt
    of_prompt = _attend(
        module,
        query_BHLD[:, :, :prompt],
        key_BHLD[:, :, :prompt],
        value_BHLD[:, :, :prompt],
        split.mask(0, prompt, window) if narrow else None,
        is_causal=not narrow,
        **options,
    )
    of_responses_NTHD = _attend(
        module,
        _responses(query_BHLD, split),
        _with_prompt(key_BHLD, split),
        _with_prompt(value_BHLD, split),
        split.mask(prompt, split.longest, window),
        is_causal=False,
        **options,
    )
    back_RHD = of_responses_NTHD.flatten(0, 1)[split.scatter_R]
    return torch.cat([of_prompt, back_RHD[None]], dim=1), None


def _attend(
    module: nn.Module,
    query_BHLD: Tensor,
    key_BHLD: Tensor,
    value_BHLD: Tensor,
    mask: Tensor | None,
    **options: Any,
) -> Tensor:
    """Attend as `sdpa` does; where that cannot do what the model wants, as the model's own code."""
    attend: Any = sdpa_attention_forward
    if options.get("softcap") is not None or options.get("s_aux") is not None:
        attend = sys.modules[type(module).__module__].eager_attention_forward
        if mask is None:
            # transformers leaves a mask out only where it says no more than what comes first.
            length = query_BHLD.shape[2]
            mask = query_BHLD.new_ones((1, 1, length, length), dtype=torch.bool).tril()
        mask = _added(mask, query_BHLD.dtype)
    attended: Tensor = attend(module, query_BHLD, key_BHLD, value_BHLD, mask, **options)[0]
    return attended


def _responses(x_BHLD: Tensor, split: SplitRow) -> Tensor:
    return x_BHLD[0][:, split.gather_NT].transpose(0, 1)


def _with_prompt(x_BHLD: Tensor, split: SplitRow) -> Tensor:
    own_NHTD = _responses(x_BHLD, split)
    prompt_NHPD = x_BHLD[:, :, : split.prompt_length].expand(len(own_NHTD), -1, -1, -1)
    return torch.cat([prompt_NHPD, own_NHTD], dim=2)


# Rows that are not shared get from `split` what they would get from `sdpa`, masks included:
# transformers makes no mask at all for a name it does not know.
AttentionInterface.register(SPLIT, split_attention)
AttentionMaskInterface.register(SPLIT, sdpa_mask)


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
            length_B1 = row.ids_BL.new_tensor([row.prompt_length + n for n in row.lengths])[:, None]
            return {"attention_mask": row.positions_BL < length_B1}
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


def _back(window: int | None) -> Any:
    """Return the mask function of a sequence that stands alone."""
    return causal_mask_function if window is None else sliding_window_causal_mask_function(window)


def _sees(row: Row, window: int | None) -> Any:
    """Return the mask function of a shared row."""
    owner_L = row.owner_L

    def is_prompt_or_own(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        return (owner_L[query] == owner_L[key]) | (owner_L[key] == 0)

    alone = remap_positions_for_packed_sequence(_back(window), row.positions_BL)
    return and_masks(is_prompt_or_own, alone)


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
    return _added(_boolean(row, window), torch.float32)


def _added(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a mask as numbers that are added to scores."""
    return torch.zeros_like(sees, dtype=dtype).masked_fill(~sees, torch.finfo(dtype).min)


def _block_mask(row: Row, window: int | None) -> Any:
    length, device = len(row.owner_L), row.owner_L.device
    return create_block_mask(_sees(row, window), None, None, length, length, device=device)
