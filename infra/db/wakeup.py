"""Wakes the dispatcher when there is work for it, so that it need not look so often."""

import psycopg
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from infra import errors
from infra.db.unit_of_work import with_driver

_CHANNEL = "rrtf_outbox"


def wake_dispatcher(session: Session) -> None:
    """Tell, once this transaction has been committed, that there is work."""
    session.execute(select(func.pg_notify(_CHANNEL, "")))


class Listener:
    """Waits for work with a connection of its own."""

    def __init__(self, database_url: str) -> None:
        """Prepare; the first wait connects."""
        self._url = with_driver(database_url).replace("+psycopg", "", 1)
        self._connection: psycopg.Connection[tuple[str]] | None = None

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
            for _ in self._connection.notifies(timeout=seconds, stop_after=1):
                pass
        except psycopg.Error as error:
            self.close()
            raise errors.Unavailable("Postgres is not reachable") from error

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
