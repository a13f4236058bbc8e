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

Shape suffixes: B rows, H heads, L positions, D size of a head, N responses,
T tokens of the longest, K keys.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention.flex_attention import create_block_mask
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from trainer.layout import Layout, Row

SPLIT = "split"
"""Name under which the implementation below is known to transformers."""

FLASH_PREFIX = "flash_attention"


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """Where prompt and responses lie in a shared row."""

    prompt_length: int
    gather_NT: Tensor
    """Positions of the responses, each padded to the longest by repeating the row's last."""
    scatter_R: Tensor
    """Where the response positions of the row are found in the flattened `gather_NT`."""
    mask_TK: Tensor
    """Whether a response token sees a token of the prompt or of its response."""


def split_row(row: Row) -> SplitRow:
    """Say where prompt and responses lie; made once for a row, used by every layer."""
    device, prompt, longest = row.ids_BL.device, row.prompt_length, max(row.lengths)
    lengths_N = torch.tensor(row.lengths, device=device)
    starts_N = prompt + lengths_N.cumsum(0) - lengths_N
    token_T = torch.arange(longest, device=device)
    own_R = [token_T[:length] + n * longest for n, length in enumerate(row.lengths)]
    key_K = torch.arange(prompt + longest, device=device)
    return SplitRow(
        prompt_length=prompt,
        gather_NT=(starts_N[:, None] + token_T).clamp_max(row.ids_BL.shape[1] - 1),
        scatter_R=torch.cat(own_R),
        mask_TK=key_K <= prompt + token_T[:, None],
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
        usual, _ = sdpa_attention_forward(
            module, query_BHLD, key_BHLD, value_BHLD, attention_mask, **options
        )
        return usual, None
    options.pop("is_causal", None)
    prompt = split.prompt_length
    of_prompt, _ = sdpa_attention_forward(
        module,
        query_BHLD[:, :, :prompt],
        key_BHLD[:, :, :prompt],
        value_BHLD[:, :, :prompt],
        None,
        is_causal=True,
        **options,
    )
    of_responses_NTHD, _ = sdpa_attention_forward(
        module,
        _responses(query_BHLD, split),
        _with_prompt(key_BHLD, split),
        _with_prompt(value_BHLD, split),
        split.mask_TK[None, None],
        is_causal=False,
        **options,
    )
    back_RHD = of_responses_NTHD.flatten(0, 1)[split.scatter_R]
    return torch.cat([of_prompt, back_RHD[None]], dim=1), None


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


def inputs(row: Row, implementation: str) -> dict[str, Any]:
    """Return what the model's forward pass needs beside ids to see a row as it is meant.

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
            return {"position_ids": row.positions_BL} | _shared_inputs(row, implementation)


def _shared_inputs(row: Row, implementation: str) -> dict[str, Any]:
    if implementation == SPLIT:
        # A mask of four dimensions is handed through as it is, so that none is made in vain.
        nothing = row.ids_BL.new_ones((1, 1, 1, 1), dtype=torch.bool)
        return {"attention_mask": nothing, "split": split_row(row)}
    if implementation == "flex_attention":
        return {"attention_mask": _block_mask(row)}
    if implementation == "sdpa":
        return {"attention_mask": _visible(row)[None, None]}
    if implementation == "eager":
        sees_LL = _visible(row)
        added_LL = torch.zeros_like(sees_LL, dtype=torch.float32)
        lowest = torch.finfo(torch.float32).min
        return {"attention_mask": added_LL.masked_fill(~sees_LL, lowest)[None, None]}
    raise ValueError(f"{implementation!r} cannot see a shared row: it takes no mask")


def _visible(row: Row) -> Tensor:
    place_L = torch.arange(len(row.owner_L), device=row.owner_L.device)
    own_LL = row.owner_L[:, None] == row.owner_L[None]
    return (own_LL | (row.owner_L == 0)[None]) & (place_L[:, None] >= place_L[None])


def _block_mask(row: Row) -> Any:
    owner_L = row.owner_L

    def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        own = owner_L[query] == owner_L[key]
        return (own | (owner_L[key] == 0)) & (query >= key)

    length = len(owner_L)
    return create_block_mask(sees, None, None, length, length, device=owner_L.device)
