"""Attention in a shared row with no mask over all pairs of positions.

Prompts attend to themselves, and the responses, padded to the longest, to their prompts and
themselves; `attention` says beside which other ways. Registered with transformers as `split`.

Shape suffixes: B rows, H heads, L positions, D size of a head, G prompts, P tokens of the longest,
N responses, T tokens of the longest, K keys.
"""

import sys
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import (
    causal_mask_function,
    sdpa_mask,
    sliding_window_causal_mask_function,
)

from trainer.rows.layout import Row

SPLIT = "split"
"""Name under which the implementation below is known to transformers."""


@dataclass(frozen=True, kw_only=True)
class SplitRow:
    """Where prompts and responses lie in a shared row."""

    prompt_GP: Tensor
    """Positions of the prompts, each padded to the longest by positions behind it."""
    response_NT: Tensor
    """Positions of the responses, each padded to the longest, at most to the row's last."""
    group_N: Tensor
    """The prompt of each response."""
    prompt_length_N: Tensor
    """Tokens of each response's prompt; one for all of them where all prompts are equally long."""
    back_L: Tensor
    """Where each position of the row is found behind one another: prompts, then responses."""
    known: dict[int | None, Tensor] = field(default_factory=dict)
    """What responses see under a window that a layer has asked for; others ask for the same."""

    def of_prompts(self, window: int | None) -> Tensor:
        """Return what tokens of a prompt see of it under a window (1, 1, P, P)."""
        length = self.prompt_GP.shape[1]
        mask: Tensor = sdpa_mask(
            1,
            length,
            length,
            mask_function=alone(window),
            allow_is_causal_skip=False,
            device=self.prompt_GP.device,
        )
        return mask

    def of_responses(self, window: int | None) -> Tensor:
        """Return what response tokens see of their prompts and responses (N or 1, 1, T, K)."""
        if window not in self.known:
            device = self.response_NT.device
            token_P = torch.arange(self.prompt_GP.shape[1], device=device)
            token_T = torch.arange(self.response_NT.shape[1], device=device)
            before_N11 = self.prompt_length_N[:, None, None]
            prompt_NTP = (token_P < before_N11).expand(-1, len(token_T), -1)
            own_TT = token_T <= token_T[:, None]
            if window is not None:
                prompt_NTP = prompt_NTP & (before_N11 + token_T[:, None] - token_P < window)
                own_TT = own_TT & (token_T[:, None] - token_T < window)
            own_NTT = own_TT.expand(len(prompt_NTP), -1, -1)
            self.known[window] = torch.cat([prompt_NTP, own_NTT], dim=2)[:, None]
        return self.known[window]


def split_row(row: Row) -> SplitRow:
    """Say where prompts and responses lie; made once for a row, used by every layer."""
    device, last = row.ids_BL.device, row.ids_BL.shape[1] - 1
    prompts = [extent.prompt for extent in row.extents]
    group = [g for g, extent in enumerate(row.extents) for _ in extent.lengths]
    lengths = [length for extent in row.extents for length in extent.lengths]
    sizes = [extent.prompt + sum(extent.lengths) for extent in row.extents]
    starts_G = [0, *accumulate(sizes)][:-1]
    starts_N = [
        start + extent.prompt + sum(extent.lengths[:number])
        for start, extent in zip(starts_G, row.extents, strict=True)
        for number in range(len(extent.lengths))
    ]
    longest, most = max(prompts), max(lengths)
    token_P = torch.arange(longest, device=device)
    token_T = torch.arange(most, device=device)
    # By lengths that Python knows, so that it also works where tensors have no content.
    parts = [
        *(
            (start, g * longest, n)
            for g, (start, n) in enumerate(zip(starts_G, prompts, strict=True))
        ),
        *(
            (start, len(prompts) * longest + number * most, n)
            for number, (start, n) in enumerate(zip(starts_N, lengths, strict=True))
        ),
    ]
    laid_L = torch.cat([start + torch.arange(n, device=device) for start, _, n in parts])
    place_L = torch.cat([place + torch.arange(n, device=device) for _, place, n in parts])
    alike = len(set(prompts)) == 1
    return SplitRow(
        prompt_GP=(_column(starts_G, device) + token_P).clamp_max(last),
        response_NT=(_column(starts_N, device) + token_T).clamp_max(last),
        group_N=torch.tensor(group, device=device),
        prompt_length_N=torch.tensor(
            prompts[:1] if alike else [prompts[g] for g in group], device=device
        ),
        back_L=place_L[laid_L.argsort()],
    )


def _column(numbers: list[int], device: torch.device) -> Tensor:
    return torch.tensor(numbers, device=device)[:, None]


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
    window = options.get("sliding_window")
    # A window that reaches over the whole prompt leaves it what kernels without masks can do.
    narrow = window is not None and window < split.prompt_GP.shape[1]
    # Padding stands behind a prompt, where its own tokens do not look.
    key_GHPD, value_GHPD = _at(key_BHLD, split.prompt_GP), _at(value_BHLD, split.prompt_GP)
    of_prompts_GPHD = _attend(
        module,
        _at(query_BHLD, split.prompt_GP),
        key_GHPD,
        value_GHPD,
        split.of_prompts(window) if narrow else None,
        is_causal=not narrow,
        **options,
    )
    of_responses_NTHD = _attend(
        module,
        _at(query_BHLD, split.response_NT),
        _behind(key_GHPD, key_BHLD, split),
        _behind(value_GHPD, value_BHLD, split),
        split.of_responses(window),
        is_causal=False,
        **options,
    )
    found = torch.cat([of_prompts_GPHD.flatten(0, 1), of_responses_NTHD.flatten(0, 1)])
    return found.index_select(0, split.back_L)[None], None


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
        mask = added(mask, query_BHLD.dtype)
    attended: Tensor = attend(module, query_BHLD, key_BHLD, value_BHLD, mask, **options)[0]
    return attended


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


def alone(window: int | None) -> Any:
    """Return the mask function of a sequence that stands alone."""
    return causal_mask_function if window is None else sliding_window_causal_mask_function(window)


def added(sees: Tensor, dtype: torch.dtype) -> Tensor:
    """Return a mask as numbers that are added to scores."""
    return torch.zeros_like(sees, dtype=dtype).masked_fill(~sees, torch.finfo(dtype).min)
