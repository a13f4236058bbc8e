"""From a ranked group to token ids."""

from dataclasses import dataclass

from infra.contracts.ranking import RankedGroup
from trainer.loss import Pair
from trainer.tokenizer import TextTokenizer


@dataclass(frozen=True, kw_only=True)
class EncodedGroup:
    """One prompt with its responses as token ids."""

    prompt: list[int]
    responses: list[list[int]]
    pairs: list[Pair]
    best: int


def wrap_prompt(prompt: str) -> str:
    """Put a prompt into triple quotes, as the paper does (section 3.1)."""
    return f'"""\n{prompt}\n"""\n'


def encode_group(
    group: RankedGroup, tokenizer: TextTokenizer, max_prompt: int, max_response: int
) -> EncodedGroup:
    """Encode a group; prompt and response apart, so that no token spans both.

    A prompt that is too long loses its beginning. A response gets the end token only if its text
    is complete and fits; a cut one must not teach the model to stop there.
    """
    prompt = tokenizer.encode(wrap_prompt(group.prompt), add_special_tokens=False)[-max_prompt:]
    responses = []
    for response in group.responses:
        ids = tokenizer.encode(response.program, add_special_tokens=False)
        if response.finished and len(ids) < max_response and tokenizer.eos_token_id is not None:
            ids = [*ids, tokenizer.eos_token_id]
        responses.append(ids[:max_response] or [tokenizer.eos_token_id or 0])
    return EncodedGroup(
        prompt=prompt, responses=responses, pairs=list(group.pairs), best=group.best
    )
