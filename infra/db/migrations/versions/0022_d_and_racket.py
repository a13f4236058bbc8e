"""Problems in D and Racket"""

from infra.db.migrations import languages

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
    languages.allow(_AFTER)


def downgrade() -> None:
    languages.allow(_BEFORE)
