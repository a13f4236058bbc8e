"""How long to wait before a request is sent again: pure."""

import math

_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0
_LATE_SHARE = 0.25
"""Waiting time added at random to what a server asked for, so that not all come back at once."""


def wait_seconds(failures: int, retry_after: float | None, chance: float) -> float:
    """Return the wait after so many failures in a row.

    Without a word from the server it is drawn from all between 0 and a bound that doubles (full
    jitter); with one, never shorter than what the server asked for.

    Args:
        failures: How often the request has failed, from 1.
        retry_after: Seconds the server asked for.
        chance: A random number from 0 to 1.
    """
    bound = min(_FIRST_SECONDS * 2.0 ** min(failures - 1, 16), _LONGEST_SECONDS)
    if retry_after is None or not math.isfinite(retry_after):
        return bound * chance
    return retry_after + min(bound, max(retry_after, _FIRST_SECONDS) * _LATE_SHARE) * chance
