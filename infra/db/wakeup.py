"""Wakes the dispatcher when there is work for it, so that it need not look so often."""

import os
import select

import psycopg
import sqlalchemy
from sqlalchemy import func
from sqlalchemy.orm import Session

from infra import errors
from infra.db.unit_of_work import with_driver

_CHANNEL = "rrtf_outbox"
_READ_SECONDS = 1.0
"""Longest wait for the rest of what has begun to come."""


def wake_dispatcher(session: Session) -> None:
    """Tell, once this transaction has been committed, that there is work."""
    session.execute(sqlalchemy.select(func.pg_notify(_CHANNEL, "")))


class Listener:
    """Waits for work with a connection of its own."""

    def __init__(self, database_url: str) -> None:
        """Prepare; the first wait connects."""
        self._url = with_driver(database_url).replace("+psycopg", "", 1)
        self._connection: psycopg.Connection[tuple[str]] | None = None
        self._interrupted = os.eventfd(0)

    def interrupt(self) -> None:
        """End this wait and all that come; a signal's handler may call it."""
        os.eventfd_write(self._interrupted, 1)

    def wait(self, seconds: float) -> None:
        """Return when there is work, or after so many seconds.

        Raises:
            errors.Unavailable: Postgres cannot be reached.
        """
        try:
            if self._connection is None:
                self._connection = psycopg.connect(self._url, autocommit=True, connect_timeout=5)
                self._connection.execute(f"LISTEN {_CHANNEL}")
                return  # There may have been work before anybody listened.
            # The driver's own wait wakes ten times a second.
            told = self._connection.fileno()
            found, _, _ = select.select([told, self._interrupted], [], [], seconds)
            if told in found:
                for _ in self._connection.notifies(timeout=_READ_SECONDS, stop_after=1):
                    pass
        except psycopg.Error as error:
            self.close()
            raise errors.Unavailable("Postgres is not reachable") from error

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
