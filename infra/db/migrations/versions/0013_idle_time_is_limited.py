"""Idle time is limited in place of wall time, and a reference program calibrates by default"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The digest is of the suite as it is sent, with its limits.
    op.execute("UPDATE problems SET suite_sha256 = NULL, limits = limits - 'wall_factor'")
    # What was found was of other limits, and decides nothing any more.
    op.execute("""UPDATE problems SET check_state = 'pending', check_attempts = 0,
        check_sent_at = NULL, check_started_at = NULL WHERE check_state <> 'pending'""")
    # CPU and idle time of a candidate together may take 150 s; wall time alone took as much before.
    op.execute("""
        UPDATE problems SET limits = limits || jsonb_build_object(
            'total_cpu_seconds', total, 'idle_factor', floor(100 * (150 / total - 1)) / 100
        ) FROM (
            SELECT id, least((limits ->> 'total_cpu_seconds')::numeric, 75) AS total FROM problems
        ) AS allowed WHERE allowed.id = problems.id AND total > 37.5
    """)
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
    op.execute("""
        UPDATE problems SET limits = limits || jsonb_build_object(
            'wall_factor', floor(15000 / (limits ->> 'total_cpu_seconds')::numeric) / 100
        ) WHERE (limits ->> 'total_cpu_seconds')::numeric > 50
    """)
