"""Tests made ready for runs: drawn, and compiled in a jail of their own, once for several runs.

No two processes of candidates can reach one another, so that several may have the same draw; it is
drawn anew before anybody could learn from a verdict what stood where.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from executor.judging.shared import sharing
from executor.judging.shared.arranging import Arrangement
from executor.judging.shared.guarding import Guard
from executor.sandbox.ended import Ended
from executor.sandbox.jail import Sandbox
from infra.contracts.problems import Limits

_RUNS: Final = 32
"""How many runs may have the same draw: as many candidates as come with one message."""
_READ: Final = ("source", "statements", "imports", "check", "path")
"""What is read of the test code."""
_TOLD: Final = ("source", "code", "statements", "imports")
"""What is told of it then, and nothing else is believed of who has read it."""
_CODE_BYTES: Final = 64 * 2**20
"""What may be told of compiled test code; it is no value of a candidate."""


class Ready(NamedTuple):
    """What a run of tests begins with."""

    start: dict[str, Any]
    """In the place of what `sharing.start_of` says of the test code."""
    arrangement: Arrangement | None
    """As which the tests are told of; None where nothing guards them."""


def ready(
    sandbox: Sandbox, limits: Limits, start: dict[str, Any], arrangement: Arrangement | None
) -> Ready:
    """Have the test code of a run compiled, as `sharing.start_of` has it or as it is arranged.

    What does not compile within these limits is left as it is, and shows where it is run.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    own = {} if arrangement is None else sharing.arranged(arrangement)
    order = {name: start[name] for name in _READ} | own | {"role": "readying"}
    limits = limits.model_copy(update={"value_bytes": _CODE_BYTES})
    with sandbox.jail(order, limits) as jail:
        try:
            answer = jail.receive(jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds))
            own |= {name: answer["ready"][name] for name in _TOLD}
        except (Ended, KeyError, TypeError):
            pass
    return Ready(own, arrangement)


class _Draw:
    """What some runs begin with, and how many have."""

    def __init__(self, guard: Guard | None, drawn: Ready) -> None:
        self.guard = guard
        self.drawn = drawn
        self.runs = 0


class Draws:
    """What the runs of a suite's tests begin with."""

    def __init__(self, sandbox: Callable[[], Sandbox], limits: Limits) -> None:
        """The sandbox is asked for when the first test is made ready."""
        self._sandbox = sandbox
        self._limits = limits
        self._kept: dict[int, _Draw] = {}

    def next(self, position: int, start: dict[str, Any], guard: Guard | None) -> Ready:
        """Return what the next run of the test at a position begins with.

        Raises:
            errors.SandboxError: the sandbox failed.
        """
        draw = self._kept.get(position)
        if draw is None or draw.guard is not guard or draw.runs == _RUNS:
            arrangement = None if guard is None else guard.arranged()
            drawn = ready(self._sandbox(), self._limits, start, arrangement)
            draw = self._kept[position] = _Draw(guard, drawn)
        draw.runs += 1
        return draw.drawn
