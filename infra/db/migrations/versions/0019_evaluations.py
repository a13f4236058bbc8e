"""Checkpoints are evaluated, and the best is known"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evaluations",
        sa.Column("checkpoint_id", sa.Uuid(), nullable=False),
        sa.Column("asked_sha256", sa.String(), nullable=False),
        sa.Column("score", sa.Double()),
        sa.Column("rates", postgresql.JSONB(), nullable=False),
        sa.Column(
            "evaluated_at",
            sa.DateTime(timezone=True),
            server_default=sa.func.now(),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("checkpoint_id", name=op.f("pk_evaluations")),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoints.id"], name=op.f("fk_evaluations_checkpoint_id")
        ),
    )


def downgrade() -> None:
    op.drop_table("evaluations")
