"""Completions say what they were sampled from, and checkpoints what they have learnt from"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COLUMNS = {
    "kept_completions": "sampled",
    "candidates": "sampled",
    "checkpoints": "prompt_form",
}


def upgrade() -> None:
    for table, column in _COLUMNS.items():
        op.add_column(table, sa.Column(column, sa.JSON()))


def downgrade() -> None:
    for table, column in _COLUMNS.items():
        op.drop_column(table, column)
