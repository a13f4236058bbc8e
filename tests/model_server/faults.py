"""What goes wrong at the test server, and at which requests."""

from collections import Counter
from collections.abc import Mapping
from enum import StrEnum


class Fault(StrEnum):
    RATE_LIMIT = "rate_limit"
    """429 with Retry-After."""
    SERVER_ERROR = "server_error"
    """500, before anything is written."""
    SLOW = "slow"
    """The answer comes after the client has given up."""
    CUT = "cut"
    """The connection ends in the middle of the body."""
    MALFORMED = "malformed"
    """200, and a body that is no JSON."""
    WRONG_N = "wrong_n"
    """None, or one more than was asked for, in turn."""
    DUPLICATED = "duplicated"
    """Every text is the one of the answer before."""
    REFUSED = "refused"
    """401, which repeats the key."""


class Schedule:
    """Lets every so many-th request fail, for each fault apart."""

    def __init__(self, every: Mapping[Fault, int] | None = None) -> None:
        self.every = dict(every or {})
        self.made: Counter[Fault] = Counter()
        self._arrived = 0

    def next(self) -> Fault | None:
        """Return what is to go wrong with the request that has just arrived."""
        self._arrived += 1
        for fault, every in self.every.items():
            if self._arrived % every == 0:
                self.made[fault] += 1
                return fault
        return None
