"""Where the tests of a problem run is a choice of three; programs may be preceded by a prelude"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RULES = ("auto", "isolated", "shared")


def upgrade() -> None:
    rule = sa.Enum(*_RULES, name="integrityrule", native_enum=False, length=40)
    op.add_column("problems", sa.Column("integrity", rule, nullable=True))
    op.execute(
        "UPDATE problems SET integrity = CASE WHEN allow_shared THEN 'auto' ELSE 'isolated' END"
    )
    op.alter_column("problems", "integrity", nullable=False)
    op.drop_column("problems", "allow_shared")
    op.add_column("problems", sa.Column("prelude", sa.String(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("problems", "prelude")
    op.add_column("problems", sa.Column("allow_shared", sa.Boolean(), nullable=True))
    op.execute("UPDATE problems SET allow_shared = integrity <> 'isolated'")
    op.alter_column("problems", "allow_shared", nullable=False)
    op.drop_column("problems", "integrity")
