"""How alike two texts are, whatever their case, punctuation and layout: pure.

MinHash and its index are rensa's.
"""

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from rensa import RMinHash, RMinHashLSH

_PERMUTATIONS = 128
"""Standard error of a similarity: at most 0.045."""
_SEED = 1


class Neighbour(NamedTuple):
    """The most similar text of an index."""

    number: int
    """Of the text, in the order in which texts were added."""
    similarity: float
    """Estimated share of common shingles among all shingles of both."""


def words_of(text: str) -> list[str]:
    """Return a text's words in small letters: numbers are words, punctuation and `_` are not."""
    return re.findall(r"[^\W_]+", text.lower())


def grams(words: Sequence[str], size: int) -> set[str]:
    """Return all runs of `size` words; of a shorter text, the whole of it."""
    if not words:
        return set()
    return {" ".join(words[start : start + size]) for start in range(max(len(words) - size, 0) + 1)}


class Index:
    """Texts, found by their likeness."""

    def __init__(self, threshold: float, size: int = 3, bands: int = 32) -> None:
        """Make an empty index.

        Args:
            threshold: Least similarity that counts.
            size: Words of one shingle.
            bands: More of them find less similar texts, and compare more; 128 / `bands` shingles
                that agree make a candidate.
        """
        self._threshold = threshold
        self._size = size
        self._index = RMinHashLSH(threshold, _PERMUTATIONS, bands)
        self._signatures: list[RMinHash] = []

    def nearest(self, text: str, but: Collection[int] = ()) -> Neighbour | None:
        """Return the text most like this one, if any is as like as the threshold asks.

        Args:
            text: What to compare with.
            but: Numbers of texts that are not looked at.
        """
        signature = self._signature(text)
        found = [
            Neighbour(number, float(signature.jaccard(self._signatures[number])))
            for number in self._index.query(signature)
            if number not in but
        ]
        best = max(found, key=lambda one: (one.similarity, -one.number), default=None)
        return best if best and best.similarity >= self._threshold else None

    def add(self, text: str) -> int:
        """Add a text; return its number."""
        number = len(self._signatures)
        signature = self._signature(text)
        self._signatures.append(signature)
        self._index.insert(number, signature)
        return number

    def _signature(self, text: str) -> RMinHash:
        made = RMinHash(_PERMUTATIONS, _SEED)
        made.update(sorted(grams(words_of(text), self._size)))
        return made
