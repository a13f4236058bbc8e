"""Where the tests of a problem run is a choice of three; programs may be preceded by a prelude"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RULES = ("auto", "isolated", "shared")


def upgrade() -> None:
    op.add_column(
        "problems", sa.Column("integrity", sa.String(40), server_default="auto", nullable=False)
    )
    op.execute("UPDATE problems SET integrity = 'isolated' WHERE NOT allow_shared")
    listed = ", ".join(f"'{rule}'" for rule in _RULES)
    op.create_check_constraint(
        op.f("ck_problems_integrityrule"), "problems", f"integrity IN ({listed})"
    )
    op.add_column("problems", sa.Column("prelude", sa.String(), server_default="", nullable=False))
    # Workers of the version before still write and read it.
    op.alter_column("problems", "allow_shared", server_default=sa.false())


def downgrade() -> None:
    op.alter_column("problems", "allow_shared", server_default=None)
    op.drop_column("problems", "prelude")
    op.execute("UPDATE problems SET allow_shared = integrity <> 'isolated'")
    op.drop_constraint(op.f("ck_problems_integrityrule"), "problems", type_="check")
    op.drop_column("problems", "integrity")
