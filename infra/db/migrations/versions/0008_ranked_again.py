"""Groups are ranked again by a later rule; the ranking that a batch was made of stays"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BEFORE = (
    "too_few_candidates", "no_teacher", "no_student", "teacher_below_student",
    "no_positive_gap", "best_below_minimum",
)  # fmt: skip
_AFTER = (*_BEFORE, "batched_before")


def upgrade() -> None:
    op.add_column(
        "rankings",
        sa.Column("rule_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
    )
    op.add_column("rankings", sa.Column("superseded_at", sa.DateTime(timezone=True)))
    op.drop_constraint(op.f("uq_rankings_group_id"), "rankings", type_="unique")
    op.create_index(op.f("ix_rankings_group_id"), "rankings", ["group_id"])
    op.create_index(
        op.f("uq_rankings_group_id"),
        "rankings",
        ["group_id"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    _allow(_AFTER)


def downgrade() -> None:
    # One ranking of a group can stay: that of its batch, or else the newest.
    op.execute(
        "DELETE FROM rankings WHERE id IN (SELECT id FROM (SELECT id, row_number() OVER ("
        "PARTITION BY group_id ORDER BY training_batch_id IS NULL, id DESC) AS place"
        " FROM rankings) placed WHERE place > 1)"
    )
    _allow(_BEFORE)
    op.drop_index(op.f("uq_rankings_group_id"), "rankings")
    op.drop_index(op.f("ix_rankings_group_id"), "rankings")
    op.create_unique_constraint(op.f("uq_rankings_group_id"), "rankings", ["group_id"])
    op.drop_column("rankings", "superseded_at")
    op.drop_column("rankings", "rule_version")


def _allow(reasons: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_rankings_skipreason"), "rankings", type_="check")
    listed = ", ".join(f"'{reason}'" for reason in reasons)
    op.create_check_constraint(
        op.f("ck_rankings_skipreason"), "rankings", f"skip_reason IN ({listed})"
    )
