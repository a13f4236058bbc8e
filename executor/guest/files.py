"""Names for the standard files of a program; there is no `/proc` for `/dev/stdin` to lead to."""

import _socket
import os
import stat
import struct
from collections.abc import Sequence

FOLDER = "/tmp/.fd"
"""To which `/dev/fd` leads, `/dev/stdin` to a file in it."""


def name_files() -> list[tuple[int, int]]:
    """Give the standard files names, if there is an input; return both ends of each output.

    The input's is a copy. Each output becomes a named pipe, so that what is written by number and
    what is written by name comes out in order.
    """
    if not stat.S_ISREG(os.fstat(0).st_mode):
        return []
    os.mkdir(FOLDER)
    copy = os.open(f"{FOLDER}/0", os.O_WRONLY | os.O_CREAT, 0o444)
    done = 0
    # By a place of its own: the program begins to read at the beginning.
    while sent := os.sendfile(copy, 0, done, 1 << 30):
        done += sent
    os.close(copy)
    return [_named_pipe(f"{FOLDER}/{number}") for number in (1, 2)]


def _named_pipe(name: str) -> tuple[int, int]:
    os.mkfifo(name)
    # In this order neither waits for the other.
    return os.open(name, os.O_RDONLY | os.O_NONBLOCK), os.open(name, os.O_WRONLY)


def greet(control: int, outputs: Sequence[tuple[int, int]], reaper: int | None = None) -> None:
    """Say hello to the supervisor, hand it the ends to read, and write to the others from now on.

    Until then what we complain of goes where the supervisor looks for it. The `reaper` of our
    namespace, where we are not its first process, goes before the ends.
    """
    handed = [reader for reader, _ in outputs]
    words = b"hello"
    if reaper is not None:
        handed.insert(0, reaper)
        words = b"forked"
    rights = (_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack(f"{len(handed)}i", *handed))
    borrowed = _socket.socket(fileno=control)
    try:
        borrowed.sendmsg([words], [rights] if handed else [])
    finally:
        borrowed.detach()
    for number, (reader, writer) in enumerate(outputs, 1):
        os.close(reader)
        os.dup2(writer, number)
        os.close(writer)
