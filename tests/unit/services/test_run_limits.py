"""The limits of programs that borrowed interfaces run."""

from infra.contracts.problems import MAX_WALL_SECONDS
from services.api.sandbox_fusion import limits_for


def test_every_time_that_may_be_asked_for_makes_limits_that_a_task_can_keep():
    for milliseconds in range(1, 60_001):
        limits = limits_for(milliseconds / 1000, 2**30)

        assert limits.cpu_seconds == limits.total_cpu_seconds == milliseconds / 1000
        wanted = min(3 * milliseconds / 1000, MAX_WALL_SECONDS)
        assert wanted * (1 - 1e-12) <= limits.total_wall_seconds <= MAX_WALL_SECONDS
