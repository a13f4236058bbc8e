"""Another value of the same type and look, for a literal that a test expects.

A reader of both must not see which is the real one. So a value is first taken from those that the
suite expects elsewhere, and else changed in place: as many digits, the same classes of characters.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

Scalar = bool | int | float | complex | str | bytes | None
_T = TypeVar("_T")

_ATTEMPTS = 24
_CLASSES = (
    "0123456789",
    "aeiou",
    "bcdfghjklmnpqrstvwxyz",
    "AEIOU",
    "BCDFGHJKLMNPQRSTVWXYZ",
    "-_.:,;/+*=|#",
    "()",
    "[]",
    "{}",
    "<>",
)
_UNMISTAKABLE = 4
"""Characters from which on a text is not contained in another by chance."""


class Draws:
    """Numbers drawn by a key: the same for the same key, and to others unforeseeable."""

    def __init__(self, *key: object) -> None:
        self._key = repr(key).encode()
        self._drawn = 0

    def below(self, bound: int) -> int:
        """One of 0 to `bound` - 1."""
        self._drawn += 1
        digest = hashlib.sha256(b"%s/%d" % (self._key, self._drawn)).digest()
        return int.from_bytes(digest[:8], "big") % bound

    def pick(self, choices: Sequence[_T]) -> _T:
        """One of the choices."""
        return choices[self.below(len(choices))]

    def word(self, length: int) -> str:
        """So many lower-case letters and digits."""
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.pick(letters) for _ in range(length))


def same(one: Scalar, other: Scalar) -> bool:
    """Whether `==` could not tell them apart."""
    return one == other or one is other


def look(value: Scalar) -> tuple[type, str]:
    """What a value looks like: its type and its runs of characters, or its number of digits."""
    if isinstance(value, str | bytes):
        text = value.decode("latin-1") if isinstance(value, bytes) else value
        for pattern, sign in ((r"[0-9]+", "0"), (r"[a-z]+", "a"), (r"[A-Z]+", "A")):
            text = re.sub(pattern, sign, text)
        return type(value), text
    return type(value), re.sub("[0-9]", "0", _digits(value))


def another(
    value: Scalar, draws: Draws, pool: Sequence[Scalar] = (), apart: float = 0
) -> Scalar | None:
    """Another value that looks the same; None where there is no other.

    `pool` are the values that the suite expects. A number differs by more than `apart`.
    """
    looks_alike = [item for item in pool if look(item) == look(value)]
    choices = [item for item in looks_alike if _differs(value, item, apart)]
    if choices and draws.below(4):
        return draws.pick(choices)
    for _ in range(_ATTEMPTS):
        changed = _changed(value, draws)
        if changed is not None and _differs(value, changed, apart):
            return changed
    if isinstance(value, int | float) and not isinstance(value, bool):
        moved = value + (int(apart) + 1) * (2 + draws.below(3))
        return moved if _differs(value, moved, apart) else None
    return None


def unlikely(value: Scalar, draws: Draws) -> Scalar | None:
    """Another value that what holds the given one hardly holds as well, in whatever program."""
    match value:
        case bool() | None | complex():
            return None
        case int() | float():
            return value * 1000 + 101 + draws.below(899)
        case bytes():
            return _all_other(value.decode("latin-1"), draws).encode("latin-1", "replace")
    return _all_other(value, draws)


def _all_other(text: str, draws: Draws) -> str:
    """A text of which each letter and digit is another, and of which there are a few at least."""
    signs = [
        # What follows a backslash may be a class of characters in a pattern.
        draws.pick(_class_of(sign))
        if sign.isalnum() and before != "\\" and sign.isascii()
        else sign
        for before, sign in zip(" " + text, text, strict=False)
    ]
    lacking = _UNMISTAKABLE - sum(sign.isalnum() for sign in text)
    signs += [draws.pick(_CLASSES[2]) for _ in range(lacking)]
    return "".join(signs)


def _differs(one: Scalar, other: Scalar, apart: float) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return not abs(one - other) <= (apart and max(apart, abs(one) / 1000))
    return not same(one, other)


def _changed(value: Scalar, draws: Draws) -> Scalar | None:
    match value:
        case bool():
            return not value
        case int():
            return _near(value, draws)
        case float():
            return float(_other_digit(_digits(value), draws))
        case complex():
            return complex(value.real, float(_other_digit(_digits(value.imag), draws)))
        case str():
            return _other_text(value, draws)
        case bytes():
            return _other_text(value.decode("latin-1"), draws).encode("latin-1", "replace")
        case _:
            others: tuple[Scalar, ...] = (False, 0, "")
            return draws.pick(others)


def _digits(value: Scalar) -> str:
    return hex(value) if isinstance(value, int) and value >> 2048 else repr(value)


def _near(value: int, draws: Draws) -> int | None:
    """A number with as many digits, for one that is not negative."""
    if value >> 2048:  # More digits than `int` reads back.
        return value + 1 + draws.below(9)
    digits = str(value)
    if len(digits) > 2:
        return int(_other_digit(digits, draws))
    near = value + draws.pick((-3, -2, -1, 1, 2, 3))
    return near if near >= 0 and len(str(near)) == len(digits) else None


def _other_digit(digits: str, draws: Draws) -> str:
    """Change one of the first three digits that count; a round number stays as round."""
    mantissa = digits.partition("e")[0]
    places = [at for at, sign in enumerate(mantissa) if sign in "123456789"][:3] or [0]
    at = draws.pick(places)
    if not digits[at].isdigit():  # "inf" and "nan"
        return digits
    return digits[:at] + draws.pick("123456789") + digits[at + 1 :]


def _other_text(text: str, draws: Draws) -> str:
    if not text:
        return draws.pick(" -_")
    digits = [at for at, sign in enumerate(text) if sign in _CLASSES[0]]
    letters = [at for at, sign in enumerate(text) if sign.isalpha()]
    at = draws.pick(digits or letters or range(len(text)))
    sign = text[at]
    others = [item for item in _class_of(sign) if item != sign]
    if not others:
        others = [chr(ord(sign) ^ 1)] if sign.isalpha() else ["-", "_"]
    return text[:at] + draws.pick(others) + text[at + 1 :]


def _class_of(sign: str) -> str:
    return next((signs for signs in _CLASSES if sign and sign in signs), "")
