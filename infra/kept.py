"""Completions that are kept as they come, so that a run which was cut off can go on."""

import contextlib
import hashlib
import json
import os
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
        self._records: dict[int, Mapping[str, Any]] = {}
        head = json.dumps({"asked": asked}) + "\n"
        lines = self._whole_lines()
        if lines[:1] != [head.encode()]:
            lines = [head.encode()]
            self._partial.write_bytes(lines[0])
        for line in lines[1:]:
            index, record = json.loads(line)
            self._records[index] = record
        self._file = self._partial.open("r+", encoding="utf-8", buffering=1)
        # What was cut off in the middle of a line goes.
        self._file.truncate(sum(map(len, lines)))
        self._file.seek(0, os.SEEK_END)

    def _whole_lines(self) -> list[bytes]:
        with contextlib.suppress(FileNotFoundError):
            lines = self._partial.read_bytes().splitlines(keepends=True)
            return [line for line in lines if line.endswith(b"\n")]
        return []

    def __enter__(self) -> "Kept":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        return self._records[index]

    def __contains__(self, index: object) -> bool:
        return index in self._records

    def add(self, index: int, record: Mapping[str, Any]) -> None:
        """Keep a record, unless there is one of its index."""
        if index not in self._records:
            self._records[index] = record
            self._file.write(json.dumps([index, record]) + "\n")

    def finish(self, count: int) -> None:
        """Write all records in the order of their indices, which are 0 to `count` - 1."""
        self._file.close()
        whole = self._out.with_name(self._out.name + ".whole")
        with whole.open("w", encoding="utf-8") as file:
            for index in range(count):
                file.write(json.dumps(self._records[index]) + "\n")
        whole.replace(self._out)
        self._partial.unlink()
