"""Brings a database to the newest schema: `python -m infra.db.migrate` for `DATABASE_URL`."""

import functools
import sys
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from infra import errors
from infra.db.locks import Lock
from infra.db.unit_of_work import with_driver
from infra.observability import logs
from infra.settings import DatabaseSettings, load


def config(connection: Connection | None = None) -> Config:
    """Make Alembic's configuration; nothing of it lies in a file."""
    made = Config()
    location = str(Path(__file__).parent / "migrations")
    made.set_main_option("script_location", location.replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made


@functools.cache
def head_revision() -> str:
    """Return the revision the code expects; all migrations are read for it, once."""
    head = ScriptDirectory.from_config(config()).get_current_head()
    assert head is not None
    return head


def current_revision(connection: Connection) -> str | None:
    """Return the revision a database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def is_current(database_url: str) -> bool:
    """Tell whether a database is at the revision the code expects."""
    engine = create_engine(with_driver(database_url))
    try:
        with engine.connect() as connection:
            return current_revision(connection) == head_revision()
    finally:
        engine.dispose()


def upgrade(database_url: str, revision: str = "head") -> None:
    """Bring a database to a revision, the newest by default.

    Raises:
        errors.ConfigurationError: it is at a revision that this code does not know.
    """
    _run(database_url, lambda made: command.upgrade(made, revision))


def downgrade(database_url: str, revision: str) -> None:
    """Take a database back to an older revision; `base` is the empty schema."""
    _run(database_url, lambda made: command.downgrade(made, revision))


def _run(database_url: str, step: Callable[[Config], None]) -> None:
    engine = create_engine(with_driver(database_url))
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": Lock.MIGRATING})
            connection.commit()
            try:
                _refuse_newer(connection)
                step(config(connection))
                connection.commit()
            finally:
                connection.rollback()
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": Lock.MIGRATING})
                connection.commit()
    finally:
        engine.dispose()


def _refuse_newer(connection: Connection) -> None:
    current = current_revision(connection)
    known = {one.revision for one in ScriptDirectory.from_config(config()).walk_revisions()}
    if current is not None and current not in known:
        raise errors.ConfigurationError(
            f"the database is at revision {current}, which this version of the suite does not know:"
            " a newer one has used it; run that version, or restore a backup from before"
        )


def main() -> int:
    """Upgrade the database that `DATABASE_URL` names."""
    logs.configure("migrate")
    try:
        upgrade(load(DatabaseSettings).database_url.get_secret_value())
    except errors.SuiteError as error:
        logs.get(__name__).error("migrate.failed", reason=error.detail)
        return 1
    logs.get(__name__).info("migrate.done", revision=head_revision())
    return 0


if __name__ == "__main__":
    sys.exit(main())
