"""What is made of a model server's refusals."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sampler.servers.refusals import Fault, refusal

NOW = 1_700_000_000.0


def refused(status, body=b"", headers=None, secrets=()):
    return refusal(status, headers or {}, body, secrets, NOW)


@pytest.mark.parametrize(
    ("status", "fault", "billed"),
    [
        (429, Fault.AGAIN, False),
        (503, Fault.AGAIN, False),
        (500, Fault.AGAIN, True),
        (502, Fault.AGAIN, True),
        (504, Fault.AGAIN, True),
        (400, Fault.NEVER, False),
        (401, Fault.NEVER, False),
        (404, Fault.NEVER, False),
        (301, Fault.NEVER, False),
    ],
)
def test_a_status_says_whether_to_ask_again_and_whether_it_may_be_billed(status, fault, billed):
    error = refused(status)

    assert (error.fault, error.billed) == (fault, billed)


def test_an_account_without_money_is_not_asked_again():
    body = json.dumps({"error": {"code": "insufficient_quota", "message": "pay"}}).encode()

    assert refused(429, body).fault is Fault.NEVER


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"retry-after-ms": "-250"}, 0),
        ({"retry-after-ms": "9" * 400, "retry-after": "1"}, 1),
        ({"retry-after-ms": "9" * 5000}, None),
        ({"retry-after-ms": "9" * 300}, 3600),
        ({"retry-after": "86400"}, 3600),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e300"}, 3600),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -9999"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0),
    ],
)
def test_the_wait_a_server_asks_for_is_read_in_every_form(headers, seconds):
    assert refused(429, headers=headers).retry_after == seconds


@given(st.text() | st.floats().map(str) | st.integers().map(str), st.text(max_size=20))
def test_whatever_wait_a_server_asks_for_ends(seconds, milliseconds):
    headers = {"retry-after": seconds, "retry-after-ms": milliseconds}

    wait = refused(429, headers=headers).retry_after

    assert wait is None or 0 <= wait <= 3600


def test_what_a_server_says_is_kept_short_and_without_keys():
    said = {"error": {"message": "bad key sk-1 \ud800 \x00" + "x" * 1000, "code": "invalid"}}

    error = refused(401, json.dumps(said).encode(), secrets=("sk-1",))

    assert error.detail.startswith("status 401: invalid bad key *** ?")
    assert "\x00" not in error.detail
    assert len(error.detail) < 400
