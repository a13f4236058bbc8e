"""FLUSHALL: whatever Redis held was a message, and every message can be sent again."""

import redis


def test_an_emptied_redis_costs_time_and_nothing_else(rig):
    with (
        redis.Redis.from_url(rig.suite.redis_url) as broker,
        rig.fault("FLUSHALL") as injections,
    ):
        for _ in injections:
            broker.flushall()
