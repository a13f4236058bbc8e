"""The clock jumps: by an hour, forwards and backwards.

Setting the clock of a machine would harm whatever else runs on it. Instead all times that the
suite has written and compares with now are shifted the other way, in Postgres by SQL and in Redis
by the scores of what workers hold: to the suite that looks as if its clock had jumped.
"""

import redis

from infra.db.locks import Lock
from infra.queues.messaging import Queue, held_keys
from tests.e2e.faults.load import connected

_HOUR = 3600
_COMPARED = {
    "candidates": (("sent_at", "started_at"), "state = 'submitted'"),
    "sample_requests": (("sent_at", "started_at"), "state = 'submitted'"),
    "problems": (("check_sent_at", "check_started_at"), "check_state = 'pending'"),
    "groups": (("created_at",), "state = 'open'"),
    "training_batches": (("lease_until",), "state = 'leased'"),
}
_GROUPS_FIRST = "SELECT id FROM groups WHERE state = 'open' ORDER BY id FOR UPDATE"


def jump(rig, seconds):
    """Make the clock look as if it had been put forward by so much, or back."""
    with connected(rig.suite.database_url) as connection:
        for table, (columns, compared) in _COMPARED.items():
            shifted = ", ".join(
                f"{column} = {column} - make_interval(secs => %(by)s)" for column in columns
            )
            with connection.transaction():
                # Locked in order, as the suite does, so that nobody waits in a circle; only the
                # dispatcher, of which one is at work, takes several problems' one by one.
                if table == "candidates":
                    connection.execute("SELECT pg_advisory_xact_lock(%s)", [Lock.GIVING_OUT])
                    connection.execute(_GROUPS_FIRST)
                connection.execute(
                    f"WITH it AS MATERIALIZED (SELECT id FROM {table} WHERE {compared}"  # noqa: S608 - names from above
                    f" ORDER BY id FOR NO KEY UPDATE) UPDATE {table} SET {shifted}"
                    " WHERE id IN (SELECT id FROM it)",
                    {"by": seconds},
                )
    with redis.Redis.from_url(rig.suite.redis_url) as broker:
        for queue in Queue:
            _, index, _ = held_keys(queue)
            for tag, _ in broker.zrange(index, 0, -1, withscores=True):
                # Only what is still held: a tag that is added back would never go.
                broker.zadd(index, {tag: -seconds}, incr=True, xx=True)


def test_a_clock_that_jumps_changes_nothing(rig):
    with rig.fault("clock jumps") as injections:
        for number in injections:
            # Back first, and as often as forth: no row is left in the future for an hour.
            jump(rig, _HOUR if number % 2 else -_HOUR)
