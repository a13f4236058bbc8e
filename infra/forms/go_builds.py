"""Build constraints of Go: whether a file is compiled with no tags but those of the machine."""

import re
from typing import Final

from infra import errors

_CONSTRAINT: Final = re.compile(r"^//(?:go:build[ \t](.*)|[ \t]*\+build[ \t].*)$\n?", re.MULTILINE)
_WORD: Final = re.compile(r"[\w.]+|&&|\|\||[!()]")
_TRUE: Final = frozenset({"linux", "unix", "amd64", "gc", "cgo"})
_VERSION: Final = re.compile(r"go1(?:\.\d+)?")
"""Versions are asked for by who needs them; the compiler says if it is too old."""


def is_built(source: str) -> bool:
    """Tell whether a file is compiled.

    Raises:
        errors.InvalidInput: a constraint is nested too deeply.
    """
    found = (constraint[1] for constraint in _CONSTRAINT.finditer(source) if constraint[1])
    try:
        return all(_Expression(text).holds() for text in found)
    except RecursionError:
        raise errors.InvalidInput("a build constraint is nested too deeply") from None


def without_constraints(source: str) -> str:
    """Leave out constraints, which may only stand at the beginning of a file."""
    return _CONSTRAINT.sub("", source)


class _Expression:
    """Reads one constraint from left to right: `||` of `&&` of tags, negations and brackets."""

    def __init__(self, text: str) -> None:
        self._words: list[str] = [*_WORD.findall(text), ""]
        self._next = 0

    def holds(self) -> bool:
        found = self._every()
        while self._take("||"):
            found = self._every() or found
        return found

    def _every(self) -> bool:
        found = self._one()
        while self._take("&&"):
            found = self._one() and found
        return found

    def _one(self) -> bool:
        if self._take("!"):
            return not self._one()
        if self._take("("):
            found = self.holds()
            self._take(")")
            return found
        word = self._words[self._next]
        self._next = min(self._next + 1, len(self._words) - 1)
        return word in _TRUE or _VERSION.fullmatch(word) is not None

    def _take(self, word: str) -> bool:
        is_next = self._words[self._next] == word
        self._next += is_next
        return is_next
