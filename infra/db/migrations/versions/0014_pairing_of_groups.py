"""Groups say which of their candidates are paired, and whether they are to be there once"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("groups", sa.Column("pairs", sa.String(40)))
    op.create_check_constraint(op.f("ck_groups_pairing"), "groups", "pairs IN ('teacher', 'all')")
    op.add_column("groups", sa.Column("once_sha256", sa.String()))
    op.create_unique_constraint(op.f("uq_groups_once_sha256"), "groups", ["once_sha256"])


def downgrade() -> None:
    op.drop_constraint(op.f("uq_groups_once_sha256"), "groups", type_="unique")
    op.drop_column("groups", "once_sha256")
    op.drop_constraint(op.f("ck_groups_pairing"), "groups", type_="check")
    op.drop_column("groups", "pairs")
