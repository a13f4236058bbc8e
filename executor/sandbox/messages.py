"""Reads what a jailed process sends: JSON of bounded size, and of a bounded number of parts.

A byte of JSON may become a hundred in memory: 64 MiB of `[],[],...` took 3.3 GiB and 40 s here,
and the candidate pays for neither.
"""

import re
from typing import Any, Final

from infra import strict_json

MOST_CONTAINERS: Final = 2_000_000
"""Lists and objects of one message."""
MOST_PARTS: Final = 8_000_000
"""Elements of these together."""
_STRINGS: Final = re.compile(rb'"[^"]*"')


class TooManyParts(ValueError):
    """The message would take far more memory than its bytes."""


def read(body: bytes) -> dict[str, Any]:
    """Read the body of one message.

    Raises:
        TooManyParts: it has more of them than any is read with.
        ValueError: it is no JSON object.
        RecursionError: it is nested too deeply.
    """
    _require_few_parts(body)
    message = strict_json.DECODER.decode(body.decode("ascii"))
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
