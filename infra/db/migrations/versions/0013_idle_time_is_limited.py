"""Idle time is limited in place of wall time, and a reference program calibrates by default"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The digest is of the suite as it is sent, with its limits.
    op.execute("UPDATE problems SET suite_sha256 = NULL, limits = limits - 'wall_factor'")
    # That nothing calibrates was said of every problem, and by nobody.
    op.execute(
        "UPDATE problems SET limits = limits - 'reference_factor'"
        " WHERE limits -> 'reference_factor' = 'null'"
    )


def downgrade() -> None:
    op.execute(
        "UPDATE problems SET suite_sha256 = NULL,"
        " limits = limits - 'idle_factor' - 'run_every_test'"
    )
