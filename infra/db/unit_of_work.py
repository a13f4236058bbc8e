"""The only owner of commit: a transaction whose messages leave once it has landed."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from infra.contracts.base import Contract
from infra.messaging import Sender, Task


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

    def __init__(self, url: str, sender: Sender | None = None) -> None:
        self.engine: Engine = create_engine(
            with_driver(url),
            pool_pre_ping=True,
            pool_size=10,
            max_overflow=10,
            connect_args={"connect_timeout": 5, "application_name": "rrtf"},
        )
        self._sender = sender

    @contextmanager
    def unit_of_work(self) -> Iterator[Work]:
        """Open a transaction; commit and then send if the block ends well, else roll back.

        A process that dies between commit and send loses nothing: the state columns still say
        `submitted`, and the sweep sends.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            work = Work(session)
            yield work
            session.commit()
        for task, message in work.outgoing:
            if self._sender is not None and not self._sender.send(task, message):
                break  # The broker is away: do not wait for it once per message.

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that never commits."""
        with Session(self.engine) as session:
            yield session

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()


def with_driver(url: str) -> str:
    """Name the driver in a plain Postgres URL."""
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
