"""Framed JSON messages over a socket: four bytes of length, then UTF-8 text."""

import json
import os
import struct
from typing import Any

LENGTH = struct.Struct(">I")
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class Closed(Exception):
    """The other side has gone."""


def pack(message: Any) -> bytes:
    """Encode one message; non-ASCII text and lone surrogates travel as escapes."""
    return framed(_ENCODER.encode(message))


def framed(text: str) -> bytes:
    """Make one message of its JSON, which must be ASCII."""
    body = text.encode("ascii")
    return LENGTH.pack(len(body)) + body


class Channel:
    """A blocking channel for the jailed side."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def send(self, message: Any) -> None:
        """Write one message.

        Raises:
            Closed: the other side has gone.
        """
        data = memoryview(pack(message))
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except OSError:
            raise Closed from None

    def receive(self) -> Any:
        """Read one message.

        Raises:
            Closed: the other side has gone.
        """
        (length,) = LENGTH.unpack(self._read(LENGTH.size))
        return json.loads(self._read(length).decode())

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            try:
                part = os.read(self._fd, min(size, 1 << 20))
            except OSError:
                raise Closed from None
            if not part:
                raise Closed
            parts.append(part)
            size -= len(part)
        return b"".join(parts)
