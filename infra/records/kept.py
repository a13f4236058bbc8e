"""Completions that are kept as they come, so that a run which was cut off can go on."""

import contextlib
import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any


def fingerprint(asked: Sequence[Any]) -> str:
    """Return what is the same only for the same request: a digest of what its parts look like."""
    return hashlib.sha256("\n".join(map(repr, asked)).encode("utf-8", "replace")).hexdigest()


class Kept:
    """Records in `OUT.partial`, one to a line as they come, that are `OUT` once all are there.

    A context; it holds whether there is a record of an index. What another request has left is
    thrown away.
    """

    def __init__(self, out: Path, asked: str) -> None:
        """Find what an earlier run of the same request has kept.

        Args:
            out: Where the records shall be.
            asked: The request's fingerprint.

        Raises:
            OSError: the file cannot be read or written.
        """
        self._out = out
        self._partial = out.with_name(out.name + ".partial")
        self._places: dict[int, tuple[int, int]] = {}
        """Where the line of an index begins, and how long it is: records may be many and long."""
        self._end = 0
        head = json.dumps({"asked": asked}).encode() + b"\n"
        with contextlib.suppress(FileNotFoundError), self._partial.open("rb") as file:
            if file.readline() == head:
                self._end = len(head)
                for line in file:
                    if line.endswith(b"\n"):  # Else it was cut off in the middle.
                        self._note(json.loads(line)[0], len(line))
        self._file = self._partial.open("r+b" if self._end else "w+b", buffering=0)
        self._file.truncate(self._end)
        if not self._end:
            self._end = self._file.write(head)

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def __contains__(self, index: object) -> bool:
        return index in self._places

    def __getitem__(self, index: int) -> dict[str, Any]:
        start, length = self._places[index]
        self._file.seek(start)
        return dict(json.loads(self._file.read(length))[1])

    def add(self, index: int, record: Mapping[str, Any]) -> None:
        """Keep a record, unless there is one of its index."""
        if index not in self._places:
            line = json.dumps([index, record]).encode() + b"\n"
            self._file.seek(self._end)
            self._file.write(line)
            self._note(index, len(line))

    def finish(self, count: int) -> None:
        """Write all records in the order of their indices, which are 0 to `count` - 1."""
        whole = self._out.with_name(self._out.name + ".whole")
        with whole.open("w", encoding="utf-8") as file:
            for index in range(count):
                file.write(json.dumps(self[index]) + "\n")
        whole.replace(self._out)
        self._partial.unlink()

    def _note(self, index: int, length: int) -> None:
        self._places[index] = (self._end, length)
        self._end += length
