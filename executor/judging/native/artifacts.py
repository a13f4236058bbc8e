"""What a compiler has made goes from jail to jail in files in memory, as it is."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any

from executor.sandbox.ended import Ended
from infra.contracts.base import Outcome


@contextlib.contextmanager
def place() -> Iterator[int]:
    """Open a file for a guest to write files into, one after the other."""
    fd = os.memfd_create("artifact")
    try:
        yield fd
    finally:
        os.close(fd)


@contextlib.contextmanager
def placed(files: Mapping[str, bytes]) -> Iterator[int]:
    """Open a file that has the content of others, one after the other."""
    with place() as fd, open(fd, "wb", closefd=False) as file:
        for content in files.values():
            file.write(content)
        file.flush()
        yield fd


@contextlib.contextmanager
def emptied(fd: int) -> Iterator[None]:
    """Leave nothing in a file when the block ends: a guest's account has to pay for it."""
    try:
        yield
    finally:
        os.ftruncate(fd, 0)


def taken(fd: int, sizes: Mapping[str, Any], most_bytes: int) -> dict[str, bytes]:
    """Read the files that a guest says it has written.

    Raises:
        Ended: there is more of them than that, or less than it says.
    """
    num_bytes = os.fstat(fd).st_size
    if num_bytes > most_bytes:
        detail = f"what was compiled is too large: {num_bytes} bytes"
        raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, detail)
    found, at = {}, 0
    for name, size in sizes.items():
        if not isinstance(size, int) or not 0 <= size <= num_bytes - at:
            raise Ended(Outcome.RUNTIME_ERROR, "what was compiled is not whole")
        found[name] = os.pread(fd, size, at)
        at += size
    return found
