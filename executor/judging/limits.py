"""Verdicts near a limit: how near is near, and the limits that a reference program calibrates."""

from typing import Final

from infra.contracts.base import Outcome
from infra.contracts.execution import Verdict
from infra.contracts.problems import Limits

GRACE: Final = 1.2
"""A test is ended at this multiple of its CPU limit: what answers between the two is late, but so
little that a second run decides."""
_NEAR: Final = 0.8
_NEAR_MEMORY: Final = 0.9
_STARVED: Final = 0.2
"""What met the wall limit with so much of the CPU limit used may have lacked a processor."""
_LEAST_SECONDS: Final = 0.5
"""Shortest CPU limit of a test that calibration sets."""


def is_near_limit(verdict: Verdict, limits: Limits) -> bool:
    """Tell whether a little more or less of a resource might have changed the verdict."""
    if verdict.usage.memory_bytes >= _NEAR_MEMORY * limits.memory_bytes:
        return True
    timed_out = any(t.outcome is Outcome.TIME_LIMIT_EXCEEDED for t in verdict.tests)
    if not timed_out and verdict.usage.cpu_seconds >= _NEAR * limits.total_cpu_seconds:
        return True
    for test in verdict.tests:
        share = test.cpu_seconds / limits.cpu_seconds
        waited = test.wall_seconds >= _NEAR * limits.wall_seconds
        if _NEAR <= share < GRACE or (waited and _STARVED <= share < _NEAR):
            return True
        if test.outcome is Outcome.MEMORY_LIMIT_EXCEEDED:
            return True
    return False


def calibrated(limits: Limits, reference: Verdict) -> Limits:
    """Return limits whose CPU time is a multiple of what the reference program takes.

    Its slowest test decides; the limits' own time stays the most there is, `_LEAST_SECONDS` the
    least.
    """
    if limits.reference_factor is None:
        return limits
    slowest = max(test.cpu_seconds for test in reference.tests)
    seconds = max(_LEAST_SECONDS, slowest * limits.reference_factor)
    return limits.model_copy(update={"cpu_seconds": min(limits.cpu_seconds, seconds)})
