"""How prompts and their responses lie in a row of tokens: pure arithmetic on ids and positions.

    padded   one row for each response: prompt + response, padded on the right
    packed   one row: prompt + response, prompt + response, ..., no padding
    shared   one row: a prompt once, then all its responses, each of which sees the prompt and
             itself; then the next prompt with its responses, which see nothing of the first

With N responses of R tokens to a prompt of P tokens, padded and packed rows hold N(P + R) tokens
or more, a shared row P + NR.

Shape suffixes: B rows, L positions, R predicted tokens, N responses, T tokens of the longest.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor


class Layout(StrEnum):
    """How responses are laid out for one forward pass."""

    SHARED = "shared"
    PACKED = "packed"
    PADDED = "padded"


@dataclass(frozen=True)
class Asked:
    """A prompt and some of its responses, as token ids."""

    prompt: Sequence[int]
    responses: Sequence[Sequence[int]]


@dataclass(frozen=True)
class Extent:
    """How many tokens a prompt and each of its responses have."""

    prompt: int
    lengths: Sequence[int]

    @property
    def longest(self) -> int:
        """Tokens of the prompt with its longest response."""
        return self.prompt + max(self.lengths)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one forward pass reads and predicts."""

    layout: Layout
    extents: list[Extent]
    ids_BL: Tensor
    positions_BL: Tensor
    """Restart for each response, so that it stands where it would stand alone."""
    group_L: Tensor
    """Prompt that a position belongs to, itself or one of its responses; empty when padded."""
    owner_L: Tensor
    """Response that a position belongs to, from 1; 0 for a shared prompt; empty when padded."""
    keep_R: Tensor
    """Positions whose logits are needed: each predicts one response token."""
    target_BR: Tensor
    """The token that each kept position predicts."""
    pick_N: list[Tensor]
    """Where the predictions of each response lie in the flattened target."""


def size(extents: Sequence[Extent], layout: Layout) -> int:
    """Return how many positions, padding included, a forward pass over responses takes."""
    match layout:
        case Layout.SHARED:
            return sum(extent.prompt + sum(extent.lengths) for extent in extents)
        case Layout.PACKED:
            return sum(
                extent.prompt * len(extent.lengths) + sum(extent.lengths) for extent in extents
            )
        case Layout.PADDED:
            rows = sum(len(extent.lengths) for extent in extents)
            return rows * max(extent.longest for extent in extents)


def plan(extent: Extent, layout: Layout, max_tokens: int) -> list[list[int]]:
    """Divide responses over forward passes of at most `max_tokens`, at least one to a pass.

    Returns the indices of the responses in each pass. Those of similar length come together, so
    that little is padded; when all fit into one pass, they keep their order.
    """
    prompt, lengths = extent.prompt, extent.lengths
    if size([extent], layout) <= max_tokens:
        return [list(range(len(lengths)))]
    passes: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        together = [*passes[-1], index] if passes else [index]
        fits = size([Extent(prompt, [lengths[i] for i in together])], layout) <= max_tokens
        if passes and fits:
            passes[-1] = together
        else:
            passes.append([index])
    return passes


def pack(extents: Sequence[Extent], layout: Layout, max_tokens: int) -> list[list[int]]:
    """Put what is small into forward passes of at most `max_tokens` together; return the indices.

    Like comes to like: in no pass is more than half of what attention reads padding.
    """
    passes: list[list[int]] = []
    for index in sorted(range(len(extents)), key=lambda index: extents[index].longest):
        together = [extents[i] for i in (*passes[-1], index)] if passes else []
        if together and size(together, layout) <= max_tokens and _is_alike(together):
            passes[-1].append(index)
        else:
            passes.append([index])
    return passes


def _is_alike(extents: Sequence[Extent]) -> bool:
    """Tell whether keys of attention, padded to the longest, are at most twice what they were."""
    prompt = max(extent.prompt for extent in extents)
    longest = max(max(extent.lengths) for extent in extents)
    padded = sum(len(extent.lengths) for extent in extents) * (prompt + longest)
    return padded <= 2 * sum(len(extent.lengths) * extent.longest for extent in extents)


def lay_out(asked: Sequence[Asked], layout: Layout, device: torch.device | str = "cpu") -> Row:
    """Build the tensors of one forward pass.

    Raises:
        ValueError: a prompt or a response is empty, or a prompt has no response.
    """
    if not asked or not all(one.prompt and one.responses and all(one.responses) for one in asked):
        raise ValueError("a prompt and a response need at least one token")
    if layout is Layout.PADDED:
        return _padded(asked, device)
    return _in_one_row(asked, layout, device)


def _in_one_row(asked: Sequence[Asked], layout: Layout, device: torch.device | str) -> Row:
    shared = layout is Layout.SHARED
    ids: list[int] = []
    positions: list[int] = []
    group: list[int] = []
    owner: list[int] = []
    keep: list[int] = []
    target: list[int] = []
    number = 0
    for place, one in enumerate(asked):
        start = len(one.prompt)
        if shared:
            ids += one.prompt
            positions += range(start)
            owner += [0] * start
        # The last prompt token predicts the first of a response; for all of them when shared.
        first = len(ids) - 1
        for response in one.responses:
            number += 1
            own = list(response) if shared else [*one.prompt, *response]
            begin = len(ids) + len(own) - len(response)
            keep += [first if shared else begin - 1, *range(begin, begin + len(response) - 1)]
            ids += own
            positions += range(start + len(response) - len(own), start + len(response))
            owner += [number] * len(own)
            target += response
        group += [place] * (len(ids) - len(group))
    extents = _extents(asked)
    lengths = [length for extent in extents for length in extent.lengths]
    return Row(
        layout=layout,
        extents=extents,
        ids_BL=torch.tensor([ids], device=device),
        positions_BL=torch.tensor([positions], device=device),
        group_L=torch.tensor(group, device=device),
        owner_L=torch.tensor(owner, device=device),
        keep_R=torch.tensor(keep, device=device),
        target_BR=torch.tensor([target], device=device),
        pick_N=list(torch.split(torch.arange(len(target), device=device), lengths)),
    )


def _extents(asked: Sequence[Asked]) -> list[Extent]:
    return [Extent(len(one.prompt), [len(own) for own in one.responses]) for one in asked]


def _padded(asked: Sequence[Asked], device: torch.device | str) -> Row:
    extents = _extents(asked)
    longest = max(extent.longest for extent in extents)
    # Where prompts end differently, more logits are made than are needed.
    first = min(extent.prompt for extent in extents) - 1
    rows = [[*one.prompt, *response] for one in asked for response in one.responses]
    ids_BL = torch.tensor([row + [0] * (longest - len(row)) for row in rows], device=device)
    spans = [(extent.prompt, length) for extent in extents for length in extent.lengths]
    nothing = torch.empty(0, dtype=torch.long, device=device)
    return Row(
        layout=Layout.PADDED,
        extents=extents,
        ids_BL=ids_BL,
        positions_BL=torch.arange(longest, device=device).expand_as(ids_BL),
        group_L=nothing,
        owner_L=nothing,
        keep_R=torch.arange(first, longest - 1, device=device),
        target_BR=ids_BL[:, first + 1 :],
        pick_N=[
            row * (longest - 1 - first)
            + torch.arange(prompt - 1 - first, prompt - 1 - first + length, device=device)
            for row, (prompt, length) in enumerate(spans)
        ],
    )
