"""More languages; verdicts that a second run changed"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_BEFORE = ("python",)
_AFTER = (
    *_BEFORE, "python_numpy", "c", "cpp", "rust", "go", "java", "javascript", "bash",
)  # fmt: skip


def upgrade() -> None:
    _allow(_AFTER)
    op.add_column(
        "executions",
        sa.Column("unstable", sa.Boolean(), server_default=sa.false(), nullable=False),
    )


def downgrade() -> None:
    op.drop_column("executions", "unstable")
    _allow(_BEFORE)


def _allow(languages: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_problems_language"), "problems", type_="check")
    listed = ", ".join(f"'{language}'" for language in languages)
    op.create_check_constraint(op.f("ck_problems_language"), "problems", f"language IN ({listed})")
