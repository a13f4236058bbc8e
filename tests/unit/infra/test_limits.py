"""Limits that a task can keep."""

import pytest
from pydantic import ValidationError

from infra.contracts.problems import MAX_WALL_SECONDS, Limits
from infra.messaging import SOFT_LIMIT_SECONDS


def test_limits_that_outlast_a_task_are_refused():
    with pytest.raises(ValidationError, match="must be at most 75 s"):
        Limits(total_cpu_seconds=40, wall_factor=3)


def test_a_slice_and_its_last_candidate_end_before_the_task_is_stopped():
    from executor.settings import ExecutorSettings

    assert ExecutorSettings().slice_seconds + 2 * MAX_WALL_SECONDS + 20 < SOFT_LIMIT_SECONDS
