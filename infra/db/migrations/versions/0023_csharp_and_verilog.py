"""Problems in C# and Verilog"""

from infra.db.migrations import languages

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_BEFORE = (
    "python", "c", "cpp", "rust", "go", "java", "javascript", "bash", "typescript", "php", "ruby",
    "perl", "lua", "haskell", "kotlin", "r", "scala", "d", "racket",
)  # fmt: skip
_AFTER = (*_BEFORE, "csharp", "verilog")


def upgrade() -> None:
    languages.allow(_AFTER)


def downgrade() -> None:
    languages.allow(_BEFORE)
