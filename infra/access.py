"""What the executor's user may do in Redis, and nothing else.

An executor stands beside hostile code. Its user reads its own queue alone, may only add to the
ranker's, and does not know that there are others.
"""

from infra.messaging import Queue, held_keys, queue_keys

USER = "executor"

_COMMANDS = (
    # A connection, and the transactions in which Kombu does everything.
    *("auth", "hello", "ping", "select", "quit", "client|setinfo", "client|setname"),
    *("watch", "unwatch", "multi", "exec"),
    # Take, hold, acknowledge, give back.
    *("brpop", "lpush", "rpush", "llen", "hset", "hget", "hdel"),
    *("zadd", "zrem", "zscore", "zcard", "zcount", "zrange", "zrangebyscore", "zrevrangebyscore"),
    *("zremrangebyscore",),
    # Which queue a message goes to.
    *("sadd", "srem", "smembers", "exists", "del"),
    # The lock of whoever hands out again what a silent worker holds.
    *("set", "get", "time", "evalsha", "script|load", "script|exists"),
    # Remote control: `celery inspect ping` is the container's health check.
    *("publish", "subscribe", "unsubscribe", "psubscribe", "punsubscribe"),
)
_PIDBOX = "celery.pidbox"


def executor_rules() -> tuple[str, ...]:
    """List the rules of Redis' access control for an executor's user, without its password."""
    own, next_ = Queue.EXECUTOR, Queue.RANKER
    bindings = [
        f"_kombu.binding{kind}.{room}" for kind in ("", "_permanent") for room in (own, next_)
    ]
    pidbox = [f"_kombu.binding{kind}.*{_PIDBOX}" for kind in ("", "_permanent")]
    return (
        *(f"%RW~{key}" for key in (*queue_keys(own), *held_keys(own))),
        *(f"~{key}" for key in (*bindings, *pidbox, "_kombu.binding_deadlines")),
        *(f"~{own}-*.{_PIDBOX}*", f"~*.reply.{_PIDBOX}*"),
        # As they are spelled by whoever subscribes: a pattern of ours that holds theirs is refused.
        *(f"&/0.{_PIDBOX}", f"&/0.reply.{_PIDBOX}", "&/0.celeryev/worker.*"),
        "-@all",
        *(f"+{command}" for command in _COMMANDS),
        # For these keys, these commands alone.
        f"(+lpush +llen {' '.join(f'%W~{key}' for key in queue_keys(next_))})",
        "(+rpush +expire %W~rrtf:replies:*)",
        "(+exists +del ~rrtf:wanted:*)",
    )


def quoted(rule: str) -> str:
    """Write a rule, which may hold control characters, for a file or `valkey-cli`."""
    return f'"{rule.encode("unicode_escape").decode()}"'


if __name__ == "__main__":
    print(f"ACL SETUSER {USER} on >PASSWORD", " ".join(map(quoted, executor_rules())))  # noqa: T201 - its purpose
