"""Compiled Java classes: which of them a program begins in.

Read in the class files themselves (Java Virtual Machine Specification, chapter 4), for the text of
a program may say anything.
"""

import os
import struct
from typing import Final, NamedTuple

_PUBLIC_STATIC: Final = 0x0009
_SIZES: Final = {
    3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4,
    19: 2, 20: 2,
}  # fmt: skip
"""Bytes of a constant after its tag; a text (1) has its own length."""
_TWO_ENTRIES: Final = (5, 6)
"""Constants that take two numbers of the pool."""


class _Main(NamedTuple):
    """A method that a program may begin in."""

    name: str
    """Of its class, as the launcher takes it."""
    is_usual: bool
    """Whether it is `public static void main(String[])`, and no newer form."""
    line: int


def main_class(folder: str, public: str) -> str:
    """Name the class to run: the public one, then `Main`, then the first that has a main method.

    Where none has, the launcher is asked for `public`, and says so.
    """
    paths = [os.path.join(f, name) for f, _, names in os.walk(folder) for name in names]
    classes = sorted(path for path in paths if path.endswith(".class"))
    found = [main for path in classes if (main := _main_of(path)) is not None]

    def rank(main: _Main) -> tuple[bool, bool, bool, bool, int]:
        simple = main.name.rpartition(".")[2]
        return not main.is_usual, simple != public, simple != "Main", "$" in simple, main.line

    return min(found, key=rank).name if found else public


class _Reader:
    """Reads numbers from a class file, one after the other."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def skip(self, count: int) -> None:
        self._at += count

    def take(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def number(self, form: str = "H") -> int:
        (found,) = struct.unpack(f">{form}", self.take(struct.calcsize(form)))
        return int(found)


def _main_of(path: str) -> _Main | None:
    with open(path, "rb") as file:
        reader = _Reader(file.read())
    reader.skip(8)
    texts, classes = _constants(reader)
    reader.skip(2)
    name = texts[classes[reader.number()]].replace("/", ".")
    reader.skip(2)
    reader.skip(2 * reader.number())
    for _ in range(reader.number()):  # Fields.
        reader.skip(6)
        _lines(reader, texts)
    mains = []
    for _ in range(reader.number()):
        flags, method, kind = (reader.number() for _ in range(3))
        line = _lines(reader, texts)
        if texts[method] == "main" and texts[kind] in ("([Ljava/lang/String;)V", "()V"):
            is_usual = flags & _PUBLIC_STATIC == _PUBLIC_STATIC and texts[kind] != "()V"
            mains.append(_Main(name, is_usual, line))
    return min(mains, key=lambda main: not main.is_usual, default=None)


def _constants(reader: _Reader) -> tuple[dict[int, str], dict[int, int]]:
    """Read the texts of the constant pool, and which text names a class."""
    texts: dict[int, str] = {}
    classes: dict[int, int] = {}
    number, count = 1, reader.number()
    while number < count:
        tag = reader.number("B")
        if tag == 1:
            texts[number] = _text(reader.take(reader.number()))
        elif tag == 7:
            classes[number] = reader.number()
        else:
            reader.skip(_SIZES[tag])
        number += 2 if tag in _TWO_ENTRIES else 1
    return texts, classes


def _text(data: bytes) -> str:
    """Decode "modified" UTF-8: NUL as two bytes, and what UTF-16 has in pairs as these pairs."""
    pairs = data.replace(b"\xc0\x80", b"\x00").decode("utf-8", "surrogatepass")
    return pairs.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _lines(reader: _Reader, texts: dict[int, str]) -> int:
    """Read the attributes of a field or a method; return the first line of its code, if any."""
    line = 0
    for _ in range(reader.number()):
        name, length = texts[reader.number()], reader.number("I")
        if name == "Code":
            reader.skip(4)
            reader.skip(reader.number("I"))
            reader.skip(8 * reader.number())
            line = _lines(reader, texts)
        elif name == "LineNumberTable":
            found = [(reader.number(), reader.number()) for _ in range(reader.number())]
            line = min((at for _, at in found), default=0)
        else:
            reader.skip(length)
    return line
