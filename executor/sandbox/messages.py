"""Reads what a jailed process sends: JSON of bounded size, and of a bounded number of parts.

A byte of JSON may become a hundred in memory: 64 MiB of `[],[],...` took 3.3 GiB and 40 s here,
and the candidate pays for neither.
"""

import re
from typing import Any, Final

from executor.guest.channel import LENGTH
from executor.sandbox.ended import Ended
from infra import strict_json
from infra.contracts.base import Outcome

MOST_CONTAINERS: Final = 2_000_000
"""Lists and objects of one message."""
MOST_PARTS: Final = 8_000_000
"""Elements of these together."""
_STRINGS: Final = re.compile(rb'"[^"]*"')


class TooManyParts(ValueError):
    """The message would take far more memory than its bytes."""


class Inbox:
    """The bytes that have come from a jailed process, as messages."""

    def __init__(self, most_bytes: int) -> None:
        """No message may have more bytes than that."""
        self._most_bytes = most_bytes
        self._bytes = bytearray()

    def __len__(self) -> int:
        """How many bytes nobody has taken."""
        return len(self._bytes)

    def add(self, data: bytes) -> None:
        """Take in what has come."""
        self._bytes += data

    def count(self, most: int) -> int:
        """Count the messages, up to `most`; one that is too large is there with its length."""
        count = at = 0
        while count < most and len(self._bytes) >= at + LENGTH.size:
            (length,) = LENGTH.unpack_from(self._bytes, at)
            at += LENGTH.size + length
            if length > self._most_bytes:
                return count + 1
            if len(self._bytes) < at:
                break
            count += 1
        return count

    def take(self) -> dict[str, Any]:
        """Take the next message, which is there.

        Raises:
            Ended: it is too large, or none.
        """
        (length,) = LENGTH.unpack_from(self._bytes)
        if length > self._most_bytes:
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, f"a value of {length} bytes is too large")
        end = LENGTH.size + length
        body = bytes(self._bytes[LENGTH.size : end])
        del self._bytes[:end]
        try:
            return read(body)
        except TooManyParts as error:
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, str(error)) from None
        except (ValueError, RecursionError):
            raise Ended(Outcome.RUNTIME_ERROR, "the process sent no valid message") from None


def read(body: bytes) -> dict[str, Any]:
    """Read the body of one message.

    Raises:
        TooManyParts: it has more of them than any is read with.
        ValueError: it is no JSON object.
        RecursionError: it is nested too deeply.
    """
    _require_few_parts(body)
    message = strict_json.DECODER.decode(body.decode())
    if not isinstance(message, dict):
        raise ValueError("the message is no object")
    return message


def _require_few_parts(body: bytes) -> None:
    if not _has_many(body):
        return
    # Some may stand in texts. Without escapes a text is what stands between two quotes.
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    if _has_many(_STRINGS.sub(b"", plain)):
        most = f"{MOST_CONTAINERS:,} containers or {MOST_PARTS:,} elements"
        raise TooManyParts(f"a value of over {most} is too large")


def _has_many(body: bytes) -> bool:
    containers = body.count(b"[") + body.count(b"{")
    return containers > MOST_CONTAINERS or body.count(b",") > MOST_PARTS
