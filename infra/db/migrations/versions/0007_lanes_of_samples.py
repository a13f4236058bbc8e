"""Samples are shared fairly like candidates; pruning and looking after a million rows is quick"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_INDEXES = (
    (
        "sample_requests",
        ["interactive", "api_key_id", "id"],
        "state = 'submitted' AND sent_at IS NULL",
    ),
    ("sample_requests", ["id"], "state = 'quarantined'"),
    ("candidates", ["id"], "state = 'quarantined'"),
    ("candidates", ["execution_id"], "cached"),
    ("executions", ["created_at"], "stdout <> '' OR stderr <> ''"),
    ("rankings", ["best_id"], "best_id IS NOT NULL"),
    ("training_batches", ["lease_until"], "state = 'leased'"),
)


def upgrade() -> None:
    op.add_column(
        "sample_requests",
        sa.Column("api_key_id", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "sample_requests",
        sa.Column("interactive", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.execute(
        "UPDATE sample_requests s SET api_key_id = g.api_key_id, interactive = g.interactive"
        " FROM groups g WHERE g.id = s.group_id"
    )
    for table, columns, where in _INDEXES:
        op.create_index(_name(table, columns), table, columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    for table, columns, _ in _INDEXES:
        op.drop_index(_name(table, columns), table)
    op.drop_column("sample_requests", "interactive")
    op.drop_column("sample_requests", "api_key_id")


def _name(table: str, columns: list[str]) -> str:
    return op.f(f"ix_{table}_{'_'.join(columns)}")
