"""Text from outside, made fit for a terminal: nothing in it moves, colours, hides or reorders."""

import re
from typing import Final

_NOT_PLAIN: Final = re.compile("[^ -~]")
# Python calls these printable, yet nothing of them is seen: joiners, fillers, selectors.
_BLANK: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def printable(text: str, keep: str = "") -> str:
    """Replace every character that a reader would not see by a picture or by its number.

    Those are control characters (the escape of terminal sequences among them), what has no width,
    what changes the order of its neighbours, halves of surrogate pairs, and blanks that are no
    space. What is in `keep`, such as a newline, stays.
    """
    return _NOT_PLAIN.sub(lambda found: found[0] if found[0] in keep else _seen(found[0]), text)


def _seen(character: str) -> str:
    if character.isprintable() and not _BLANK.match(character):
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # Unicode has pictures of the oldest control characters.
    return "\u2421" if code == 0x7F else f"<U+{code:04X}>"


def one_entry(text: str) -> str:
    """Make text that takes as many lines as it has, the later ones indented.

    Whatever the text is, no line of it begins like an entry of its own.
    """
    lines = printable(text.replace("\r\n", "\n").rstrip("\n"), keep="\n\t").split("\n")
    return "\n    ".join(lines)


def plain_json(text: str) -> str:
    """Return JSON that is ASCII without the one character of ASCII that JSON leaves unescaped."""
    return text.replace("\x7f", "\\u007f")


def counted(count: int, word: str, words: str | None = None) -> str:
    """Write a number with what it counts: `1 test`, `2 tests`; `words` where there is no `s`."""
    return f"{count} {word}" if count == 1 else f"{count} {words or word + 's'}"
