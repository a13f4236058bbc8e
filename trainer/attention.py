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

Shape suffixes: B rows, H heads, L positions, D size of a head, G prompts, P tokens of the longest,
N responses, T tokens of the longest, K keys.
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
    """Where prompts and responses lie in a shared row."""

    prompt_GP: Tensor
    """Positions of the prompts, each padded to the longest by positions behind it."""
    response_NT: Tensor
    """Positions of the responses, each padded to the longest, at most to the row's last."""
    group_N: Tensor
    """The prompt of each response."""
    mask_NTK: Tensor
    """Whether a response token sees a token of its prompt or of its response; one for all of them
    where all prompts are equally long."""
    back_L: Tensor
    """Where each position of the row is found behind one another: prompts, then responses."""


def split_row(row: Row) -> SplitRow:
    """Say where prompts and responses lie; made once for a row, used by every layer."""
    device, last = row.ids_BL.device, row.ids_BL.shape[1] - 1
    prompts = [extent.prompt for extent in row.extents]
    counts = [len(extent.lengths) for extent in row.extents]
    prompt_G = torch.tensor(prompts, device=device)
    group_N = torch.repeat_interleave(torch.tensor(counts, device=device))
    lengths = [length for extent in row.extents for length in extent.lengths]
    length_N = torch.tensor(lengths, device=device)
    own_G = torch.tensor([e.prompt + sum(e.lengths) for e in row.extents], device=device)
    start_G = own_G.cumsum(0) - own_G
    # Before a response stand all responses before it, and the prompts up to its own.
    start_N = length_N.cumsum(0) - length_N + prompt_G.cumsum(0)[group_N]
    token_P = torch.arange(max(prompts), device=device)
    token_T = torch.arange(max(lengths), device=device)
    of_prompt_GP = token_P < prompt_G[:, None]
    of_response_NT = token_T < length_N[:, None]
    prompt_GP = (start_G[:, None] + token_P).clamp_max(last)
    response_NT = (start_N[:, None] + token_T).clamp_max(last)
    laid = torch.cat([prompt_GP[of_prompt_GP], response_NT[of_response_NT]])
    place = torch.cat([of_prompt_GP.flatten(), of_response_NT.flatten()]).nonzero().squeeze(-1)
    sees_prompt_GP = of_prompt_GP[:1] if len(set(prompts)) == 1 else of_prompt_GP[group_N]
    causal_TT = token_T <= token_T[:, None]
    mask_NTK = torch.cat(
        [
            sees_prompt_GP[:, None].expand(-1, len(token_T), -1),
            causal_TT.expand(len(sees_prompt_GP), -1, -1),
        ],
        dim=2,
    )
    return SplitRow(
        prompt_GP=prompt_GP,
        response_NT=response_NT,
        group_N=group_N,
        mask_NTK=mask_NTK,
        back_L=place[laid.argsort()],
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
    # Padding stands behind a prompt, where its own tokens do not look.
    key_GHPD, value_GHPD = _at(key_BHLD, split.prompt_GP), _at(value_BHLD, split.prompt_GP)
    of_prompts_GPHD, _ = sdpa_attention_forward(
        module,
        _at(query_BHLD, split.prompt_GP),
        key_GHPD,
        value_GHPD,
        None,
        is_causal=True,
        **options,
    )
    of_responses_NTHD, _ = sdpa_attention_forward(
        module,
        _at(query_BHLD, split.response_NT),
        _behind(key_GHPD, key_BHLD, split),
        _behind(value_GHPD, value_BHLD, split),
        split.mask_NTK[:, None],
        is_causal=False,
        **options,
    )
    found = torch.cat([of_prompts_GPHD.flatten(0, 1), of_responses_NTHD.flatten(0, 1)])
    return found.index_select(0, split.back_L)[None], None


def _at(x_BHLD: Tensor, place_GP: Tensor) -> Tensor:
    """Return what stands at some positions of a row, as rows of their own."""
    return x_BHLD[0][:, place_GP].transpose(0, 1)


def _behind(prompt_GHPD: Tensor, x_BHLD: Tensor, split: SplitRow) -> Tensor:
    """Return each response behind its prompt."""
    own_NHTD = _at(x_BHLD, split.response_NT)
    if len(prompt_GHPD) == 1:
        prompt_NHPD = prompt_GHPD.expand(len(own_NHTD), -1, -1, -1)
    else:
        prompt_NHPD = prompt_GHPD.index_select(0, split.group_N)
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
            lengths = [one.prompt + own for one in row.extents for own in one.lengths]
            return {"attention_mask": row.positions_BL < row.ids_BL.new_tensor(lengths)[:, None]}
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
    near_LL = row.group_L[:, None] == row.group_L[None]
    own_LL = row.owner_L[:, None] == row.owner_L[None]
    seen_LL = near_LL & (own_LL | (row.owner_L == 0)[None])
    return seen_LL & (place_L[:, None] >= place_L[None])


def _block_mask(row: Row) -> Any:
    group_L, owner_L = row.group_L, row.owner_L

    def sees(_batch: Tensor, _head: Tensor, query: Tensor, key: Tensor) -> Tensor:
        near = group_L[query] == group_L[key]
        own = owner_L[query] == owner_L[key]
        return near & (own | (owner_L[key] == 0)) & (query >= key)

    length = len(owner_L)
    return create_block_mask(sees, None, None, length, length, device=owner_L.device)
