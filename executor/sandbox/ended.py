"""What ends a process in a jail, what it may use until then, and how that is put into words."""

import os
import signal
from typing import NamedTuple

from infra.contracts.base import Outcome


class Ended(Exception):
    """The process in the jail is over, or a limit ended it: an outcome, not an error of ours."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        self.outcome = outcome
        self.detail = detail
        super().__init__(detail)


class Budget(NamedTuple):
    """What may be used up to some point, as readings of clocks in seconds."""

    cpu_until: float
    """Of the account's CPU clock."""
    idle_until: float
    """Of the jail's idle clock."""
    deadline: float
    """Of the monotonic clock: when we give up, and know nothing of the program."""


def describe_status(status: int | None) -> str:
    """Put a wait status into words."""
    if status is None:
        return "the process closed its channel"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            return f"killed by {signal.Signals(number).name}"
        except ValueError:
            return f"killed by signal {number}"
    return f"exited with status {os.waitstatus_to_exitcode(status)}"
