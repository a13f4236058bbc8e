"""Server-sent events, read from the lines of a stream: pure, as `sending` is."""

import time
from collections.abc import Iterator

import httpx
from pydantic import ValidationError

from infra import errors
from infra.contracts.views.api import CandidateView, RankingView
from services.client.sending import error_of

Event = CandidateView | RankingView
_KINDS: dict[str, type[CandidateView] | type[RankingView]] = {
    "candidate": CandidateView,
    "ranked": RankingView,
}
MOST_BREAKS = 6
"""Connections that break one after the other, with no event in between, before one gives up."""


def pause_after(breaks: int) -> float:
    """Seconds to wait after so many breaks in a row."""
    return float(min(0.2 * 2**breaks, 3.0))


class Listener:
    """Puts lines together to events, and knows where to go on."""

    def __init__(self, path: str, wait_seconds: float = float("inf")) -> None:
        self.path = path
        self._wait_seconds = wait_seconds
        self._deadline = time.monotonic() + wait_seconds
        self.last_id = ""
        self.is_over = False
        """Whether the last event has come."""
        self._fields: dict[str, str] = {}

    def left(self) -> float:
        """Return the seconds that may still be waited.

        Raises:
            errors.NotInTime: there are none.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise errors.NotInTime(f"the group is not ranked after {self._wait_seconds:g} s")
        return left

    def patience(self, usual: httpx.Timeout) -> httpx.Timeout:
        """Bound the silence between two lines by the time that is left."""
        read = min(self.left(), usual.read or float("inf"))
        return httpx.Timeout(usual.connect, read=None if read == float("inf") else read)

    def headers(self) -> dict[str, str]:
        """Make the headers of the next connection."""
        self._fields = {}
        return {"Last-Event-ID": self.last_id} if self.last_id else {}

    def refuse(self, response: httpx.Response) -> None:
        """Read a response that is no stream; a server that comes back is waited for.

        Raises:
            errors.SuiteError: what else the server answered.
        """
        if response.status_code != errors.Unavailable.status:
            raise error_of(response)

    def take(self, line: str) -> Iterator[Event]:
        """Take one line; yield the event that it ends, if it does.

        Raises:
            errors.SuiteError: this is no event of this API.
        """
        if line:
            name, _, value = line.partition(":")
            self._fields[name] = value.removeprefix(" ")
            return
        fields, self._fields = self._fields, {}
        kind = _KINDS.get(fields.get("event", ""))
        if kind is None:
            return  # A comment, or an event of a newer server.
        try:
            event = kind.model_validate_json(fields.get("data", ""))
        except ValidationError as error:
            raise errors.SuiteError(f"{self.path} gave no event of this API") from error
        self.last_id = fields.get("id", self.last_id)
        self.is_over = isinstance(event, RankingView)
        yield event
