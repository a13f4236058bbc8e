"""Log-probabilities of responses given a prompt.

Shape suffixes: N responses, L positions of the padded row, T tokens of one response, V vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

MAX_ROWS_TOKENS = 8_192
"""Most positions, padding included, in one forward pass."""


def response_logps(
    model: nn.Module, prompt: Sequence[int], responses: Sequence[Sequence[int]]
) -> list[Tensor]:
    """Return one fp32 tensor (T,) of token log-probabilities for each response.

    Rows are padded on the right, so that positions are right without any help, and masked by
    length, never by token id. Labels are never handed to the model: models shift them their own
    way. Dropout must be off.

    Raises:
        ValueError: the prompt or a response is empty.
    """
    if not prompt or not all(responses):
        raise ValueError("a prompt and a response need at least one token")
    logps: list[Tensor] = []
    for chunk in _chunks(len(prompt), responses):
        logps.extend(_score_rows(model, prompt, chunk))
    return logps


def _chunks(prompt_length: int, responses: Sequence[Sequence[int]]) -> list[list[Sequence[int]]]:
    chunks: list[list[Sequence[int]]] = [[]]
    for response in responses:
        longest = max(len(other) for other in [*chunks[-1], response])
        if chunks[-1] and (len(chunks[-1]) + 1) * (prompt_length + longest) > MAX_ROWS_TOKENS:
            chunks.append([])
        chunks[-1].append(response)
    return chunks


def _score_rows(
    model: nn.Module, prompt: Sequence[int], responses: Sequence[Sequence[int]]
) -> list[Tensor]:
    device = next(model.parameters()).device
    longest = max(len(response) for response in responses)
    rows = [[*prompt, *response, *([0] * (longest - len(response)))] for response in responses]
    ids_NL = torch.tensor(rows, device=device)
    length_N = torch.tensor([len(prompt) + len(r) for r in responses], device=device)
    mask_NL = torch.arange(ids_NL.shape[1], device=device) < length_N[:, None]
    # The last prompt token predicts the first of the response; only those rows need logits.
    keep = torch.arange(len(prompt) - 1, ids_NL.shape[1] - 1, device=device)
    logits_NTV = model(
        input_ids=ids_NL, attention_mask=mask_NL, logits_to_keep=keep, use_cache=False
    ).logits
    target_NT = ids_NL[:, len(prompt) :]
    # fp32 from here: a bf16 log-softmax is off by a quarter of a nat over 300 tokens.
    logits_NTV = logits_NTV.float()
    chosen_NT = logits_NTV.gather(-1, target_NT[..., None]).squeeze(-1)
    logp_NT = chosen_NT - logits_NTV.logsumexp(-1)
    return [logp_NT[row, : len(response)] for row, response in enumerate(responses)]
