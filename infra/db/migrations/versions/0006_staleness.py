"""How far the policy had moved when it learnt from a candidate"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_BEFORE = ("ready", "leased", "completed", "quarantined")


def upgrade() -> None:
    op.add_column("candidates", sa.Column("staleness", sa.Integer(), nullable=True))
    _allow((*_BEFORE, "stale"))


def downgrade() -> None:
    op.execute("UPDATE training_batches SET state = 'quarantined' WHERE state = 'stale'")
    _allow(_BEFORE)
    op.drop_column("candidates", "staleness")


def _allow(states: tuple[str, ...]) -> None:
    name = op.f("ck_training_batches_batchstate")
    op.drop_constraint(name, "training_batches", type_="check")
    listed = ", ".join(f"'{state}'" for state in states)
    op.create_check_constraint(name, "training_batches", f"state IN ({listed})")
