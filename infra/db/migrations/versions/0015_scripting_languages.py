"""Problems in TypeScript, PHP, Ruby, Perl and Lua"""

from infra.db.migrations import languages

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_BEFORE = ("python", "c", "cpp", "rust", "go", "java", "javascript", "bash")
_AFTER = (*_BEFORE, "typescript", "php", "ruby", "perl", "lua")


def upgrade() -> None:
    languages.allow(_AFTER)


def downgrade() -> None:
    languages.allow(_BEFORE)
