"""A completion of a served policy is kept with the version that wrote it"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("kept_completions", sa.Column("policy_version", sa.Integer()))


def downgrade() -> None:
    op.drop_column("kept_completions", "policy_version")
