"""How long to wait before a request is sent again."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.servers.retrying import wait_seconds

CHANCES = st.floats(0, 1)
FAILURES = st.integers(1, 1000)


@given(FAILURES, CHANCES)
def test_without_a_word_from_the_server_the_bound_doubles_and_ends_at_thirty_seconds(
    failures, chance
):
    wait = wait_seconds(failures, None, chance)

    assert 0 <= wait <= min(0.5 * 2.0 ** min(failures - 1, 20), 30)
    assert wait_seconds(failures, None, 1.0) >= wait


@given(FAILURES, CHANCES, st.floats(0, 1e6))
def test_a_server_is_never_asked_sooner_than_it_wants(failures, chance, retry_after):
    wait = wait_seconds(failures, retry_after, chance)

    assert retry_after <= wait <= retry_after + 30


@pytest.mark.parametrize("retry_after", [math.inf, math.nan])
def test_a_wait_without_end_is_no_wait(retry_after):
    assert wait_seconds(1, retry_after, 1.0) == 0.5


def test_those_who_were_told_the_same_do_not_come_back_at_once():
    waits = {wait_seconds(3, 2.0, chance / 10) for chance in range(11)}

    assert len(waits) == 11
