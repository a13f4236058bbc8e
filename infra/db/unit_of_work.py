"""The only owner of commit: a transaction whose messages leave once it has landed."""

import copy
from collections.abc import Iterator
from contextlib import closing, contextmanager

from celery.exceptions import SoftTimeLimitExceeded
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import ConnectionPoolEntry

from infra.contracts.base import Contract
from infra.db import projects
from infra.queues.messaging import Sender, Task

IDLE_SECONDS = 60.0
"""After which Postgres ends a transaction in which nothing happens: its process is frozen or hangs,
and everybody who needs what it has locked waits."""


class Work:
    """One open transaction and the messages to send after it."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.outgoing: list[tuple[Task, Contract]] = []

    def send_after_commit(self, task: Task, message: Contract) -> None:
        """Send `message` once the transaction has been committed."""
        self.outgoing.append((task, message))


class Database:
    """Opens units of work on one Postgres."""

    project_id: int | None = None
    """Whose rows it shows; None: everybody's."""

    def __init__(self, url: str, sender: Sender | None = None) -> None:
        self.engine: Engine = create_engine(
            with_driver(url),
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            connect_args={"connect_timeout": 5, "application_name": "rrtf"},
        )
        event.listen(self.engine, "connect", _limit_idling)
        event.listen(self.engine, "handle_error", _take_for_a_lost_connection)
        self._sender = sender

    def of_project(self, project_id: int) -> "Database":
        """Return the same database as one project sees it."""
        seen = copy.copy(self)
        seen.project_id = project_id
        return seen

    @contextmanager
    def unit_of_work(self) -> Iterator[Work]:
        """Open a transaction; commit and then send if the block ends well, else roll back.

        A process that dies between commit and send loses nothing: the state columns still say
        `submitted`, and the sweep sends.
        """
        with self._session(expire_on_commit=False) as session:
            work = Work(session)
            yield work
            session.commit()
        for task, message in work.outgoing:
            if self._sender is not None and not self._sender.send(task, message):
                break  # The broker is away: do not wait for it once per message.

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that never commits."""
        with self._session(expire_on_commit=True) as session:
            yield session

    @contextmanager
    def _session(self, expire_on_commit: bool) -> Iterator[Session]:
        with Session(self.engine, expire_on_commit=expire_on_commit) as session:
            if self.project_id is not None:
                session.info["project_id"] = self.project_id
                event.listen(session, "after_begin", _enter_project)
            try:
                yield session
            except SoftTimeLimitExceeded:
                # It comes in the midst of anything. A connection that waits for an answer cannot
                # be rolled back, and would keep its locks for as long as anybody remembers it.
                session.invalidate()
                raise

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def _enter_project(session: Session, _: SessionTransaction, connection: Connection) -> None:
    projects.enter(connection, session.info["project_id"])


def _limit_idling(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    with closing(connection.cursor()) as cursor:
        cursor.execute(f"SET idle_in_transaction_session_timeout = {IDLE_SECONDS * 1000:.0f}")
    connection.commit()


def _take_for_a_lost_connection(context: ExceptionContext) -> OperationalError | None:
    """Let whoever comes back to a transaction that was ended do as if Postgres had been away."""
    original = context.original_exception
    if not isinstance(original, IdleInTransactionSessionTimeout):
        return None
    context.is_disconnect = True
    return OperationalError(context.statement, None, original, connection_invalidated=True)


def with_driver(url: str) -> str:
    """Name the driver in a plain Postgres URL."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
