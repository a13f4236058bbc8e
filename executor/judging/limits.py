"""Limits of time: the one that a reference program calibrates, and how near one is near."""

from typing import Final

from infra.contracts.base import Outcome
from infra.contracts.execution import Verdict
from infra.contracts.problems import Limits

GRACE: Final = 1.2
"""A test is ended at this multiple of its CPU limit, so that what is late by little is told from
what does not end."""
_NEAR: Final = 0.8
_LEAST_SECONDS: Final = 1.0
"""Shortest CPU limit of a test that calibration sets; most programs need no more, and are judged
before it is known what the reference program takes."""


def is_near_limit(verdict: Verdict, limits: Limits, test_seconds: float) -> bool:
    """Tell whether a little more or less CPU time might have changed the verdict.

    `test_seconds` is the CPU limit of one test.
    """
    run = [test for test in verdict.tests if test.outcome is not Outcome.NOT_RUN]
    if any(_NEAR <= test.cpu_seconds / test_seconds < GRACE for test in run):
        return True
    has_hung = any(test.outcome is Outcome.TIME_LIMIT_EXCEEDED for test in run)
    return not has_hung and verdict.usage.cpu_seconds >= _NEAR * limits.total_cpu_seconds


def least(limits: Limits) -> float:
    """Return the CPU limit of a test while nothing is known of the reference program."""
    return min(limits.cpu_seconds, _LEAST_SECONDS)


def calibrated(limits: Limits, reference: Verdict) -> float:
    """Return the CPU limit of a test by what the reference program takes for its slowest one."""
    slowest = max(test.cpu_seconds for test in reference.tests)
    seconds = max(_LEAST_SECONDS, slowest * (limits.reference_factor or 1))
    return min(limits.cpu_seconds, seconds)
