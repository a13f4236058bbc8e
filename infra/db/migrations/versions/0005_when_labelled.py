"""Find what was labelled in a stretch of time"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        op.f("ix_candidates_labelled_at"),
        "candidates",
        ["labelled_at"],
        postgresql_where=sa.text("labelled_at IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_candidates_labelled_at"), "candidates")
