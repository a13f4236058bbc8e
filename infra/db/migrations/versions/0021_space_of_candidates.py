"""The space of candidates' older row versions is found again early"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SETTINGS = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "200"}


def upgrade() -> None:
    settings = ", ".join(f"{name} = {value}" for name, value in _SETTINGS.items())
    op.execute(f"ALTER TABLE candidates SET ({settings})")


def downgrade() -> None:
    op.execute(f"ALTER TABLE candidates RESET ({', '.join(_SETTINGS)})")
