"""The outbox, API keys, and executions that serve again"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_UNSENT = "state = 'submitted' AND sent_at IS NULL AND duplicate_of IS NULL AND follows IS NULL"


def upgrade() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=True),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("name", name=op.f("uq_api_keys_name")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_keys_sha256")),
    )
    # The key of the environment, and everybody where the API is open.
    op.execute("INSERT INTO api_keys (id, name, scopes) VALUES (0, 'environment', '[]')")
    op.create_table(
        "sandbox_profiles",
        sa.Column("sandbox", sa.String(), nullable=False),
        sa.Column(
            "seen_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("sandbox", name=op.f("pk_sandbox_profiles")),
    )
    op.create_table(
        "idempotent_requests",
        sa.Column("api_key_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("api_key_id", "key", name=op.f("pk_idempotent_requests")),
    )
    op.create_index(
        op.f("ix_idempotent_requests_created_at"), "idempotent_requests", ["created_at"]
    )
    op.add_column("problems", sa.Column("suite_sha256", sa.String(), nullable=True))
    for name, default in (("interactive", sa.false()), ("cache", sa.true())):
        op.add_column(
            "groups", sa.Column(name, sa.Boolean(), server_default=default, nullable=False)
        )
    op.add_column(
        "groups", sa.Column("api_key_id", sa.Integer(), server_default="0", nullable=False)
    )
    op.create_foreign_key(
        op.f("fk_groups_api_key_id"), "groups", "api_keys", ["api_key_id"], ["id"]
    )
    _change_candidates()
    op.add_column("executions", sa.Column("cache_key", sa.LargeBinary(), nullable=True))
    op.create_index(
        op.f("ix_executions_cache_key"),
        "executions",
        ["cache_key"],
        postgresql_where=sa.text("cache_key IS NOT NULL"),
    )
    op.alter_column("sample_requests", "sent_at", nullable=True, server_default=None)


def _change_candidates() -> None:
    for name in ("interactive", "cached"):
        op.add_column(
            "candidates", sa.Column(name, sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    op.add_column(
        "candidates", sa.Column("api_key_id", sa.Integer(), server_default="0", nullable=False)
    )
    op.add_column("candidates", sa.Column("cache_key", sa.LargeBinary(), nullable=True))
    op.add_column("candidates", sa.Column("follows", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_candidates_follows"),
        "candidates",
        "candidates",
        ["follows"],
        ["id"],
        ondelete="SET NULL",
    )
    op.alter_column("candidates", "sent_at", nullable=True, server_default=None)
    for column in ("sample_request_id", "duplicate_of"):
        op.drop_index(op.f(f"ix_candidates_{column}"), "candidates")
        _index([column], f"{column} IS NOT NULL")
    _index(["follows"], "follows IS NOT NULL")
    op.drop_index(op.f("ix_candidates_sent_at"), "candidates")
    _index(["sent_at", "api_key_id"], "state = 'submitted'")
    _index(["cache_key"], "state = 'submitted' AND sent_at IS NOT NULL")
    _index(["interactive", "api_key_id", "id"], _UNSENT)


def _index(columns: list[str], where: str) -> None:
    op.create_index(
        op.f(f"ix_candidates_{'_'.join(columns)}"),
        "candidates",
        columns,
        postgresql_where=sa.text(where),
    )


def downgrade() -> None:
    op.execute("UPDATE sample_requests SET sent_at = now() WHERE sent_at IS NULL")
    op.alter_column("sample_requests", "sent_at", nullable=False, server_default=sa.text("now()"))
    op.drop_column("executions", "cache_key")
    op.execute("UPDATE candidates SET sent_at = now() WHERE sent_at IS NULL")
    op.drop_index(op.f("ix_candidates_interactive_api_key_id_id"), "candidates")
    op.drop_index(op.f("ix_candidates_sent_at_api_key_id"), "candidates")
    op.alter_column("candidates", "sent_at", nullable=False, server_default=sa.text("now()"))
    _index(["sent_at"], "state = 'submitted'")
    for column in ("follows", "cache_key", "api_key_id", "cached", "interactive"):
        op.drop_column("candidates", column)
    for column in ("sample_request_id", "duplicate_of"):
        op.drop_index(op.f(f"ix_candidates_{column}"), "candidates")
        op.create_index(op.f(f"ix_candidates_{column}"), "candidates", [column])
    for column in ("api_key_id", "cache", "interactive"):
        op.drop_column("groups", column)
    op.drop_column("problems", "suite_sha256")
    op.drop_table("idempotent_requests")
    op.drop_table("sandbox_profiles")
    op.drop_table("api_keys")
