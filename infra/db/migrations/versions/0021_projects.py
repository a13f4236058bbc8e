"""Keys belong to projects, which see nothing of one another; space of candidates is found early"""

import sqlalchemy as sa
from alembic import op

from infra.db import projects

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_SETTINGS = {"autovacuum_vacuum_scale_factor": "0.02", "autovacuum_vacuum_threshold": "200"}
_NAMES = (("problems", "slug"), ("policies", "name"))
"""Tables of what has a name that is unique within a project."""


def upgrade() -> None:
    settings = ", ".join(f"{name} = {value}" for name, value in _SETTINGS.items())
    op.execute(f"ALTER TABLE candidates SET ({settings})")
    op.create_table(
        "projects",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_projects")),
        sa.UniqueConstraint("name", name=op.f("uq_projects_name")),
    )
    op.execute("INSERT INTO projects (id, name) OVERRIDING SYSTEM VALUE VALUES (0, 'default')")
    for table in ("api_keys", "problems", "policies"):
        op.add_column(
            table,
            sa.Column("project_id", sa.Integer(), server_default=sa.text("0"), nullable=False),
        )
        op.create_foreign_key(
            op.f(f"fk_{table}_project_id"), table, "projects", ["project_id"], ["id"]
        )
    for table, name in _NAMES:
        op.drop_constraint(op.f(f"uq_{table}_{name}"), table, type_="unique")
        op.create_unique_constraint(
            op.f(f"uq_{table}_project_id_{name}"), table, ["project_id", name]
        )
    op.add_column("api_keys", sa.Column("candidates_per_day", sa.Integer()))
    op.create_table(
        "key_usage",
        sa.Column("api_key_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("candidates", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("api_key_id", "day", name=op.f("pk_key_usage")),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("fk_key_usage_api_key_id")
        ),
    )
    projects.make_views(op.get_bind())


def downgrade() -> None:
    projects.drop_views(op.get_bind())
    op.drop_table("key_usage")
    op.drop_column("api_keys", "candidates_per_day")
    for table, name in _NAMES:
        op.drop_constraint(op.f(f"uq_{table}_project_id_{name}"), table, type_="unique")
        op.create_unique_constraint(op.f(f"uq_{table}_{name}"), table, [name])
    for table in ("api_keys", "problems", "policies"):
        op.drop_column(table, "project_id")
    op.drop_table("projects")
    op.execute(f"ALTER TABLE candidates RESET ({', '.join(_SETTINGS)})")
