"""The first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "policies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policies")),
        sa.UniqueConstraint("name", name=op.f("uq_policies_name")),
    )
    op.create_table(
        "problems",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("entry_point", sa.String(), nullable=True),
        sa.Column(
            "language",
            sa.Enum(
                "python", name="language", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("limits", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("allow_shared", sa.Boolean(), nullable=False),
        sa.Column("reference_program", sa.LargeBinary(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("content_hash", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_problems")),
        sa.UniqueConstraint("slug", name=op.f("uq_problems_slug")),
    )
    op.create_table(
        "checkpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("metrics", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policies.id"], name=op.f("fk_checkpoints_policy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoints")),
        sa.UniqueConstraint("policy_id", "version", name=op.f("uq_checkpoints_policy_id_version")),
    )
    op.create_table(
        "groups",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "ranked",
                name="groupstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("ranked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["policy_id"], ["policies.id"], name=op.f("fk_groups_policy_id")),
        sa.ForeignKeyConstraint(["problem_id"], ["problems.id"], name=op.f("fk_groups_problem_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_groups")),
    )
    op.create_index(
        op.f("ix_groups_id"),
        "groups",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_groups_problem_id"), "groups", ["problem_id"], unique=False)
    op.create_table(
        "test_cases",
        sa.Column("problem_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["problem_id"],
            ["problems.id"],
            name=op.f("fk_test_cases_problem_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("problem_id", "position", name=op.f("pk_test_cases")),
    )
    op.create_table(
        "sample_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "submitted",
                "completed",
                "quarantined",
                name="samplestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["group_id"],
            ["groups.id"],
            name=op.f("fk_sample_requests_group_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_requests")),
        sa.UniqueConstraint(
            "group_id", "position", name=op.f("uq_sample_requests_group_id_position")
        ),
    )
    op.create_index(
        op.f("ix_sample_requests_sent_at"),
        "sample_requests",
        ["sent_at"],
        unique=False,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "training_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("policy_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "ready",
                "leased",
                "completed",
                "quarantined",
                name="batchstate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("num_groups", sa.Integer(), nullable=False),
        sa.Column("num_pairs", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_epoch", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("worker", sa.String(), nullable=True),
        sa.Column("checkpoint_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["checkpoint_id"], ["checkpoints.id"], name=op.f("fk_training_batches_checkpoint_id")
        ),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policies.id"], name=op.f("fk_training_batches_policy_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_training_batches")),
    )
    op.create_index(
        op.f("ix_training_batches_checkpoint_id"),
        "training_batches",
        ["checkpoint_id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_training_batches_policy_id_state_id"),
        "training_batches",
        ["policy_id", "state", "id"],
        unique=False,
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sample_request_id", sa.Uuid(), nullable=True),
        sa.Column(
            "author",
            sa.Enum(
                "teacher",
                "student",
                name="author",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("program", sa.LargeBinary(), nullable=False),
        sa.Column("program_sha256", sa.String(), nullable=False),
        sa.Column("completion", sa.LargeBinary(), nullable=True),
        sa.Column("finish_reason", sa.String(), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "submitted",
                "labelled",
                "quarantined",
                name="candidatestate",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column(
            "label",
            sa.Enum(
                "compile_error",
                "runtime_error",
                "partial_pass",
                "all_pass",
                name="label",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("pass_fraction", sa.Double(), nullable=True),
        sa.Column("execution_id", sa.Uuid(), nullable=True),
        sa.Column("labelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["duplicate_of"],
            ["candidates.id"],
            name=op.f("fk_candidates_duplicate_of"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_candidates_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["sample_request_id"],
            ["sample_requests.id"],
            name=op.f("fk_candidates_sample_request_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("group_id", "position", name=op.f("uq_candidates_group_id_position")),
    )
    op.create_index(
        op.f("ix_candidates_duplicate_of"), "candidates", ["duplicate_of"], unique=False
    )
    op.create_index(
        op.f("ix_candidates_sample_request_id"), "candidates", ["sample_request_id"], unique=False
    )
    op.create_index(
        op.f("ix_candidates_sent_at"),
        "candidates",
        ["sent_at"],
        unique=False,
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.create_table(
        "executions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column(
            "label",
            sa.Enum(
                "compile_error",
                "runtime_error",
                "partial_pass",
                "all_pass",
                name="label",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("tests", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("cpu_seconds", sa.Double(), nullable=False),
        sa.Column("wall_seconds", sa.Double(), nullable=False),
        sa.Column("memory_bytes", sa.BigInteger(), nullable=False),
        sa.Column(
            "integrity",
            sa.Enum(
                "isolated",
                "shared",
                name="integrity",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("stdout", sa.String(), nullable=False),
        sa.Column("stderr", sa.String(), nullable=False),
        sa.Column("error", sa.String(), nullable=False),
        sa.Column("sandbox", sa.String(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_executions_candidate_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_executions")),
        sa.UniqueConstraint(
            "candidate_id", "attempt", name=op.f("uq_executions_candidate_id_attempt")
        ),
    )
    op.create_table(
        "rankings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("preset", sa.String(), nullable=False),
        sa.Column("order", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pairs", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("best_id", sa.Uuid(), nullable=True),
        sa.Column("num_pairs", sa.Integer(), nullable=False),
        sa.Column("dropped_pairs", sa.Integer(), nullable=False),
        sa.Column(
            "skip_reason",
            sa.Enum(
                "too_few_candidates",
                "no_teacher",
                "no_student",
                "teacher_below_student",
                "no_positive_gap",
                "best_below_minimum",
                name="skipreason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("training_batch_id", sa.Uuid(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["best_id"], ["candidates.id"], name=op.f("fk_rankings_best_id")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.id"], name=op.f("fk_rankings_group_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["training_batch_id"],
            ["training_batches.id"],
            name=op.f("fk_rankings_training_batch_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rankings")),
        sa.UniqueConstraint("group_id", name=op.f("uq_rankings_group_id")),
    )
    op.create_index(
        op.f("ix_rankings_id"),
        "rankings",
        ["id"],
        unique=False,
        postgresql_where=sa.text("training_batch_id IS NULL AND skip_reason IS NULL"),
    )
    op.create_index(
        op.f("ix_rankings_training_batch_id"), "rankings", ["training_batch_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_rankings_training_batch_id"), table_name="rankings")
    op.drop_index(
        op.f("ix_rankings_id"),
        table_name="rankings",
        postgresql_where=sa.text("training_batch_id IS NULL AND skip_reason IS NULL"),
    )
    op.drop_table("rankings")
    op.drop_table("executions")
    op.drop_index(
        op.f("ix_candidates_sent_at"),
        table_name="candidates",
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.drop_index(op.f("ix_candidates_sample_request_id"), table_name="candidates")
    op.drop_index(op.f("ix_candidates_duplicate_of"), table_name="candidates")
    op.drop_table("candidates")
    op.drop_index(op.f("ix_training_batches_policy_id_state_id"), table_name="training_batches")
    op.drop_index(op.f("ix_training_batches_checkpoint_id"), table_name="training_batches")
    op.drop_table("training_batches")
    op.drop_index(
        op.f("ix_sample_requests_sent_at"),
        table_name="sample_requests",
        postgresql_where=sa.text("state = 'submitted'"),
    )
    op.drop_table("sample_requests")
    op.drop_table("test_cases")
    op.drop_index(op.f("ix_groups_problem_id"), table_name="groups")
    op.drop_index(
        op.f("ix_groups_id"), table_name="groups", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_table("groups")
    op.drop_table("checkpoints")
    op.drop_table("problems")
    op.drop_table("policies")
