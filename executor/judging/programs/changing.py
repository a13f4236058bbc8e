"""Changed copies of test code, which a right program fails: one literal is another in each.

Test code of any language is read word by word. What goes into the function that is asked for is
left as it is: with other arguments a right program may give any answer. So is what would fail every
program, forgers as well: a status that is returned, the name of what is loaded.
"""

import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from executor.judging.programs.words import Word, words
from infra.contracts.base import Language

_MOST_DIGITS: Final = 100
"""Longest number that is changed; who reads longer ones has a limit of its own."""
_COMPUTED: Final = re.compile(r"\$\(|[$#]\{|^`")
"""What is in a text that is no literal."""
_OPPOSITE: Final = {
    "true": "false", "false": "true",
    "#t": "#f", "#f": "#t", "#true": "#false", "#false": "#true",
    "check-true": "check-false", "check-false": "check-true",
    "isTrue": "isFalse", "isFalse": "isTrue",
    "assertTrue": "assertFalse", "assertFalse": "assertTrue",
    "toBeTruthy": "toBeFalsy", "toBeFalsy": "toBeTruthy",
    "==": "!=", "!=": "==", "===": "!==", "!==": "===",
    "REQUIRE_FALSE": "REQUIRE", "CHECK_FALSE": "CHECK",
}  # fmt: skip
"""Truth as a literal, and as the frameworks' assertions have it."""
_BLOCKS: Final = frozenset({"describe", "test", "it", "beforeEach", "afterEach", "beforeAll"})
"""What Jest's test code calls with a name and a function, whose literals are as good as others."""
_LISTS: Final = frozenset(
    {"define", "let", "let*", "letrec", "begin", "lambda", "list", "vector", "cons", "quote",
     "hash", "module+", "test-case", "test-suite", "for"}
)  # fmt: skip
"""Of Racket, what begins a list and is no function that is asked for."""
_FAILS_ALL: Final = frozenset({"return", "exit", "_exit", "quick_exit", "import", "require", "use"})
_CANDIDATE: Final = frozenset({"candidate", "call"})
"""What MultiPL-E calls the function that is asked for."""
_AN_ASSERTION: Final = re.compile(
    r"assert|check|expect|equal|compare|same|not|is|if|unless|while|abs|fabs|require|contain|exactly"
    r"|match|toBe|toHave|toThrow|hasSize|hasMessage",
    re.I,
)


_RANDOM: Final = random.SystemRandom()


class Change(NamedTuple):
    """One literal of test code in another's place."""

    start: int
    end: int
    text: str

    def of(self, source: str) -> str:
        """Return the changed test code."""
        return source[: self.start] + self.text + source[self.end :]


def changes(source: str, language: Language, entry_point: str | None) -> list[Change]:
    """Return the changes that may fail a right program, in the order of the test code."""
    tokens = list(words(source, language))
    called, is_lisp = _Called(source, entry_point), language is Language.RACKET
    given = {word for inside, word in _names(tokens, called, is_lisp) if inside}
    reader = _Reader(called, is_lisp)
    found = []
    for token in tokens:
        reader.step(token)
        text = _other(token)
        is_computed = _COMPUTED.search(token.text) is not None
        if text is None or is_computed or reader.fails_all or reader.is_a_name:
            continue
        if reader.is_inside or reader.target in given:
            continue
        if language is Language.VERILOG and token.kind == "text":
            continue  # Only what is printed.
        found.append(Change(token.start, token.end, text))
    return found


def one_of_each_line(source: str, possible: Sequence[Change]) -> list[Change]:
    """Shuffle changes, one of each line of the test code before the second ones of lines.

    There are rarely two checks in a line, and often many literals in one check.
    """
    seen = Counter[int]()
    ranked = []
    for change in _RANDOM.sample(possible, len(possible)):
        at = line(source, change)
        ranked.append((seen[at], change))
        seen[at] += 1
    return [change for _, change in sorted(ranked, key=lambda one: one[0])]


def line(source: str, change: Change) -> int:
    """Return the number of the line in which a change begins, from 0."""
    return source.count("\n", 0, change.start)


def _other(token: Word) -> str | None:
    """Return another literal of the same type, None for what is no literal."""
    text = token.text
    match token.kind:
        case "number":
            if "'" in text:
                # Of Verilog, with its base: another last digit is a number in any of them.
                return f"{text[:-1]}{'0' if text[-1] == '1' else '1'}"
            digits = re.match(r"\d+", text)
            if digits is None or len(digits[0]) > _MOST_DIGITS:
                return None
            return f"{int(digits[0]) + 1}{text[digits.end() :]}"
        case "text":
            if text[0] == "'" and len(text) == 3:
                # It may be one character by its type.
                return "'z'" if text != "'z'" else "'y'"
            return f"{text[:-1]}z{text[-1]}"
        case "truth" | "name":
            return _OPPOSITE.get(text)
    return None


class _Called:
    """Tells the functions that are asked for from those of the tests."""

    def __init__(self, source: str, entry_point: str | None) -> None:
        self._asked: frozenset[str] = frozenset()
        if entry_point is not None:
            asked = entry_point.rpartition(".")[2]
            is_asked = rf"\s*+:?=\s*+[\\&]*+{re.escape(asked)}\b(?!\s*+\()"
            other_names = re.findall(rf"(?<![\w$])([\w$]++){is_asked}", source)
            self._asked = _CANDIDATE | {asked, *other_names}

    def __contains__(self, name: str) -> bool:
        if name.startswith("@"):
            return True  # An annotation of Java.
        if self._asked:
            return name in self._asked
        return name not in _BLOCKS | _LISTS and _AN_ASSERTION.search(name) is None


class _Reader:
    """Follows brackets and assignments."""

    def __init__(self, called: _Called, is_lisp: bool) -> None:
        self._called = called
        self._is_lisp = is_lisp
        """Whether a function stands behind the bracket in which its arguments are."""
        self._begins_list = False
        self._open: list[bool] = []
        self._inside = 0
        """How many of those that are open are arguments of a function that is asked for."""
        self._last = ""
        self.fails_all = False
        """Whether another literal here would fail every program."""
        self._target: tuple[str, int] | None = None
        self._begins_block = False
        self.is_a_name = False
        """Whether this is what a test is called, in which nothing is expected."""

    @property
    def is_inside(self) -> bool:
        """Whether this is part of an argument of a function that is asked for."""
        return self._inside > 0

    @property
    def target(self) -> str | None:
        """The name that is assigned to here."""
        return self._target[0] if self._target else None

    def step(self, token: Word) -> None:
        """Go on by a token."""
        text, name = token.text, ""
        self.is_a_name = token.kind == "text" and self._begins_block
        self._begins_block = text == "(" and self._last in _BLOCKS
        match token.kind:
            case "name":
                name = text
                self.fails_all |= name in _FAILS_ALL
                if self._begins_list and name in self._called:
                    self._open[-1] = True
                    self._inside += 1
            case "open":
                is_asked = text == "(" and self._last in self._called and bool(self._last)
                self._open.append(is_asked and not self._is_lisp)
                self._inside += self._open[-1]
            case "close" if self._open:
                self._inside -= self._open.pop()
            case "assign" if self._last:
                self._target = self._last, len(self._open)
            case "end":
                self.fails_all = False
                if self._target and len(self._open) <= self._target[1]:
                    self._target = None
        self._last = name
        self._begins_list = self._is_lisp and token.kind == "open"


def _names(tokens: Sequence[Word], called: _Called, is_lisp: bool) -> Iterator[tuple[bool, str]]:
    reader = _Reader(called, is_lisp)
    for token in tokens:
        reader.step(token)
        if token.kind == "name":
            yield reader.is_inside, token.text
