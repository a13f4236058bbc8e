"""Packages are an image's and no language's"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_AFTER = ("python", "c", "cpp", "rust", "go", "java", "javascript", "bash")
_BEFORE = ("python", "python_numpy", *_AFTER[1:])


def upgrade() -> None:
    op.add_column("problems", sa.Column("image", sa.String(), server_default="std", nullable=False))
    # The digest is of the suite as it is sent, which names its image from now on.
    op.execute("UPDATE problems SET suite_sha256 = NULL")
    op.execute(
        "UPDATE problems SET language = 'python', image = 'numpy' WHERE language = 'python_numpy'"
    )
    _allow(_AFTER)


def downgrade() -> None:
    _allow(_BEFORE)
    op.execute("UPDATE problems SET suite_sha256 = NULL")
    # Of other packages the older version knows nothing: candidates fail at their imports there.
    op.execute("UPDATE problems SET language = 'python_numpy' WHERE image = 'numpy'")
    op.drop_column("problems", "image")


def _allow(languages: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_problems_language"), "problems", type_="check")
    listed = ", ".join(f"'{language}'" for language in languages)
    op.create_check_constraint(op.f("ck_problems_language"), "problems", f"language IN ({listed})")
