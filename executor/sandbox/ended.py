"""What ends a process in a jail, what it may use until then, and how that is put into words."""

import os
import signal

from infra.contracts.base import Outcome


class Ended(Exception):
    """The process in the jail is over, or a limit ended it: an outcome, not an error of ours."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        self.outcome = outcome
        self.detail = detail
        super().__init__(detail)


class Budget:
    """CPU and wall time that may be used up to some point."""

    def __init__(self, cpu_until: float, wall_until: float) -> None:
        self.cpu_until = cpu_until
        """Reading of the account's CPU clock, in seconds."""
        self.wall_until = wall_until
        """Reading of the monotonic clock, in seconds."""


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
