"""The limits of programs that borrowed interfaces run."""

import pytest

from services.api.sandbox_fusion import limits_for


@pytest.mark.parametrize("seconds", [0.001, 60])
def test_every_time_that_may_be_asked_for_makes_limits_that_a_task_can_keep(seconds):
    limits = limits_for(seconds, 2**30)

    assert limits.cpu_seconds == limits.total_cpu_seconds == limits.idle_seconds == seconds
