"""What a test may use, and when a verdict is near that."""

import pytest

from executor.judging import verdicts
from executor.judging.limits.allowances import (
    Allowance,
    calibrated,
    is_enough,
    is_load_near_limit,
    is_near_limit,
    least,
    own,
)
from executor.judging.limits.metering import Spending
from infra.contracts.base import STANDARD_IMAGE, Outcome
from infra.contracts.execution import Usage
from infra.contracts.problems import Limits

PASSED, HUNG, NOT_RUN = Outcome.PASSED, Outcome.TIME_LIMIT_EXCEEDED, Outcome.NOT_RUN
LIMITS = Limits(cpu_seconds=5, idle_factor=2)


def verdict(*tests):
    """The verdict of tests with these outcomes and seconds."""
    results = [verdicts.result(outcome, spending=spending) for outcome, spending in tests]
    used = sum(spending.cpu for _, spending in tests)
    return verdicts.judged(results, Usage(cpu_seconds=used), "test")


@pytest.mark.parametrize(
    ("cpu", "idle", "allowed"),
    [
        (0.01, 0.0, (0.2, 1, 0.05, 1)),
        (0.125, 0.25, (1.25, 2.5, 0.25, 1.25)),
        (2.0, 4.0, (5, 10, 4, 5)),
        (4.0, 4.0, (5, 10, 5, 5)),
    ],
)
def test_the_slowest_test_of_a_reference_calibrates_within_bounds(cpu, idle, allowed):
    reference = verdict((PASSED, Spending(cpu)), (PASSED, Spending(idle=idle)))

    assert calibrated(LIMITS, STANDARD_IMAGE, reference) == allowed


def test_where_packages_may_be_imported_there_is_time_for_that():
    reference = verdict((PASSED, Spending(0.01)))

    assert calibrated(LIMITS, "science", reference) == least(LIMITS, "science") == (1, 1, 0.25, 5)


def test_short_limits_are_never_lengthened():
    short = Limits(cpu_seconds=0.15, idle_factor=1)

    slow = verdict((PASSED, Spending(9, 9)))
    assert own(short) == calibrated(short, STANDARD_IMAGE, slow) == (0.15, 0.15, 0.15, 0.15)
    assert least(short, STANDARD_IMAGE) == (0.15, 0.15, 0.05, 0.15)


@pytest.mark.parametrize(
    ("outcome", "cpu", "is_near"),
    [
        (PASSED, 0.7, False),
        (PASSED, 0.9, True),
        # It was ended, and would have gone on.
        (HUNG, 0.9, False),
        # What was left of the time decided, and not its own limit.
        (NOT_RUN, 0.9, False),
    ],
)
def test_a_verdict_is_near_a_limit_where_a_little_time_would_change_it(outcome, cpu, is_near):
    found = verdict((PASSED, Spending(0.1)), (outcome, Spending(cpu)))

    assert is_near_limit(found, LIMITS, Allowance(1, 1, 1, 1)) == is_near


@pytest.mark.parametrize(
    ("outcome", "seconds", "is_near"),
    [(PASSED, 0.7, False), (PASSED, 0.9, True), (HUNG, 1.0, False)],
)
def test_a_verdict_is_near_a_limit_where_loading_was(outcome, seconds, is_near):
    found = verdict((outcome, Spending(0.1)))
    usage = found.usage.model_copy(update={"cpu_seconds": 0.1 + seconds})
    loaded = found.model_copy(update={"usage": usage})

    assert is_load_near_limit(loaded, Allowance(5, 1, 1, 1)) == is_near


def test_many_tests_are_near_the_limit_of_all_together():
    assert is_near_limit(verdict(*[(PASSED, Spending(1))] * 17), LIMITS, own(LIMITS))


@pytest.mark.parametrize(
    ("outcome", "more", "is_as_good"),
    [
        (NOT_RUN, {"after": 0.1}, False),
        # What ran to its end would do so again.
        (PASSED, {"after": 0.1}, True),
        (NOT_RUN, {}, True),
        (PASSED, {"cpu": 0.4}, False),
        (PASSED, {"idle": 2}, False),
        (HUNG, {"load": 2}, False),
        (PASSED, {"load": 2}, True),
    ],
)
def test_what_had_too_little_time_is_run_again_where_there_is_more(outcome, more, is_as_good):
    found = verdict((HUNG, Spending(0.2)), (outcome, Spending(0.01)))
    used = Allowance(cpu=0.2, idle=1, after=0.05, load=1)

    assert is_enough(found, used, used._replace(**more)) == is_as_good
