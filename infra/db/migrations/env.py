"""Alembic's entry: runs the migrations on the connection that `infra.db.migrate` hands over."""

from alembic import context

from infra.db.tables import Table

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=Table.metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
