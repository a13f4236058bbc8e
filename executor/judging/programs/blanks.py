"""Blanks: literals of test code that are left open when a program is compiled, and filled in later.

A compiler would run twice for a program and a changed copy of its tests. Instead each literal that
may be changed is compiled as a stand-in, which nobody knows before and which is found again in what
the compiler has made: as a number in the machine's form, as a part of a text, or as a name. There
it is overwritten with the literal itself, or with the other one.
"""

import itertools
import random
import re
import secrets
import string
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from infra.contracts.base import Language

_MACHINE: Final = frozenset(
    {Language.C, Language.CPP, Language.D, Language.GO, Language.HASKELL, Language.RUST}
)
"""Languages that become code of this machine."""
_CLASSES: Final = frozenset({Language.JAVA, Language.KOTLIN, Language.SCALA})
"""Languages that become class files."""
_WIDE: Final = frozenset({Language.CSHARP})
"""Languages that become code in which a character of a text takes two bytes."""
_SCRIPTS: Final = frozenset({Language.JAVASCRIPT, Language.TYPESCRIPT})
"""Languages that become JavaScript."""
_LEAST, _LIMIT = 2**30, 2**31
"""Of stand-ins for numbers: they take four bytes wherever they are, and small ones might not."""
_LOW: Final = 2**16
"""Stand-ins for numbers of one program differ below this, and are alike above."""
_NUMBER: Final = re.compile(r"(0|[1-9]\d{0,9})([uUlL]{0,3}|\.\d+)")
_TEXT: Final = re.compile(r'"(?:[^"\\]*[^"\\A-Za-z0-9])?([A-Za-z0-9]{6,})"')
_LETTERS: Final = string.ascii_letters + string.digits
# No literal ends so: a linker that keeps one copy of texts which end alike finds none.
_LAST: Final = "~"
_RANDOM: Final = random.SystemRandom()


class Blank(NamedTuple):
    """A place in test code for one of two literals."""

    start: int
    end: int
    kind: str
    """`number`, `text` or `name`."""
    own: str
    """What stands here in the test code."""
    other: str
    """What a right program fails."""
    fraction: str = ""
    """Of a number, with its point."""

    @staticmethod
    def of(source: str, language: Language, start: int, end: int, text: str) -> "Blank | None":
        """Return the blank for a literal that would be changed; None where it has to be there."""
        literal = source[start:end]
        if language in _SCRIPTS:
            return Blank(start, end, "name", literal, text)
        if language not in _MACHINE | _CLASSES | _WIDE:
            return None
        if number := _NUMBER.fullmatch(literal):
            digits = re.match(r"\d+", text)
            if digits is None or int(digits[0]) >= _LIMIT:
                return None
            fraction = number[2] if number[2].startswith(".") else ""
            return Blank(start, start + number.end(1), "number", number[1], digits[0], fraction)
        if (found := _TEXT.fullmatch(literal)) is None:
            return None
        at, own = start + found.start(1), found[1]
        # As long as it was: in what is compiled there is no room for more.
        return Blank(at, at + len(own), "text", own, own[:-1] + _letter_like(own[-1]))

    def stand_in(self, number: int) -> str:
        """Make a word for its place; for a number it is the given one."""
        match self.kind:
            case "number":
                return str(number)
            case "text":
                return "".join(_RANDOM.choices(_LETTERS, k=len(self.own) - 1)) + _LAST
        return f"zzz_{secrets.token_hex(16)}"

    def written(self, language: Language, word: str) -> Iterator[bytes]:
        """Return the forms in which a compiler writes a word in its place."""
        if self.kind != "number":
            yield word.encode("utf-16-le" if language in _WIDE else "utf-8")
            return
        order = ">" if language in _CLASSES else "<"
        yield struct.pack(f"{order}d", float(word + self.fraction))
        if not self.fraction:
            yield struct.pack(f"{order}i", int(word))
        if self.own == "0" or self.other == "0":
            return  # There is no negative one.
        yield struct.pack(f"{order}d", -float(word + self.fraction))
        if not self.fraction:
            yield struct.pack(f"{order}i", -int(word))


def _letter_like(letter: str) -> str:
    """Return another letter, or digit, which nobody knows from a right one."""
    kinds = (string.digits, string.ascii_lowercase, string.ascii_uppercase)
    kind = next(kind for kind in kinds if letter in kind)
    return _RANDOM.choice(kind.replace(letter, ""))


class Place(NamedTuple):
    """Where the stand-in of a blank is in what was compiled."""

    file: str
    at: int
    form: int
    """Which of those of `Blank.written`."""


Places = tuple[tuple[Place, ...], ...]
"""Of each blank."""


_Words = dict[bytes, tuple[int, int]]
"""What is looked for: in which form of which blank."""


def _found(content: bytes, words: _Words) -> Iterator[tuple[int, tuple[int, int]]]:
    """Find words of one length by what all of them have in common, and tell which each is."""
    first, *others = words
    alike = [all(word[at] == first[at] for word in others) for at in range(len(first))]
    runs = [(len(list(run)), is_alike) for is_alike, run in itertools.groupby(alike)]
    ends = list(itertools.accumulate(length for length, _ in runs))
    length, end = max((n, end) for (n, is_alike), end in zip(runs, ends, strict=True) if is_alike)
    start, common = end - length, first[end - length : end]
    at = content.find(common)
    while at >= 0:
        begin = at - start
        which = words.get(content[begin : begin + len(first)]) if begin >= 0 else None
        if which is not None:
            yield begin, which
        at = content.find(common, at + 1)


def _stand_ins(blanks: Sequence[Blank]) -> tuple[str, ...]:
    """Make different words for blanks; numbers begin alike, so that one search finds all."""
    high = _RANDOM.randrange(_LEAST, _LIMIT, _LOW)
    numbers = _RANDOM.sample(range(high + 1, high + _LOW), len(blanks))
    return tuple(blank.stand_in(number) for blank, number in zip(blanks, numbers, strict=True))


class Form(NamedTuple):
    """Test code with stand-ins for its blanks."""

    source: str
    blanks: tuple[Blank, ...]
    words: tuple[str, ...]
    """The stand-in of each blank."""

    @staticmethod
    def of(source: str, blanks: Sequence[Blank]) -> "Form":
        """Put stand-ins in the place of literals; blanks are in the order of the test code."""
        words, parts, at = _stand_ins(blanks), list[str](), 0
        for blank, word in zip(blanks, words, strict=True):
            parts += [source[at : blank.start], word]
            at = blank.end
        return Form("".join([*parts, source[at:]]), tuple(blanks), words)

    def again(self) -> tuple["Form", Callable[[str], str]]:
        """Return the same with other stand-ins, and what puts them into a text that has these."""
        words = _stand_ins(self.blanks)
        other = dict(zip(self.words, words, strict=True))

        def put(text: str) -> str:
            for word, another in other.items():
                text = text.replace(word, another)
            return text

        return Form(put(self.source), self.blanks, words), put

    def is_spoken_of(self, text: str) -> bool:
        """Tell whether a text, such as a compiler's complaint, has a stand-in in it."""
        return any(word.rstrip(_LAST) in text for word in self.words)

    def places(self, files: Mapping[str, bytes], language: Language) -> Places:
        """Find each stand-in in files."""
        found: list[list[Place]] = [[] for _ in self.blanks]
        for words in self._words(language):
            for name, content in files.items():
                for at, (number, form) in _found(content, words):
                    found[number].append(Place(name, at, form))
        return tuple(map(tuple, found))

    def _words(self, language: Language) -> Iterator[_Words]:
        """Return what is looked for, together where one search finds it."""
        together: dict[tuple[int, bool], _Words] = {}
        for number, (blank, word) in enumerate(zip(self.blanks, self.words, strict=True)):
            for form, written in enumerate(blank.written(language, word)):
                if blank.kind == "number":
                    top = written[0 if language in _CLASSES else -1]
                    together.setdefault((len(written), top > 127), {})[written] = number, form
                else:
                    yield {written: (number, form)}
        yield from together.values()

    def filled(
        self,
        files: Mapping[str, bytes],
        places: Places,
        language: Language,
        changed: Collection[Blank] = (),
    ) -> dict[str, bytes]:
        """Return files with the literals in them, of which some may be the other ones."""
        patches: list[tuple[Place, int, bytes]] = []
        for blank, word, where in zip(self.blanks, self.words, places, strict=True):
            before = list(blank.written(language, word))
            after = list(blank.written(language, blank.other if blank in changed else blank.own))
            patches += [(place, len(before[place.form]), after[place.form]) for place in where]
        made = {name: bytearray(content) for name, content in files.items()}
        # From the end: a literal need not be as long as its stand-in.
        for place, length, literal in sorted(patches, reverse=True):
            made[place.file][place.at : place.at + length] = literal
        return {name: bytes(content) for name, content in made.items()}

    def bare(self, files: Mapping[str, bytes], places: Places, language: Language) -> list[bytes]:
        """Return files with the literals in them, and nothing where they say a stand-in in words.

        An assertion that failed says so; `readable` puts the literal there.
        """
        return [self._without(text) for text in self.filled(files, places, language).values()]

    def _without(self, text: bytes) -> bytes:
        for word in self.words:
            text = text.replace(word.encode(), b"~" * len(word))
        return text

    def readable(self, output: bytes) -> bytes:
        """Return output in which the literals stand that the stand-ins were for."""
        for blank, word in zip(self.blanks, self.words, strict=True):
            output = output.replace(word.encode(), blank.own.encode())
        return output
