"""Proves from the database that nothing was lost and nothing counted twice."""

from typing import NamedTuple

from sqlalchemy import Connection, Text, TextClause, column, func, select, text
from sqlalchemy.exc import DBAPIError

from infra import errors
from infra.contracts.base import Contract
from infra.db import migrate, tables
from infra.db.unit_of_work import Database
from services.invariants.every import INVARIANTS
from services.invariants.invariant import Invariant
from services.invariants.work import WAITING

_SHOWN = 10
"""Most ids of one finding."""
_WORK_MEMORY = "256MB"
"""For each sort or hash table of the audit, so that millions of rows are joined in memory."""


class Maxima(NamedTuple):
    """How often work may be begun."""

    max_attempts: int
    max_leases: int


class Finding(Contract):
    """Rows that break one invariant, or that wait."""

    code: str
    says: str
    count: int
    ids: tuple[str, ...]
    """The first of them."""


class Audit(Contract):
    """What the auditor found at one moment."""

    rows: dict[str, int]
    """How many rows of each table there are."""
    held: tuple[str, ...]
    """Codes of the invariants that hold."""
    waiting: tuple[Finding, ...]
    findings: tuple[Finding, ...]

    @property
    def is_clean(self) -> bool:
        """Whether there is no finding."""
        return not self.findings


def audit(database: Database, maxima: Maxima, complete: bool = False) -> Audit:
    """Hold every invariant against one snapshot of the database; the suite may go on meanwhile.

    With `complete`, whatever still waits is a finding too.

    Raises:
        errors.ConfigurationError: the schema is not the one that these invariants speak of.
        errors.Unavailable: Postgres cannot be reached, or refuses.
    """
    try:
        with database.engine.connect() as opened:
            connection = opened.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )
            return inspect(connection, maxima, complete)
    except DBAPIError as error:
        raise errors.Unavailable(
            f"the audit failed: {' '.join(str(error.orig).split())}"
        ) from error


def inspect(connection: Connection, maxima: Maxima, complete: bool = False) -> Audit:
    """Hold every invariant against what one open transaction sees.

    Raises:
        errors.ConfigurationError: the schema is not the one that these invariants speak of.
    """
    current, wanted = migrate.current_revision(connection), migrate.head_revision()
    if current != wanted:
        raise errors.ConfigurationError(f"the schema is at {current}, not at {wanted}")
    connection.execute(select(func.set_config("work_mem", _WORK_MEMORY, True)))
    checked = [_look(connection, invariant, maxima) for invariant in INVARIANTS]
    waiting = [_look(connection, invariant, maxima) for invariant in WAITING]
    if complete:
        checked += waiting
    return Audit(
        rows={
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables.Table.metadata.sorted_tables
        },
        held=tuple(finding.code for finding in checked if not finding.count),
        waiting=tuple(finding for finding in waiting if finding.count),
        findings=tuple(finding for finding in checked if finding.count),
    )


def _look(connection: Connection, invariant: Invariant, maxima: Maxima) -> Finding:
    """Count the rows at fault and name the first, in one statement."""
    query = invariant.query
    if isinstance(query, str):
        found = _clause(query, maxima).columns(column("id", Text)).cte("found")
    else:
        found = query.cte("found")
    found = found.prefix_with("MATERIALIZED")
    count = select(func.count()).select_from(found).scalar_subquery()
    first = select(found.c.id).order_by(found.c.id).limit(_SHOWN).scalar_subquery()
    row = connection.execute(select(count.label("count"), func.array(first).label("ids"))).one()
    return Finding(code=invariant.code, says=invariant.says, count=row.count, ids=tuple(row.ids))


def _clause(query: str, maxima: Maxima) -> TextClause:
    named = {name: value for name, value in maxima._asdict().items() if f":{name}" in query}
    return text(query).bindparams(**named)
