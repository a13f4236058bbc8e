"""Limits of time: those that a reference program calibrates, and how near one is near."""

from typing import Final, NamedTuple

from infra.contracts.base import STANDARD_IMAGE, Integrity, Outcome
from infra.contracts.execution import Usage, Verdict
from infra.contracts.problems import (
    LEAST_CPU_SECONDS,
    LEAST_CPU_SECONDS_WITH_PACKAGES,
    LEAST_IDLE_SECONDS,
    Limits,
)

GRACE: Final = 1.2
"""A test is ended at this multiple of its CPU limit, so that what is late by little is told from
what does not end."""
NEAR: Final = 0.8
"""From this part of a limit on another run may end otherwise."""
_LEAST_AFTER: Final = 0.25
"""What all tests after a hang share at least, as a part of the least time of one."""
_FACTOR_AFTER: Final = 2.0
"""The same as a multiple of all that the reference program takes."""
_LEAST_LOAD: Final = 1.0
"""CPU seconds for what is loaded, at least; packages may take longer than that."""
_CUT_OFF: Final = (Outcome.TIME_LIMIT_EXCEEDED, Outcome.NOT_RUN)


class Allowance(NamedTuple):
    """What one test may use, in seconds."""

    cpu: float
    idle: float
    after: float
    """CPU time that all tests share after one that met its limit, what is loaded included."""
    load: float
    """CPU time in which the program, and tests that run beside it, are loaded."""


def own(limits: Limits) -> Allowance:
    """Return what the problem itself allows a test."""
    seconds = limits.cpu_seconds
    return Allowance(seconds, limits.idle_seconds, after=seconds, load=seconds)


def least(limits: Limits, image: str) -> Allowance:
    """Return what a test may use while nothing is known of the reference program.

    Most programs need no more, and are judged before it is known what the reference takes.
    """
    return _within(limits, image, Usage(), 0.0, 0.0)


def calibrated(limits: Limits, image: str, reference: Verdict) -> Allowance:
    """Return what a test may use by what the reference program takes for its slowest one."""
    factor = limits.reference_factor or 1.0
    cpu = max(test.cpu_seconds for test in reference.tests)
    idle = max(test.idle_seconds for test in reference.tests)
    return _within(limits, image, reference.usage, cpu * factor, idle * factor)


def of_copies(limits: Limits, image: str, reference: Verdict) -> Allowance:
    """Return what a changed copy of a test may use when the reference program runs it.

    One that fails may take much longer than one that passes, as one does of which a framework looks
    for the smallest example; one that waits for what never comes is of no use.
    """
    return own(limits)._replace(idle=calibrated(limits, image, reference).idle)


def is_enough(verdict: Verdict, used: Allowance, allowed: Allowance) -> bool:
    """Tell whether a verdict that was found with `used` is the one that `allowed` gives."""
    if (used.cpu, used.idle) != (allowed.cpu, allowed.idle):
        return False
    outcomes = {test.outcome for test in verdict.tests}
    had_time_after = used.after >= allowed.after or Outcome.NOT_RUN not in outcomes
    had_time_to_load = used.load >= allowed.load or Outcome.PASSED in outcomes
    return had_time_after and had_time_to_load


def _within(limits: Limits, image: str, usage: Usage, cpu: float, idle: float) -> Allowance:
    """Return what is allowed by a test's times, and by what a reference program takes in all."""
    # A program may import in a function what its reference imports at its top.
    floor = LEAST_CPU_SECONDS if image == STANDARD_IMAGE else LEAST_CPU_SECONDS_WITH_PACKAGES
    of_one = min(limits.cpu_seconds, max(floor, cpu))
    factor = limits.reference_factor or 1.0
    load = max(_LEAST_LOAD, usage.cpu_seconds * factor)
    return Allowance(
        of_one,
        min(limits.idle_seconds, max(LEAST_IDLE_SECONDS, idle)),
        after=min(of_one, max(_LEAST_AFTER * floor, _FACTOR_AFTER * usage.cpu_seconds)),
        load=min(limits.cpu_seconds, load) if image == STANDARD_IMAGE else limits.cpu_seconds,
    )


def is_near_limit(verdict: Verdict, limits: Limits, allowed: Allowance) -> bool:
    """Tell whether a little more CPU time might have made the verdict worse."""
    ended = [test for test in verdict.tests if test.outcome not in _CUT_OFF]
    if any(test.cpu_seconds >= NEAR * allowed.cpu for test in ended):
        return True
    is_whole = len(ended) == len(verdict.tests)
    return is_whole and verdict.usage.cpu_seconds >= NEAR * limits.total_cpu_seconds


def is_load_near_limit(verdict: Verdict, allowed: Allowance) -> bool:
    """Tell whether a program came near the limit of loading, and was loaded; if tests run apart.

    Beside tests run their copies too; elsewhere loading is all that is outside of tests.
    """
    tests = sum(test.cpu_seconds for test in verdict.tests)
    is_loaded = any(test.outcome not in _CUT_OFF for test in verdict.tests)
    is_apart = verdict.integrity is Integrity.ISOLATED
    return is_apart and is_loaded and verdict.usage.cpu_seconds - tests >= NEAR * allowed.load
