"""The limits of programs that borrowed interfaces run."""

import pytest

from infra.contracts.inline import MAX_RUN_SECONDS
from services.api.compatible.sandbox_fusion import limits_of

MEBIBYTE = 2**20


@pytest.mark.parametrize(
    ("asked", "given"), [(-5, 1024), (0, 1024), (1, 32), (100, 100), (10**6, 8192)]
)
def test_whatever_memory_is_asked_for_makes_limits_that_a_task_can_keep(asked, given):
    limits = limits_of(asked * MEBIBYTE)

    assert limits.memory_bytes == given * MEBIBYTE
    assert limits.cpu_seconds >= MAX_RUN_SECONDS
