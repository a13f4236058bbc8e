"""Alembic's entry: runs the migrations on the connection that `infra.db.migrate` hands over."""

from alembic import context

import infra.db.ledger  # noqa: F401 - its tables are part of the metadata
from infra.db.tables import Table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Table.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
