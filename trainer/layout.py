"""How the responses of one prompt lie in a row of tokens: pure arithmetic on ids and positions.

    padded   one row for each response: prompt + response, padded on the right
    packed   one row: prompt + response, prompt + response, ..., no padding
    shared   one row: the prompt once, then all responses; each sees the prompt and itself

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


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one forward pass reads and predicts."""

    layout: Layout
    prompt_length: int
    lengths: list[int]
    """Tokens of each response."""
    ids_BL: Tensor
    positions_BL: Tensor
    """Restart for each response, so that it stands where it would stand alone."""
    owner_L: Tensor
    """Response that a position belongs to, from 1; 0 for the shared prompt; empty when padded."""
    keep_R: Tensor
    """Positions whose logits are needed: each predicts one response token."""
    target_BR: Tensor
    """The token that each kept position predicts."""
    pick_N: list[Tensor]
    """Where the predictions of each response lie in the flattened target."""


def size(prompt_length: int, lengths: Sequence[int], layout: Layout) -> int:
    """Return how many positions, padding included, a forward pass over responses takes."""
    match layout:
        case Layout.SHARED:
            return prompt_length + sum(lengths)
        case Layout.PACKED:
            return sum(prompt_length + length for length in lengths)
        case Layout.PADDED:
            return len(lengths) * (prompt_length + max(lengths))


def plan(
    prompt_length: int, lengths: Sequence[int], layout: Layout, max_tokens: int
) -> list[list[int]]:
    """Divide responses over forward passes of at most `max_tokens`, at least one to a pass.

    Returns the indices of the responses in each pass. Those of similar length come together, so
    that little is padded; when all fit into one pass, they keep their order.
    """
    if size(prompt_length, lengths, layout) <= max_tokens:
        return [list(range(len(lengths)))]
    passes: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        together = [*passes[-1], index] if passes else [index]
        fits = size(prompt_length, [lengths[i] for i in together], layout) <= max_tokens
        if passes and fits:
            passes[-1] = together
        else:
            passes.append([index])
    return passes


def lay_out(
    prompt: Sequence[int],
    responses: Sequence[Sequence[int]],
    layout: Layout,
    device: torch.device | str = "cpu",
) -> Row:
    """Build the tensors of one forward pass.

    Raises:
        ValueError: the prompt or a response is empty, or there is no response.
    """
    if not prompt or not responses or not all(responses):
        raise ValueError("a prompt and a response need at least one token")
    if layout is Layout.PADDED:
        return _padded(prompt, responses, device)
    return _in_one_row(prompt, responses, layout, device)


def _in_one_row(
    prompt: Sequence[int],
    responses: Sequence[Sequence[int]],
    layout: Layout,
    device: torch.device | str,
) -> Row:
    start = len(prompt)
    shared = layout is Layout.SHARED
    ids: list[int] = list(prompt) if shared else []
    positions: list[int] = list(range(start)) if shared else []
    owner: list[int] = [0] * len(ids)
    keep: list[int] = []
    for number, response in enumerate(responses, 1):
        own = list(response) if shared else [*prompt, *response]
        # The last prompt token predicts the first of the response; for all of them when shared.
        first = start - 1 if shared else len(ids) + start - 1
        begin = len(ids) if shared else first + 1
        keep += [first, *range(begin, begin + len(response) - 1)]
        ids += own
        positions += range(start + len(response) - len(own), start + len(response))
        owner += [number] * len(own)
    lengths = [len(response) for response in responses]
    target = torch.tensor([token for response in responses for token in response], device=device)
    return Row(
        layout=layout,
        prompt_length=start,
        lengths=lengths,
        ids_BL=torch.tensor([ids], device=device),
        positions_BL=torch.tensor([positions], device=device),
        owner_L=torch.tensor(owner, device=device),
        keep_R=torch.tensor(keep, device=device),
        target_BR=target[None],
        pick_N=list(torch.split(torch.arange(len(target), device=device), lengths)),
    )


def _padded(
    prompt: Sequence[int], responses: Sequence[Sequence[int]], device: torch.device | str
) -> Row:
    start, longest = len(prompt), max(len(response) for response in responses)
    rows = [[*prompt, *response, *([0] * (longest - len(response)))] for response in responses]
    ids_BL = torch.tensor(rows, device=device)
    keep_R = torch.arange(start - 1, start + longest - 1, device=device)
    return Row(
        layout=Layout.PADDED,
        prompt_length=start,
        lengths=[len(response) for response in responses],
        ids_BL=ids_BL,
        positions_BL=torch.arange(ids_BL.shape[1], device=device).expand_as(ids_BL),
        owner_L=torch.empty(0, dtype=torch.long, device=device),
        keep_R=keep_R,
        target_BR=ids_BL[:, start:],
        pick_N=[
            torch.arange(n * longest, n * longest + len(response), device=device)
            for n, response in enumerate(responses)
        ],
    )
