"""How much inline work one process puts into Redis; nobody takes it out here."""

import asyncio

import httpx
import pytest
import redis

from infra import errors
from infra.contracts.execution import Suite
from infra.contracts.inline import Judging
from infra.contracts.problems import CallTest
from infra.db.unit_of_work import Database
from infra.queues.messaging import Queue, queue_keys, size_of
from services.api.app import create_app
from services.api.inline_requests import InlineRequests
from services.api.routers import execute
from tests.serving import served

ADD = "def add(a, b): return a + b"


def messages(redis_url):
    with redis.Redis.from_url(redis_url) as client:
        return sum(client.llen(key) for key in queue_keys(Queue.EXECUTOR))


@pytest.mark.parametrize(("size", "expected"), [(10, 16), (30_000, 3), (400_000, 1)])
def test_a_large_suite_is_put_into_fewer_messages(
    database_url, redis_url, monkeypatch, size, expected
):
    monkeypatch.setattr(execute, "_SPREAD_BYTES", 100_000)
    test = CallTest(args=("x" * size, 1), expected=2)
    body = {
        "tests": [test.model_dump(mode="json")],
        "entry_point": "add",
        "programs": [ADD] * 32,
        "wait_seconds": 0.1,
    }
    app = create_app(Database(database_url), redis_url, None, 2_000_000)
    with served(app) as url:
        answered = httpx.post(f"{url}/v1/execute", json=body, timeout=30)

    assert answered.status_code == 200
    assert messages(redis_url) == expected


def test_bytes_under_way_are_limited_as_programs_are(redis_url):
    suite = Suite(tests=(CallTest(expected="x" * 1_000),), entry_point="add")
    work = Judging(suite=suite, programs=(ADD,))

    async def ask():
        inline_requests = InlineRequests(redis_url, most=1_024, most_bytes=3 * size_of(work))
        asked = [inline_requests.ask([work, work], 2, 0.3, 2 * size_of(work)) for _ in range(2)]
        together = await asyncio.gather(*asked, return_exceptions=True)
        # A request larger than all that may be is taken when nothing is under way.
        alone = await inline_requests.ask([work], 1, 0.1, 10 * size_of(work))
        await inline_requests.close()
        return together, alone

    (taken, refused), alone = asyncio.run(ask())

    assert taken == [None, None]
    assert isinstance(refused, errors.QueueFull)
    assert "bytes" in refused.detail
    assert alone == [None]
