"""What one row says of another: that it is there."""

from collections.abc import Iterator

from sqlalchemy import Column, ColumnElement, Select, Table, Text, cast, exists, func, select

from infra.db import ledger, tables
from services.invariants.invariant import Invariant


def orphans() -> Iterator[Invariant]:
    """Make one query for each reference between tables, enforced by the database or not."""
    assert ledger  # Its tables are known once it is read.
    metadata = tables.Table.metadata
    references = [
        (column, key.column)
        for table in metadata.sorted_tables
        for column in table.columns
        for key in column.foreign_keys
    ]
    # No key enforces these: two would cost every candidate stored, and an execution goes last.
    candidates, api_key = metadata.tables["candidates"].c, metadata.tables["api_keys"].c.id
    references.append((candidates.execution_id, metadata.tables["executions"].c.id))
    references.append((candidates.api_key_id, api_key))
    references.append((metadata.tables["idempotent_requests"].c.api_key_id, api_key))
    for column, target in references:
        yield Invariant(
            f"orphan_{column.table.name}_{column.name}",
            f"its {column.name} names nothing in {target.table.name}",
            _missing(column, target),
        )


def _missing(column: Column[object], target: Column[object]) -> Select[str]:
    parent = target.table.alias("parent")
    found = exists().where(parent.c[target.name] == column)
    return select(_id_of(column.table).label("id")).where(column.is_not(None), ~found)


def _id_of(table: Table) -> ColumnElement[str]:
    return func.concat_ws("/", *(cast(part, Text) for part in table.primary_key), type_=Text)
