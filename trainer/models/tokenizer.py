"""A byte-level tokenizer: any text in, the same text out, nothing to download."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from infra.prompting.encoding import Tokenizer

END = "<|endoftext|>"
_PIECE = r"'[^'\n]{0,3}'|[0-9]|\n *|[^'0-9\n]+"
"""Nothing merges across the bounds of these."""


class TextTokenizer(Tokenizer, Protocol):
    """The part of a transformers tokenizer that training uses."""

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return token ids."""

    def save_pretrained(self, path: Path) -> Any:
        """Write what `AutoTokenizer.from_pretrained` reads."""


def byte_tokenizer() -> TextTokenizer:
    """Make a tokenizer with one token for each byte and one for the end of a text."""
    vocabulary = {END: 0}
    for character in sorted(pre_tokenizers.ByteLevel.alphabet()):
        vocabulary[character] = len(vocabulary)
    tokenizer = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return _fast(tokenizer)


def train_tokenizer(texts: Iterable[str], vocabulary_size: int) -> TextTokenizer:
    """Make a byte-level BPE tokenizer whose tokens may span words, for texts that repeat phrases.

    Digits, quoted strings and line breaks stay apart: what is copied from prompt to program must
    be the same tokens in both.
    """
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PIECE), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=vocabulary_size,
            special_tokens=[END],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return _fast(tokenizer)


def _fast(tokenizer: tokenizers.Tokenizer) -> TextTokenizer:
    tokenizer.decoder = decoders.ByteLevel()
    fast: TextTokenizer = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        bos_token=END,
        pad_token=END,
        clean_up_tokenization_spaces=False,
    )
    return fast


def load_tokenizer(path: str) -> TextTokenizer:
    """Load the tokenizer of any Hugging Face model, by name or path."""
    loaded: TextTokenizer = AutoTokenizer.from_pretrained(path)
    return loaded
