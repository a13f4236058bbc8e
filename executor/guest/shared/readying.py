"""Test code read and compiled once for many runs, in a jail in which nothing of it is run."""

import base64
import marshal
import types
import zlib
from typing import Any

from executor.guest import placing
from executor.guest.channel import Channel
from executor.guest.reading.imported import imports_of
from executor.guest.reading.statements import marked
from executor.guest.shared.module import compiled, reads_itself

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_QUICKLY = 1


def tell(fd: int, start: dict[str, Any]) -> None:
    """Answer over the channel with what a run begins with in the place of the `source` of `start`.

    That has `statements` and `imports`, None where nobody has looked for them, the `check`, and the
    `path` of the test code.
    """
    channel = Channel(fd)
    try:
        ready = _ready(start)
    except _UNREADABLE as error:
        channel.send({"broken": f"{type(error).__name__}: {error}"[:2000]})
        return
    channel.send({"ready": ready})


def _ready(start: dict[str, Any]) -> dict[str, Any]:
    source, statements, imports = start["source"], start["statements"], start["imports"]
    if imports is None:
        imports = imports_of(source)
    text = source
    if statements is None:
        text, names, within = marked(source, start["check"])
        statements = (names, within)
    return {
        "source": text if reads_itself(text) else "",
        "code": _packed(compiled(text, placing.tests_file(start), None)),
        "statements": statements,
        "imports": imports,
    }


def _packed(code: types.CodeType) -> str:
    return base64.b64encode(zlib.compress(marshal.dumps(code), _QUICKLY)).decode()


def unpacked(text: str) -> types.CodeType:
    """Return code that was told; both processes have the same Python."""
    code: types.CodeType = marshal.loads(zlib.decompress(base64.b64decode(text)))  # noqa: S302 - made by us, and read in a jail
    return code
