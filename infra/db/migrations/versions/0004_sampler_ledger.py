"""The ledger of requests to model servers"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COST = sa.Numeric(24, 12)
_STATES = ("sent", "completed", "refused", "lost")


def upgrade() -> None:
    op.add_column("sample_requests", sa.Column("code", sa.String(), nullable=True))
    op.create_table(
        "endpoint_accounts",
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("committed", _COST, nullable=False),
        sa.Column("budget", _COST, nullable=True),
        sa.Column("requests_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tokens_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("endpoint", name=op.f("pk_endpoint_accounts")),
    )
    listed = ", ".join(f"'{state}'" for state in _STATES)
    op.create_table(
        "sampling_calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("num_samples", sa.Integer(), nullable=False),
        sa.Column("endpoint", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("reserved", _COST, nullable=False),
        sa.Column("cost", _COST, nullable=True),
        sa.Column("prompt_tokens", sa.BigInteger(), nullable=True),
        sa.Column("completion_tokens", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column(
            "sent_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(f"state IN ({listed})", name=op.f("ck_sampling_calls_callstate")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sampling_calls")),
    )
    for columns in (["scope", "position"], ["endpoint", "state"]):
        name = f"ix_sampling_calls_{'_'.join(columns)}"
        op.create_index(op.f(name), "sampling_calls", columns)
    op.create_table(
        "kept_completions",
        sa.Column("scope", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("admitted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"],
            ["sampling_calls.id"],
            name=op.f("fk_kept_completions_call_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("scope", "position", name=op.f("pk_kept_completions")),
    )
    op.create_index(op.f("ix_kept_completions_call_id"), "kept_completions", ["call_id"])


def downgrade() -> None:
    op.drop_table("kept_completions")
    op.drop_table("sampling_calls")
    op.drop_table("endpoint_accounts")
    op.drop_column("sample_requests", "code")
