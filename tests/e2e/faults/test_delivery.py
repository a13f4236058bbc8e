"""Messages arrive many times, late, and in any order."""

import contextlib
import signal
import time

import redis

from infra.queues.messaging import Queue, queue_keys

_WORKERS = ("executor", "ranker", "sampler")
_COPIED = 4
"""Most messages copied at once; more than can be worked off would only pile up."""
_LATE = 2


def test_messages_copied_kept_and_shuffled_change_nothing(rig):
    kept = {queue: [] for queue in Queue}
    copies = 0
    with (
        redis.Redis.from_url(rig.suite.redis_url) as broker,
        rig.fault("duplicates, disorder") as injections,
    ):
        for _ in injections:
            with nobody_takes(rig):
                time.sleep(rig.rng.uniform(0.05, 0.25))
                for queue, old in kept.items():
                    for key in queue_keys(queue):
                        copies += disturb(broker, key, old, rig.rng)

    assert all(kept.values())
    assert copies > len(kept)


@contextlib.contextmanager
def nobody_takes(rig):
    """Hold all workers, so that some messages gather."""
    for name in _WORKERS:
        rig.suite.kill(name, signal.SIGSTOP)
    try:
        yield
    finally:
        for name in _WORKERS:
            rig.suite.kill(name, signal.SIGCONT)


def disturb(broker, key, old, rng):
    """Put a list of messages back with copies, with some of long ago, and shuffled."""
    messages = broker.pipeline().lrange(key, 0, -1).delete(key).execute()[0]
    extra = rng.sample(messages, min(_COPIED, len(messages))) + rng.sample(
        old, min(_LATE, len(old))
    )
    old.extend(messages[:_COPIED])
    back = messages + extra
    rng.shuffle(back)
    if back:
        broker.lpush(key, *back)
    return len(extra)
