"""Reads the rows of a file: JSON lines, one JSON document, each plain or gzipped, or Parquet."""

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors, strict_json
from infra.forms import parquet

MAX_LINE_BYTES = 16 * 2**20
"""Longest line that is read."""
MAX_DOCUMENT_BYTES = 256 * 2**20
"""Longest file that is one JSON value, unpacked; it is read at once."""
_START_BYTES: Final = 64
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_CODER_EVAL: Final = re.compile(rb'\{\s*"RECORDS"\s*:')


class BadLine(NamedTuple):
    """A line, row or file that could not be used, and why."""

    number: int
    reason: str


Stream = io.BufferedReader | gzip.GzipFile


def read_rows(path: Path) -> Iterator[tuple[int, Any]]:
    """Read the rows of a file with their numbers, from 1; a `BadLine` stands for one that is none.

    A document that is an array (or CoderEval's object of one) has its members for rows, one that is
    an object is a single row.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start == parquet.MAGIC:
                yield from enumerate(parquet.rows(path), 1)
                return
            gzipped = start.startswith(b"\x1f\x8b")
            # Both can be looked into without being read.
            yield from _rows(gzip.GzipFile(fileobj=raw) if gzipped else raw, path)
    except (OSError, EOFError, zlib.error) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from error


def _rows(stream: Stream, path: Path) -> Iterator[tuple[int, Any]]:
    start = stream.peek(_START_BYTES)[:_START_BYTES].removeprefix(_BYTE_ORDER_MARK).lstrip()
    if _CODER_EVAL.match(start) or (start.startswith(b"[") and not _is_line(stream)):
        yield from enumerate(_array(stream, path), 1)
    elif start.startswith(b"{") and not _is_line(stream) and (found := _object(stream)):
        yield 1, found
    else:
        _refuse_spread(stream, path)
        yield from _lines(stream)


def _refuse_spread(stream: Stream, path: Path) -> None:
    """Refuse JSON that is indented over lines, of which each would be complained of.

    Raises:
        errors.InvalidInput: a line ends in the middle of a value, and so does the next begin.
    """
    first, second = (stream.readline(MAX_LINE_BYTES + 1) for _ in range(2))
    stream.seek(0)
    if first.rstrip()[-1:] in (b"{", b"[", b",", b":") and second.startswith((b" ", b"\t")):
        raise errors.InvalidInput(
            f"cannot read {path}: its JSON goes over several lines; write each object on a line of"
            " its own, or one array of all (`jq -c .` does the first, `jq -s .` the second)"
        )


def _is_line(stream: Stream) -> bool:
    """Tell whether the first line is a JSON value; an array, only if more follow it. Rewinds."""
    while not (line := stream.readline(MAX_LINE_BYTES + 1)).strip():
        pass
    more = bool(stream.read(_START_BYTES).strip())
    stream.seek(0)
    try:
        strict_json.loads(line)
    except (ValueError, RecursionError):
        return False
    return more or b"[" not in line[:_START_BYTES].removeprefix(_BYTE_ORDER_MARK).lstrip()[:1]


def _array(stream: Stream, path: Path) -> Iterator[Any]:
    text = stream.read(MAX_DOCUMENT_BYTES + 1)
    if len(text) > MAX_DOCUMENT_BYTES:
        raise errors.InvalidInput(
            f"cannot read {path}: it is one array of over {MAX_DOCUMENT_BYTES} bytes"
        )
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.InvalidInput(f"cannot read {path}: not a JSON array: {error}") from None
    rows = found if isinstance(found, list) else found["RECORDS"]
    yield from rows if isinstance(rows, list) else [rows]


def _object(stream: Stream) -> dict[str, Any] | None:
    """Read an object over several lines, or one too long for a line; None, rewound, if it is none.

    Lines of which the first is broken are none either.
    """
    text = stream.read(MAX_DOCUMENT_BYTES + 1)
    try:
        found = strict_json.loads(text) if len(text) <= MAX_DOCUMENT_BYTES else None
    except (ValueError, RecursionError):
        found = None
    stream.seek(0)
    return found if isinstance(found, dict) else None


def _lines(stream: Stream) -> Iterator[tuple[int, Any]]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(stream)
            yield number, BadLine(number, f"longer than {MAX_LINE_BYTES} bytes")
        elif line.strip():
            yield number, _decode(line, number)


def _skip_line(stream: Stream) -> None:
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass


def _decode(line: bytes, number: int) -> Any:
    try:
        return strict_json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"not JSON: {error}")
