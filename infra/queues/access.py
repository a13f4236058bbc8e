"""What the executor's user may do in Redis, and nothing else.

An executor stands beside hostile code. Its user takes from its own queue alone, may only add to the
ranker's, says that it is at work, and does not know that there are others.
"""

from infra.heartbeats import PREFIX
from infra.queues.messaging import Queue, queue_keys

USER = "executor"

# A connection, and transactions; nothing that reads or writes.
_ANYWHERE = (
    *("auth", "hello", "ping", "select", "quit", "client|setinfo", "client|setname"),
    *("multi", "exec"),
)


def executor_rules() -> tuple[str, ...]:
    """List the rules of Redis' access control for an executor's user, without its password.

    Each in brackets allows its commands for its keys alone; no channel is allowed.
    """
    return (
        *("resetkeys", "resetchannels", "clearselectors", "-@all"),
        *(f"+{command}" for command in _ANYWHERE),
        _allow("+brpop +lpush", "RW", *queue_keys(Queue.EXECUTOR)),
        _allow("+lpush", "W", *queue_keys(Queue.RANKER)),
        _allow("+set +del", "W", f"{PREFIX}{Queue.EXECUTOR}-*"),
        _allow("+rpush +expire", "W", "rrtf:replies:*"),
        _allow("+exists +del", "W", "rrtf:wanted:*"),
    )


def _allow(commands: str, kind: str, *keys: str) -> str:
    return f"({commands} {' '.join(f'%{kind}~{key}' for key in keys)})"


def quoted(rule: str) -> str:
    """Write a rule, which may hold control characters, for a file or `valkey-cli`."""
    return f'"{rule.encode("unicode_escape").decode()}"'


if __name__ == "__main__":
    print(f"ACL SETUSER {USER} reset on >PASSWORD", " ".join(map(quoted, executor_rules())))  # noqa: T201 - its purpose
