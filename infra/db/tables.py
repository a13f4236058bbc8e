"""Every table of the suite; Postgres is the truth, Redis only carries messages."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    Enum,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    MetaData,
    TypeDecorator,
    UniqueConstraint,
    false,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from infra.contracts.base import (
    STANDARD_IMAGE,
    Author,
    BatchState,
    CandidateState,
    CheckState,
    GroupState,
    Integrity,
    IntegrityRule,
    Label,
    Language,
    Pairing,
    SampleState,
    SkipReason,
    new_id,
)

Json = dict[str, Any]

UNSENT = "state = 'submitted' AND sent_at IS NULL AND duplicate_of IS NULL AND follows IS NULL"
"""What makes a candidate part of the outbox."""
UNSENT_SAMPLES = "state = 'submitted' AND sent_at IS NULL"
"""What makes a request for samples part of it."""
UNSENT_CHECKS = "check_state = 'pending' AND check_sent_at IS NULL"
"""What makes the check of a problem part of it."""


class Source(TypeDecorator[str]):
    """Text exactly as a model wrote it, even with NUL bytes or lone surrogates."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Encode for storage."""
        del dialect
        return None if value is None else value.encode("utf-8", "surrogatepass")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Decode what was stored."""
        del dialect
        return None if value is None else value.decode("utf-8", "surrogatepass")


def _enum(kind: type[StrEnum]) -> Enum:
    # Stored by value as text with a CHECK: a new member needs no ALTER TYPE.
    return Enum(
        kind,
        native_enum=False,
        length=40,
        create_constraint=True,
        name=f"{kind.__name__.lower()}",
        values_callable=lambda members: [member.value for member in members],
    )


class Table(DeclarativeBase):
    """Base of every table."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy's own hook, read once
        Json: JSONB,
        list[Any]: JSONB,
        datetime: DateTime(timezone=True),
    }


class ProjectRow(Table):
    """A name space: its problems, policies and all that is made of them; number 0 is `default`."""

    __tablename__ = "projects"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ProblemRow(Table):
    """A problem."""

    __tablename__ = "problems"
    __table_args__ = (
        UniqueConstraint("project_id", "slug"),
        Index(None, "id", postgresql_where=text(UNSENT_CHECKS)),
        Index(None, "check_sent_at", postgresql_where=text("check_state = 'pending'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), server_default=text("0"))
    slug: Mapped[str]
    prompt: Mapped[str]
    entry_point: Mapped[str | None]
    language: Mapped[Language] = mapped_column(_enum(Language))
    image: Mapped[str] = mapped_column(server_default=STANDARD_IMAGE)
    limits: Mapped[Json]
    integrity: Mapped[IntegrityRule] = mapped_column(_enum(IntegrityRule), server_default="auto")
    allow_shared: Mapped[bool] = mapped_column(server_default=false())
    """Of the version before, whose workers may still be there; `integrity` has taken its place."""
    prelude: Mapped[str] = mapped_column(server_default="")
    reference_program: Mapped[str | None] = mapped_column(Source)
    details: Mapped[Json] = mapped_column("metadata", JSON)
    content_hash: Mapped[str]
    """SHA-256 of the whole problem as submitted; the same problem twice is one row."""
    suite_sha256: Mapped[str | None]
    """`Suite.digest`; null until the first group, for a problem of an older version."""
    strength: Mapped[float | None]
    """Share of the reference's mutants that the tests notice; null where it was not measured."""
    check_state: Mapped[CheckState] = mapped_column(_enum(CheckState), server_default="pending")
    check_mutants: Mapped[int] = mapped_column(server_default=text("0"))
    """Most mutants that the check is to judge."""
    check_attempts: Mapped[int] = mapped_column(server_default=text("0"))
    """Times an executor began it."""
    check_sent_at: Mapped[datetime | None]
    """When it was last given to the queue; null: it waits in the outbox."""
    check_started_at: Mapped[datetime | None]
    check_reason: Mapped[str | None]
    """Why it is tried again, or was set aside."""
    checked_at: Mapped[datetime | None]
    checked_sha256: Mapped[str | None]
    """The `suite_sha256` that `finding` and `decided` are of."""
    check_sandbox: Mapped[str | None]
    finding: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    """What the last check that ended has found (`contracts.checks.Finding`)."""
    decided: Mapped[Integrity | None] = mapped_column(_enum(Integrity))
    """Where the tests run, of a sound problem."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())

    tests: Mapped[list["TestCaseRow"]] = relationship(
        order_by="TestCaseRow.position", cascade="all, delete-orphan"
    )


class TestCaseRow(Table):
    """One test of a problem."""

    __tablename__ = "test_cases"
    __test__ = False  # pytest must not collect it.

    problem_id: Mapped[UUID] = mapped_column(
        ForeignKey("problems.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    body: Mapped[Json] = mapped_column(JSON)
    """The test as submitted; JSON rather than JSONB, which refuses NUL in a string."""


class PolicyRow(Table):
    """A model in training; its versions are checkpoints."""

    __tablename__ = "policies"
    __table_args__ = (UniqueConstraint("project_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), server_default=text("0"))
    name: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CheckpointRow(Table):
    """The weights of a policy after some optimizer steps."""

    __tablename__ = "checkpoints"
    __table_args__ = (UniqueConstraint("policy_id", "version"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policies.id"))
    version: Mapped[int]
    path: Mapped[str]
    sha256: Mapped[str]
    prompt_form: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    """`contracts.prompting.PromptForm`; null where it is not known."""
    metrics: Mapped[Json]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class EvaluationRow(Table):
    """What an evaluator has found of a checkpoint."""

    __tablename__ = "evaluations"

    checkpoint_id: Mapped[UUID] = mapped_column(ForeignKey("checkpoints.id"), primary_key=True)
    asked_sha256: Mapped[str]
    score: Mapped[float | None]
    """Null while it is being evaluated."""
    rates: Mapped[Json]
    """`contracts.evaluations.Rate` by benchmark."""
    evaluated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKeyRow(Table):
    """Who may use the REST API for what; number 0 is the key of the environment."""

    __tablename__ = "api_keys"

    id: Mapped[int] = mapped_column(Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str | None] = mapped_column(unique=True)
    """Of the key itself, which is stored nowhere."""
    scopes: Mapped[list[Any]]
    project_id: Mapped[int] = mapped_column(ForeignKey("projects.id"), server_default=text("0"))
    candidates_per_day: Mapped[int | None]
    """Most candidates that it may hand in, ask for or have executed between two midnights (UTC)."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class KeyUsageRow(Table):
    """How many candidates a key with a quota has brought on a day (UTC)."""

    __tablename__ = "key_usage"

    api_key_id: Mapped[int] = mapped_column(ForeignKey("api_keys.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    candidates: Mapped[int] = mapped_column(BigInteger)


class IdempotentRequestRow(Table):
    """A request that came with an `Idempotency-Key`, and what it made."""

    __tablename__ = "idempotent_requests"

    api_key_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(primary_key=True)
    fingerprint: Mapped[str]
    """SHA-256 of the request; the key with another request is a mistake."""
    answer: Mapped[list[Any] | None] = mapped_column(JSON)
    """What it made; null only inside the transaction that makes it."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class SandboxProfileRow(Table):
    """A sandbox version that executors reported, and when one last did."""

    __tablename__ = "sandbox_profiles"

    sandbox: Mapped[str] = mapped_column(primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class GroupRow(Table):
    """The candidates of one request for one problem."""

    __tablename__ = "groups"
    __table_args__ = (Index(None, "id", postgresql_where=text("state = 'open'")),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    problem_id: Mapped[UUID] = mapped_column(ForeignKey("problems.id"), index=True)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policies.id"))
    state: Mapped[GroupState] = mapped_column(_enum(GroupState))
    details: Mapped[Json] = mapped_column("metadata", JSON)
    api_key_id: Mapped[int] = mapped_column(
        ForeignKey("api_keys.id"), default=0, server_default=text("0")
    )
    """Whose work it is; executors are shared fairly between keys."""
    interactive: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Somebody waits: executed before everything that is not."""
    cache: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether an earlier execution of the same program and tests may serve."""
    pairs: Mapped[Pairing | None] = mapped_column(_enum(Pairing))
    """Which candidates are paired; null: as the ranker is set."""
    once_sha256: Mapped[str | None] = mapped_column(unique=True)
    """Of what was asked for, where that is to be there once; null where it may come again."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    ranked_at: Mapped[datetime | None]


class SampleRequestRow(Table):
    """A request for completions by one author, part of a group."""

    __tablename__ = "sample_requests"
    __table_args__ = (
        UniqueConstraint("group_id", "position"),
        Index(None, "sent_at", postgresql_where=text("state = 'submitted'")),
        Index(
            None,
            "interactive",
            "api_key_id",
            "id",
            postgresql_where=text(UNSENT_SAMPLES),
        ),
        Index(None, "id", postgresql_where=text("state = 'quarantined'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"))
    api_key_id: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """The group's; here too, because the outbox is read by it."""
    interactive: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The group's."""
    position: Mapped[int]
    plan: Mapped[Json]
    state: Mapped[SampleState] = mapped_column(_enum(SampleState))
    attempts: Mapped[int] = mapped_column(default=0)
    """Times a sampler began it."""
    sent_at: Mapped[datetime | None]
    """When it was last given to the queue; null: it waits in the outbox."""
    started_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why it is quarantined, or was given back."""
    code: Mapped[str | None]
    """Stable identifier of that reason, such as `budget_exceeded`."""


class CandidateRow(Table):
    """One program for one problem."""

    __tablename__ = "candidates"
    __table_args__ = (
        UniqueConstraint("group_id", "position"),
        Index(None, "sample_request_id", postgresql_where=text("sample_request_id IS NOT NULL")),
        Index(None, "duplicate_of", postgresql_where=text("duplicate_of IS NOT NULL")),
        Index(None, "follows", postgresql_where=text("follows IS NOT NULL")),
        Index(None, "sent_at", "api_key_id", postgresql_where=text("state = 'submitted'")),
        Index(
            None,
            "cache_key",
            postgresql_where=text("state = 'submitted' AND sent_at IS NOT NULL"),
        ),
        Index(None, "interactive", "api_key_id", "id", postgresql_where=text(UNSENT)),
        Index(None, "labelled_at", postgresql_where=text("labelled_at IS NOT NULL")),
        Index(None, "execution_id", postgresql_where=text("cached")),
        Index(None, "id", postgresql_where=text("state = 'quarantined'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"))
    position: Mapped[int]
    sample_request_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("sample_requests.id", ondelete="CASCADE")
    )
    author: Mapped[Author] = mapped_column(_enum(Author))
    model: Mapped[str]
    program: Mapped[str] = mapped_column(Source)
    program_sha256: Mapped[str]
    completion: Mapped[str | None] = mapped_column(Source)
    sampled: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    """`contracts.prompting.Sampled`; null where it is not known."""
    finish_reason: Mapped[str | None]
    policy_version: Mapped[int | None]
    staleness: Mapped[int | None]
    """Version of the checkpoint that has learnt from it, less its own."""
    seed: Mapped[int | None] = mapped_column(BigInteger)
    details: Mapped[Json] = mapped_column("metadata", JSON)
    duplicate_of: Mapped[UUID | None] = mapped_column(
        ForeignKey("candidates.id", ondelete="CASCADE")
    )
    """The same program in the same group, executed in this one's place."""
    api_key_id: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    """The group's; here too, because the outbox is read by it."""
    interactive: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The group's."""
    cache_key: Mapped[bytes | None]
    """What an execution must agree in to serve again (`execution.cache_key`); null: none may."""
    follows: Mapped[UUID | None] = mapped_column(ForeignKey("candidates.id", ondelete="SET NULL"))
    """A candidate of another group with the same cache key, whose execution is awaited."""
    cached: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the label comes from the execution of a candidate of another group."""
    state: Mapped[CandidateState] = mapped_column(_enum(CandidateState))
    attempts: Mapped[int] = mapped_column(default=0)
    """Times an executor began it."""
    sent_at: Mapped[datetime | None]
    """When it was last given to the queue; null: it waits in the outbox."""
    started_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Why it is quarantined."""
    label: Mapped[Label | None] = mapped_column(_enum(Label))
    pass_fraction: Mapped[float | None]
    execution_id: Mapped[UUID | None]
    """The execution that gave the label."""
    labelled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ExecutionRow(Table):
    """One execution of one candidate, with the outcome of every test."""

    __tablename__ = "executions"
    __table_args__ = (
        UniqueConstraint("candidate_id", "attempt"),
        Index(None, "cache_key", postgresql_where=text("cache_key IS NOT NULL")),
        Index(None, "created_at", postgresql_where=text("stdout <> '' OR stderr <> ''")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    candidate_id: Mapped[UUID] = mapped_column(ForeignKey("candidates.id", ondelete="CASCADE"))
    attempt: Mapped[int]
    label: Mapped[Label] = mapped_column(_enum(Label))
    passed: Mapped[int]
    total: Mapped[int]
    tests: Mapped[list[Any]]
    """`contracts.execution.TestResult` of each test, without what a field has by default."""
    cpu_seconds: Mapped[float]
    wall_seconds: Mapped[float]
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    integrity: Mapped[Integrity] = mapped_column(_enum(Integrity))
    guards: Mapped[dict[str, Any] | None]
    stdout: Mapped[str]
    stderr: Mapped[str]
    error: Mapped[str]
    sandbox: Mapped[str]
    cache_key: Mapped[bytes | None]
    """The candidate's; null where it may not serve again."""
    unstable: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class TrainingBatchRow(Table):
    """Some ranked groups that are trained together, at most once."""

    __tablename__ = "training_batches"
    __table_args__ = (
        Index(None, "policy_id", "state", "id"),
        Index(None, "lease_until", postgresql_where=text("state = 'leased'")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    policy_id: Mapped[UUID] = mapped_column(ForeignKey("policies.id"))
    state: Mapped[BatchState] = mapped_column(_enum(BatchState))
    num_groups: Mapped[int]
    num_pairs: Mapped[int]
    attempts: Mapped[int] = mapped_column(default=0)
    lease_epoch: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None]
    checkpoint_id: Mapped[UUID | None] = mapped_column(ForeignKey("checkpoints.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    completed_at: Mapped[datetime | None]


class RankingRow(Table):
    """The order of one group and the pairs it teaches; the last of a group is in force."""

    __tablename__ = "rankings"
    __table_args__ = (
        Index(
            None, "id", postgresql_where=text("training_batch_id IS NULL AND skip_reason IS NULL")
        ),
        # A candidate that goes is looked for here.
        Index(None, "best_id", postgresql_where=text("best_id IS NOT NULL")),
        Index(
            "uq_rankings_group_id",
            "group_id",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    group_id: Mapped[UUID] = mapped_column(ForeignKey("groups.id", ondelete="CASCADE"), index=True)
    preset: Mapped[str]
    rule_version: Mapped[int] = mapped_column(default=1, server_default=text("1"))
    """Of the code that decided it (`ranker.ranking.RULE_VERSION`)."""
    order: Mapped[list[Any]]
    """Candidates with scores, best first (`contracts.ranking.RankedCandidate`)."""
    pairs: Mapped[list[Any]]
    """Training pairs (`contracts.ranking.Pair`)."""
    best_id: Mapped[UUID | None] = mapped_column(ForeignKey("candidates.id"))
    num_pairs: Mapped[int]
    dropped_pairs: Mapped[int]
    skip_reason: Mapped[SkipReason | None] = mapped_column(_enum(SkipReason))
    training_batch_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("training_batches.id"), index=True
    )
    superseded_at: Mapped[datetime | None]
    """When a later rule ranked the group again; null: this is the group's ranking."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
