"""What a model server's refusal says about the next request: pure."""

import json
import math
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from enum import StrEnum

from infra import errors

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses after which the same request may succeed."""
_NO_MONEY = ("insufficient_quota", "billing")
_LONGEST_REASON = 300
_LONGEST_REST = 3600.0
"""Most seconds that an endpoint is left alone at its word; a server that means more says so again,
and what it refuses is not billed."""


class Fault(StrEnum):
    """What a failed request says about the next."""

    AGAIN = "again"
    """The same request may succeed later."""
    NEVER = "never"
    """The server refuses it, and will again."""


class CallFailed(errors.SuiteError):
    """A request to a model server brought no completion."""

    code = "call_failed"
    status = 502

    def __init__(
        self, detail: str, fault: Fault, *, billed: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.fault = fault
        self.billed = billed
        """Whether it may have to be paid: the server did not say that it refused."""
        self.retry_after = retry_after
        """Seconds the server wants to be left alone."""


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
) -> CallFailed:
    """Read an answer that is no success; keys are struck out of what the server says.

    Args:
        status: Status of the answer.
        headers: Its headers, by small letters.
        body: Its body, or the beginning of it.
        secrets: Texts that must not be repeated.
        now: Seconds since 1970, for a date in `Retry-After`.
    """
    said = _said(body)
    for secret in secrets:
        said = said.replace(secret, "***")
    again = status in _AGAIN and not any(word in said for word in _NO_MONEY)
    # A server that broke down, or a gateway before it, may have finished the work.
    billed = again and status in (500, 502, 504, 520, 522, 524)
    return CallFailed(
        f"status {status}: {said[:_LONGEST_REASON]}".rstrip(": "),
        Fault.AGAIN if again else Fault.NEVER,
        billed=billed,
        retry_after=_retry_after(headers, now) if again else None,
    )


def storable(text: str) -> str:
    """Leave out what Postgres has no text for."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _said(body: bytes) -> str:
    return storable(" ".join(_words(body).split()))


def _words(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    error = read.get("error", read) if isinstance(read, dict) else read
    if not isinstance(error, dict):
        return str(error)
    parts = [str(error[key]) for key in ("code", "type", "message", "detail") if error.get(key)]
    return " ".join(parts)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds for which a server wants to be left alone, at most an hour."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    value = headers.get("retry-after", "")
    seconds = _number(value) if milliseconds is None else milliseconds / 1000
    if seconds is None:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_REST)


def _number(text: str) -> float | None:
    """Read a number that is one: not `inf`, `nan`, or what is as good as infinite."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
