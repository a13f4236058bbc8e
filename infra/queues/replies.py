"""The way back of inline work: what is still wanted, and the lists that replies are put into.

A request that nobody waits for any more costs an executor one look, and a reply that nobody reads
is gone after a minute.
"""

from uuid import UUID

import redis

from infra.contracts.inline import InlineReply

_KEPT_SECONDS = 60


def wanted_key(request_id: UUID) -> str:
    """Name the key that is there as long as somebody waits for a request."""
    return f"rrtf:wanted:{request_id}"


def reply_list(process: UUID) -> str:
    """Name the list of one asking process."""
    return f"rrtf:replies:{process}"


class Replies:
    """An executor's end."""

    def __init__(self, url: str) -> None:
        """Prepare; the first call connects."""
        self._redis = redis.Redis.from_url(
            url, socket_timeout=10, socket_connect_timeout=5, health_check_interval=25
        )

    def is_wanted(self, request_id: UUID) -> bool:
        """Tell whether somebody still waits for this request.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        return bool(self._redis.exists(wanted_key(request_id)))

    def send(self, reply_to: str, reply: InlineReply) -> None:
        """Put a reply into the list of who asked; nobody waits for the request after that.

        Raises:
            redis.RedisError: Redis cannot be reached.
        """
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.rpush(reply_to, reply.model_dump_json())
            pipeline.expire(reply_to, _KEPT_SECONDS)
            pipeline.delete(wanted_key(reply.id))
            pipeline.execute()

    def close(self) -> None:
        """Close the connection."""
        self._redis.close()
