"""The text a model is shown for a problem, and its token ids: the same when it is sampled and when
it is trained."""

from collections.abc import Sequence
from typing import Protocol

from infra import errors


class Encoder(Protocol):
    """What is asked of a tokenizer, in the words of transformers."""

    def encode(self, text: str, *, add_special_tokens: bool) -> Sequence[int]:
        """Return token ids."""


def wrap_prompt(prompt: str) -> str:
    """Put a prompt into triple quotes, as the paper does (section 3.1)."""
    return f'"""\n{prompt}\n"""\n'


def encode_prompt(tokenizer: Encoder, text: str, most: int | None = None) -> list[int]:
    """Return the token ids of a text that a model goes on with, at most `most`.

    They begin as the tokenizer begins a raw text, with a BOS if it does so, and have no end. Of a
    text that is too long the beginning goes, and what stands before the text stays.

    Raises:
        errors.ConfigurationError: the tokenizer changes the text itself where it marks its bounds.
    """
    ids = list(tokenizer.encode(text, add_special_tokens=False))
    prefix = _prefix(list(tokenizer.encode(text, add_special_tokens=True)), ids)
    if most is None or len(prefix) + len(ids) <= most:
        return prefix + ids
    return prefix[:most] + ids[len(prefix) + len(ids) - most :]


def _prefix(marked: list[int], ids: list[int]) -> list[int]:
    """Return what a tokenizer puts before a text; it may put an end behind it too."""
    for start in range(len(marked) - len(ids) + 1):
        if marked[start : start + len(ids)] == ids:
            return marked[:start]
    raise errors.ConfigurationError(
        "the tokenizer encodes a text differently when it adds special tokens; it cannot be used"
    )
