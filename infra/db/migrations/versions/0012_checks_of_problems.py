"""Executors check problems; where tests run is decided once, and how strong they are is a column"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATES = ("pending", "sound", "unsound", "quarantined")
_INTEGRITY = ("isolated", "shared")
_SKIPS = (
    "too_few_candidates",
    "no_teacher",
    "no_student",
    "teacher_below_student",
    "no_positive_gap",
    "best_below_minimum",
    "batched_before",
)
_NEW_SKIPS = ("unsound_problem", "shared_label", "weak_tests")
_STRENGTH = """UPDATE problems SET strength = (metadata->>'strength')::float8
    WHERE CASE WHEN json_typeof(metadata->'strength') = 'number'
          THEN (metadata->>'strength')::numeric BETWEEN 0 AND 1 ELSE false END"""


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    # What is stored already is pending, and so is checked.
    for column in (
        sa.Column("strength", sa.Float()),
        sa.Column("check_state", sa.String(40), server_default="pending", nullable=False),
        sa.Column("check_mutants", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("check_attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("check_sent_at", time),
        sa.Column("check_started_at", time),
        sa.Column("check_reason", sa.String()),
        sa.Column("checked_at", time),
        sa.Column("checked_sha256", sa.String()),
        sa.Column("check_sandbox", sa.String()),
        sa.Column("finding", sa.JSON()),
        sa.Column("decided", sa.String(40)),
    ):
        op.add_column("problems", column)
    op.create_check_constraint(
        op.f("ck_problems_checkstate"), "problems", f"check_state IN ({_listed(_STATES)})"
    )
    op.create_check_constraint(
        op.f("ck_problems_integrity"), "problems", f"decided IN ({_listed(_INTEGRITY)})"
    )
    pending = sa.text("check_state = 'pending' AND check_sent_at IS NULL")
    op.create_index(op.f("ix_problems_id"), "problems", ["id"], postgresql_where=pending)
    op.create_index(
        op.f("ix_problems_check_sent_at"),
        "problems",
        ["check_sent_at"],
        postgresql_where=sa.text("check_state = 'pending'"),
    )
    op.execute(_STRENGTH)
    _allow((*_SKIPS, *_NEW_SKIPS))


def downgrade() -> None:
    # The older version would put these into batches as if nothing were wrong with them.
    rankings = sa.table("rankings", sa.column("skip_reason", sa.String))
    op.execute(
        sa.update(rankings)
        .where(rankings.c.skip_reason.in_(_NEW_SKIPS))
        .values(skip_reason="batched_before")
    )
    _allow(_SKIPS)
    op.drop_index(op.f("ix_problems_check_sent_at"), "problems")
    op.drop_index(op.f("ix_problems_id"), "problems")
    for name in (
        "decided",
        "finding",
        "check_sandbox",
        "checked_sha256",
        "checked_at",
        "check_reason",
        "check_started_at",
        "check_sent_at",
        "check_attempts",
        "check_mutants",
        "check_state",
        "strength",
    ):
        op.drop_column("problems", name)


def _allow(reasons: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_rankings_skipreason"), "rankings", type_="check")
    op.create_check_constraint(
        op.f("ck_rankings_skipreason"), "rankings", f"skip_reason IN ({_listed(reasons)})"
    )


def _listed(values: tuple[str, ...]) -> str:
    return ", ".join(f"'{value}'" for value in values)
