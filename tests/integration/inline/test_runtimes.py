"""What executors offer: asked for once, however many want to know, and not forgotten."""

import asyncio
import contextlib

import pytest
import redis

from infra import errors
from infra.contracts.base import Language
from infra.queues.messaging import Queue, queue_keys
from services.api.compatible import runtimes
from services.api.inline_requests import InlineRequests


@contextlib.asynccontextmanager
async def inline_requests(redis_url):
    opened = InlineRequests(redis_url, most=1_024)
    yield opened
    await opened.close()


def surveys(redis_url):
    """How often executors were asked, where there are none to take it."""
    with redis.Redis.from_url(redis_url) as client:
        return sum(client.llen(key) for key in queue_keys(Queue.EXECUTOR))


def test_who_waits_for_an_answer_shares_one_question_and_its_failure(redis_url, monkeypatch):
    monkeypatch.setattr(runtimes, "_WAIT_SECONDS", 0.3)

    async def ask():
        installed = runtimes.Runtimes()
        async with inline_requests(redis_url) as executors:
            waiting = [installed.versions(executors) for _ in range(20)]
            together = await asyncio.gather(*waiting, return_exceptions=True)
            with pytest.raises(errors.NotInTime):
                await installed.versions(executors)
            return together

    assert [type(answer) for answer in asyncio.run(ask())] == [errors.NotInTime] * 20
    assert surveys(redis_url) == 1


def test_who_stops_waiting_takes_nobody_along(redis_url, monkeypatch):
    monkeypatch.setattr(runtimes, "_WAIT_SECONDS", 0.3)

    async def ask():
        installed = runtimes.Runtimes()
        async with inline_requests(redis_url) as executors:
            leaves, stays = (asyncio.create_task(installed.versions(executors)) for _ in range(2))
            await asyncio.sleep(0.05)
            leaves.cancel()
            with pytest.raises(errors.NotInTime):
                await stays

    asyncio.run(ask())
    assert surveys(redis_url) == 1


def test_what_is_known_serves_while_nobody_answers(
    inline_redis, inline_executor, redis_url, monkeypatch
):
    monkeypatch.setattr(runtimes, "_SURVEY_SECONDS", 0.0)

    async def ask():
        installed = runtimes.Runtimes()
        async with inline_requests(inline_redis) as there, inline_requests(redis_url) as away:
            known = await installed.versions(there)
            monkeypatch.setattr(runtimes, "_WAIT_SECONDS", 0.3)
            later = []
            for _ in range(10):
                later.append(await installed.versions(away))
                await asyncio.sleep(0.1)
            return known, later

    known, later = asyncio.run(ask())
    assert known[Language.PYTHON].startswith("3.")
    assert later == [known] * 10
    assert surveys(redis_url) == 1
