"""Problems in Haskell, Kotlin, R and Scala"""

from infra.db.migrations import languages

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_BEFORE = (
    "python", "c", "cpp", "rust", "go", "java", "javascript", "bash", "typescript", "php", "ruby",
    "perl", "lua",
)  # fmt: skip
_AFTER = (*_BEFORE, "haskell", "kotlin", "r", "scala")


def upgrade() -> None:
    languages.allow(_AFTER)


def downgrade() -> None:
    languages.allow(_BEFORE)
