"""Problems in D and Racket"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_BEFORE = (
    "python", "c", "cpp", "rust", "go", "java", "javascript", "bash", "typescript", "php", "ruby",
    "perl", "lua", "haskell", "kotlin", "r", "scala",
)  # fmt: skip
_AFTER = (*_BEFORE, "d", "racket")


def upgrade() -> None:
    _allow(_AFTER)


def downgrade() -> None:
    _allow(_BEFORE)


def _allow(languages: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_problems_language"), "problems", type_="check")
    listed = ", ".join(f"'{language}'" for language in languages)
    op.create_check_constraint(op.f("ck_problems_language"), "problems", f"language IN ({listed})")
