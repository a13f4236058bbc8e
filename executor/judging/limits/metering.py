"""What the processes of one candidate have used, and what that leaves for the tests to come."""

import time
from types import TracebackType
from typing import Final

from executor.judging.limits.allowances import Allowance, own
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail
from infra.contracts.base import Outcome
from infra.contracts.execution import Usage
from infra.contracts.problems import MAX_WALL_SECONDS, Limits

_REACHED: Final = "the CPU time limit was reached"
_USED_UP: Final = "the candidate's total time is used up"
_TOLD: Final = "it tells more than can be read in the time that it has itself"
_LEAST_OURS: Final = 2.0
"""Seconds that we may always take to read what is told."""
_SHARED: Final = "a test before it met its time limit, and what those after it share is used up"


class Spending:
    """What one test has used, over however many calls and processes it takes; in seconds."""

    def __init__(self, cpu: float = 0.0, idle: float = 0.0, wall: float = 0.0) -> None:
        self.cpu = cpu
        self.idle = idle
        self.wall = wall

    @staticmethod
    def of(jail: Jail) -> "Spending":
        """What a jail has used so far."""
        return Spending(jail.cpu_seconds(), jail.idle_seconds(), jail.wall_seconds())

    def add(self, other: "Spending") -> None:
        """Add what was used elsewhere."""
        self.cpu += other.cpu
        self.idle += other.idle
        self.wall += other.wall

    def since(self, before: "Spending") -> "Spending":
        """Return how much more this is."""
        return Spending(self.cpu - before.cpu, self.idle - before.idle, self.wall - before.wall)

    def add_since(self, before: "Spending", jail: Jail) -> None:
        """Add what a jail has used since it had used so much."""
        self.add(Spending.of(jail).since(before))


class Meter:
    """What all the processes of one candidate have used, and what is left of its total budget."""

    def __init__(
        self, limits: Limits, allowed: Allowance | None = None, deadline: float | None = None
    ) -> None:
        """Begin from zero.

        Args:
            limits: Of the problem.
            allowed: What one test may use; absent, what the limits say.
            deadline: Reading of the monotonic clock at which we give up; absent,
                `MAX_WALL_SECONDS` from now.
        """
        self.limits = limits
        self.allowed = own(limits) if allowed is None else allowed
        self.deadline = time.monotonic() + MAX_WALL_SECONDS if deadline is None else deadline
        self.has_hung = False
        """Whether a time limit was met."""
        self.was_late = False
        """Whether a test took little more than its time."""
        self._used = Spending()
        self._cpu_until, self._idle_until = limits.total_cpu_seconds, limits.total_idle_seconds
        self._memory = 0
        self._ours = 0.0
        """CPU time that we have taken to hear what the processes tell."""

    def add(self, jail: Jail) -> None:
        """Count a jail that is about to go."""
        self._used.add(Spending.of(jail))
        self._memory = max(self._memory, jail.memory_bytes())

    def usage(self) -> Usage:
        """The sum so far."""
        return Usage(
            cpu_seconds=self._used.cpu, wall_seconds=self._used.wall, memory_bytes=self._memory
        )

    def _left(self, now: Spending | None) -> tuple[float, float]:
        cpu, idle = self._used.cpu, self._used.idle
        if now is not None:
            cpu, idle = cpu + now.cpu, idle + now.idle
        return self._cpu_until - cpu, self._idle_until - idle

    def require_left(
        self, now: Spending | None = None, jail: Jail | None = None
    ) -> tuple[float, float]:
        """Return the CPU and idle seconds that are left, with `now` used by a jail that still runs.

        Raises:
            Ended: there are none, or we have worked for it longer than it may itself.
        """
        if self._ours > max(self.limits.total_cpu_seconds, _LEAST_OURS):
            raise Ended(Outcome.OUTPUT_LIMIT_EXCEEDED, _TOLD)
        cpu, idle = self._left(now)
        if cpu > 0 and idle > 0:
            return cpu, idle
        if self.has_hung:
            raise Ended(Outcome.NOT_RUN, _SHARED)
        raise self.met(Ended(Outcome.TIME_LIMIT_EXCEEDED, _USED_UP), jail)

    def has_left(self, now: Spending) -> bool:
        """Tell whether CPU and idle seconds are left, with what a jail has used that still runs."""
        return min(self._left(now)) > 0

    def forgive(self, spent: Spending) -> None:
        """Leave something out of the total that has to be done again through no fault of tests."""
        self._cpu_until += spent.cpu
        self._idle_until += spent.idle

    def budget(
        self, jail: Jail, cpu_seconds: float, idle_seconds: float, now: Spending | None = None
    ) -> Budget:
        """Let a jail use so much from now on, and no more than what is left.

        `now` is what it has used so far, if that has just been read.

        Raises:
            Ended: nothing is left.
            errors.SandboxError: the jail does not come up.
        """
        if now is None:
            jail.boot()
            now = Spending.of(jail)
        cpu_left, idle_left = self.require_left(now, jail)
        return Budget(
            now.cpu + min(cpu_seconds, cpu_left),
            now.idle + min(idle_seconds, idle_left),
            self.deadline,
        )

    def require_in_time(self, cpu_seconds: float, jail: Jail | None) -> None:
        """Look at what a test has used that has ended by itself; `jail` is as for `met`.

        Raises:
            Ended: it came within the grace, and counts as one that met its limit.
        """
        if cpu_seconds > self.allowed.cpu:
            self.was_late = True
            raise self.met(Ended(Outcome.TIME_LIMIT_EXCEEDED, _REACHED), jail)

    def watching(self, jail: Jail) -> "_Watching":
        """Say what it means if the jail ends in this block, and count what we do for it meanwhile.

        Raises:
            Ended: as the jail raised it, or that its test counts as not run.
        """
        return _Watching(self, jail)

    def count_ours(self, seconds: float) -> None:
        """Count CPU time that we have taken to hear what the processes tell."""
        self._ours += seconds

    def met(self, ended: Ended, jail: Jail | None = None) -> Ended:
        """Return what the end of a test means for it, and for those after it.

        After the first that met its time limit all that follow share what is allowed then, unless
        every test is to be run. `jail` is that of the test, unless it was added.
        """
        if ended.outcome is not Outcome.TIME_LIMIT_EXCEEDED:
            return ended
        if self.limits.run_every_test:
            self.has_hung = True
            return ended
        if self.has_hung:
            return Ended(Outcome.NOT_RUN, _SHARED)
        self.has_hung = True
        cpu_left, idle_left = self._left(None if jail is None else Spending.of(jail))
        self._cpu_until -= max(0.0, cpu_left - self.allowed.after)
        self._idle_until -= max(0.0, idle_left - self.allowed.idle)
        return ended


class _Watching:
    """The block of `Meter.watching`: entered for every message, and no generator for that."""

    __slots__ = ("_began", "_jail", "_meter")

    def __init__(self, meter: Meter, jail: Jail) -> None:
        self._meter = meter
        self._jail = jail

    def __enter__(self) -> None:
        self._began = time.thread_time()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._meter.count_ours(time.thread_time() - self._began)
        if isinstance(error, Ended):
            raise self._meter.met(error, self._jail) from error
