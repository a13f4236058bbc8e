"""What the REST API answers: the views that a client may rely on."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Generic, TypeVar
from uuid import UUID

from pydantic import ConfigDict, Field

from infra.contracts.base import (
    Author,
    BatchState,
    CandidateState,
    CheckState,
    Contract,
    GroupState,
    Integrity,
    IntegrityRule,
    JsonValue,
    Label,
    Language,
    Pairing,
    Priority,
    SampleState,
    SkipReason,
    Whole,
)
from infra.contracts.candidates import NewGroup
from infra.contracts.checks import MAX_MUTANTS, Finding
from infra.contracts.execution import Guards, TestResult
from infra.contracts.problems import Limits, Problem, TestCase
from infra.contracts.prompting import PromptForm, Sampled
from infra.contracts.ranking import Pair, RankedCandidate, RankedGroup, Response

Item = TypeVar("Item")


class Page(Contract, Generic[Item]):
    """One page of a list."""

    # For every kind of item, Pydantic would look for docstrings through all modules that are
    # loaded: a third of the time in which the API and the client start.
    model_config = ConfigDict(use_attribute_docstrings=False)

    items: tuple[Item, ...]
    next_cursor: str | None = Field(
        None, description="Pass as `cursor` to get the page after this one; absent on the last."
    )


class CheckView(Contract):
    """What is known of a problem's tests, by a check of an executor."""

    state: CheckState
    attempts: int
    """Times an executor began the check that is pending, or the last one."""
    mutants: int
    """Most changed reference programs that it judges, to say how strong the tests are."""
    reason: str | None
    """Why it is tried again, or was set aside."""
    finding: Finding | None
    """What the last check that ended has found."""
    checked_at: datetime | None
    suite_sha256: str | None
    """Digest of the suite that it found this of."""
    sandbox: str | None
    """Version of everything that can change it, the packages of the image among that."""


class CheckAgain(Contract):
    """A request to check a problem once more."""

    mutants: Whole = Field(0, ge=0, le=MAX_MUTANTS)
    """Most changed reference programs that are judged; with 0 the strength is left as it is."""


class ProblemSummary(Contract):
    """A problem without its tests."""

    id: UUID
    slug: str
    entry_point: str | None
    language: Language
    image: str
    num_tests: int
    """Tests as submitted; one assert test may hold many asserts."""
    check_state: CheckState
    strength: float | None
    """Share of the mutants of its reference that its tests notice, where measured."""
    created_at: datetime


class ProblemView(ProblemSummary):
    """A problem with all there is to it."""

    check: CheckView

    prompt: str
    tests: tuple[TestCase, ...]
    limits: Limits
    integrity: IntegrityRule
    prelude: str
    reference_program: str | None
    metadata: dict[str, JsonValue]


class BulkProblems(Contract):
    """Several problems at once."""

    problems: tuple[Problem, ...] = Field(min_length=1, max_length=1000)


class BulkOutcome(Contract):
    """What became of one problem of a bulk request."""

    slug: str
    id: UUID | None
    created: bool
    error: str | None = None


class BulkResult(Contract):
    """What became of every problem of a bulk request, in its order."""

    outcomes: tuple[BulkOutcome, ...]


class BulkGroup(NewGroup):
    """One group of a bulk request."""

    problem: Annotated[str, Field(min_length=1, max_length=200)]
    """Its problem: the slug, or the id."""


class BulkGroups(Contract):
    """Many groups at once."""

    groups: tuple[BulkGroup, ...] = Field(min_length=1, max_length=10_000)


class BulkGroupOutcome(Contract):
    """What became of one group of a bulk request."""

    id: UUID | None
    error: str | None = None
    created: bool = True
    """False where it is refused, or was there and is to be there once."""


class BulkGroupResult(Contract):
    """What became of every group of a bulk request, in its order."""

    outcomes: tuple[BulkGroupOutcome, ...]


class Scope(StrEnum):
    """What an API key may be used for."""

    READ = "read"
    """To look at everything."""
    SUBMIT = "submit"
    """To store problems and groups."""
    TRAIN = "train"
    """To lease and complete training batches."""
    ADMIN = "admin"
    """To make and revoke keys, and to release what is in quarantine."""


_PROJECT = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"


class NewApiKey(Contract):
    """A request for an API key."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    scopes: frozenset[Scope] = Field(default=frozenset({Scope.READ, Scope.SUBMIT}), min_length=1)
    project: Annotated[str, Field(pattern=_PROJECT)] | None = None
    """Whose it is; null: the project of who asks. An operator's request makes a new one."""
    candidates_per_day: Annotated[int, Field(ge=1, lt=2**31)] | None = None
    """Most candidates that it may hand in, ask for or have executed between two midnights (UTC)."""


class ApiKeyView(Contract):
    """An API key, without the key."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    project: str
    candidates_per_day: int | None
    """Null where there is no quota."""
    created_at: datetime
    revoked_at: datetime | None


class MadeApiKey(ApiKeyView):
    """An API key that was just made."""

    key: str
    """Shown here and never again; it is stored nowhere."""


class CallerView(Contract):
    """What the API key of a request may do."""

    scopes: tuple[Scope, ...]
    project: str
    """Whose problems, groups, policies and batches it sees."""
    candidates_per_day: int | None
    """Null where there is no quota."""


class QuarantineKind(StrEnum):
    """What can be set aside."""

    CANDIDATE = "candidate"
    SAMPLE_REQUEST = "sample_request"
    TRAINING_BATCH = "training_batch"


class QuarantineView(Contract):
    """Something that was set aside after too many attempts."""

    kind: QuarantineKind
    id: UUID
    group_id: UUID | None
    """Of a candidate or a request for samples."""
    attempts: int
    reason: str | None
    code: str | None
    """Stable identifier of the reason, for a request for samples."""


class ReleaseRequest(Contract):
    """A request to try again what was set aside."""

    kind: QuarantineKind
    ids: tuple[UUID, ...] = Field(min_length=1, max_length=1000)


class Kept(Contract):
    """Something that stays in quarantine."""

    id: UUID
    reason: str
    """Why it cannot be released, and what to do instead."""


class ReleaseResult(Contract):
    """What was released and what was kept; what was not in quarantine is in neither."""

    released: tuple[UUID, ...]
    """Duplicates of what was asked for among them: one label is for all."""
    kept: tuple[Kept, ...]


class SampleRequestView(Contract):
    """A request for samples."""

    id: UUID
    state: SampleState
    attempts: int
    plan: dict[str, JsonValue]
    reason: str | None
    """Why it is quarantined, or is tried again."""
    code: str | None
    """Stable identifier of the reason, such as `budget_exceeded` or `unavailable`."""


class GroupView(Contract):
    """A group with its progress."""

    id: UUID
    problem_id: UUID
    problem_slug: str
    policy: str
    state: GroupState
    candidates: dict[CandidateState, int]
    """Number of candidates in each state."""
    samples: tuple[SampleRequestView, ...]
    metadata: dict[str, JsonValue]
    priority: Priority
    cache: bool
    pairs: Pairing | None = None
    """Which candidates are paired; null: as the ranker is set."""
    created_at: datetime
    ranked_at: datetime | None


class ExecutionView(Contract):
    """One execution with the outcome of every test."""

    id: UUID
    candidate_id: UUID
    """Whose execution it was: another candidate's, where the label is a duplicate's or cached."""
    attempt: int
    label: Label
    passed: int
    total: int
    tests: tuple[TestResult, ...]
    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    integrity: Integrity
    guards: Guards | None
    """Of an execution in the tests' own process; null also before they were counted."""
    unstable: bool
    """Whether a little more or less CPU time might have changed it: a test was near its limit, or
    all together near theirs."""
    stdout: str
    stderr: str
    error: str
    sandbox: str
    created_at: datetime


class CandidateView(Contract):
    """A candidate with its label."""

    id: UUID
    group_id: UUID
    position: int
    author: Author
    model: str
    state: CandidateState
    label: Label | None
    pass_fraction: float | None
    execution_id: UUID | None
    duplicate_of: UUID | None
    cached: bool
    """Whether the label is that of the same program in another group, executed before."""
    sample_request_id: UUID | None
    attempts: int
    reason: str | None
    finish_reason: str | None
    policy_version: int | None
    staleness: int | None
    """Optimizer steps from the weights that wrote it to the checkpoint that has learnt from it."""
    seed: int | None
    program_sha256: str
    metadata: dict[str, JsonValue]
    created_at: datetime
    labelled_at: datetime | None


class CandidateDetail(CandidateView):
    """A candidate with its program and its execution."""

    program: str
    """Unpaired surrogates, which JSON cannot carry as text, are shown as `?`."""
    completion: str | None
    sampled: Sampled | None
    """What the completion was sampled from, and token by token as what; null: not known."""
    execution: ExecutionView | None
    """Where the label comes from; a duplicate's is that of the program it repeats."""


class RankingView(Contract):
    """The ranking of a group, and the batch it went into."""

    id: UUID
    group_id: UUID
    preset: str
    rule_version: int
    """Of the code that decided it; a later one may rank the group again."""
    order: tuple[RankedCandidate, ...]
    pairs: tuple[Pair, ...]
    best_id: UUID | None
    dropped_pairs: int
    skip_reason: SkipReason | None
    advice: str | None = None
    """What to do where there is a `skip_reason`."""
    training_batch_id: UUID | None
    superseded_at: datetime | None
    """When the group was ranked again; null: this is its ranking."""
    created_at: datetime


class RankedResponse(Response):
    """A response of a ranked group, and what wrote it."""

    completion: str
    """What goes on from the prompt: the program, or the part of it that a model wrote, without the
    prompt."""
    model: str
    policy_version: int | None
    checkpoint_id: UUID | None
    """The checkpoint that wrote it, of the group's policy; null where none is known."""


class RankedGroupView(RankedGroup):
    """A ranked group with all its responses, best first, and whether it is trained on."""

    id: UUID
    """Of the ranking; pages are in its order."""
    problem_id: UUID
    responses: tuple[RankedResponse, ...]
    policy: str
    skip_reason: SkipReason | None
    integrity: Integrity
    """`shared` if any of its labels is, or is of an execution that is not known any more."""
    strength: float | None
    """Share of the mutants of its problem's reference that the tests notice, where measured."""
    created_at: datetime
    """When it was ranked."""


class TrainingBatchView(Contract):
    """A training batch and where it ended."""

    id: UUID
    policy: str
    state: BatchState
    num_groups: int
    num_pairs: int
    attempts: int
    lease_epoch: int
    lease_until: datetime | None
    worker: str | None
    checkpoint_id: UUID | None
    group_ids: tuple[UUID, ...]
    created_at: datetime
    completed_at: datetime | None


class PolicyView(Contract):
    """A policy and its newest checkpoint."""

    id: UUID
    name: str
    newest_version: int | None
    best_version: int | None = None
    """Of the checkpoints that were evaluated; null before there is one."""
    evaluating_version: int | None = None
    """Which an evaluator is at work with."""
    created_at: datetime


class CheckpointView(Contract):
    """A checkpoint and the batches that made it."""

    id: UUID
    policy: str
    version: int
    path: str
    sha256: str
    prompt_form: PromptForm | None
    """What problems looked like that it has learnt from; null: not known."""
    metrics: dict[str, JsonValue]
    training_batch_ids: tuple[UUID, ...]
    created_at: datetime


class CompleteResponse(Contract):
    """The checkpoint that was recorded."""

    checkpoint_id: UUID


class Stats(Contract):
    """Counts over everything."""

    candidates: dict[CandidateState, int]
    labels: dict[Author, dict[Label, int]]
    samples: dict[SampleState, int]
    groups: dict[GroupState, int]
    checks: dict[CheckState, int]
    """Problems, by what is known of their tests."""
    skipped: dict[SkipReason, int]
    """Ranked groups that give no training data, by reason."""
    advice: dict[SkipReason, str] = Field(default_factory=dict)
    """What to do about each of these reasons."""
    pairs: int
    waiting_groups: int
    """Ranked groups that are not in a batch yet."""
    training_batches: dict[BatchState, int]
    pass_at_1: dict[Author, float]
    """Mean over problems of the share of labelled candidates that pass every test."""


class ProblemDetails(Contract):
    """An error (RFC 9457)."""

    type: str
    title: str
    status: int
    code: str
    """Stable identifier to match on."""
    detail: str
    errors: tuple[dict[str, str], ...] = ()
    """For invalid input: `pointer` to the field and `message`."""


class Health(Contract):
    """Whether a process is ready, and what it waits for."""

    status: str
    checks: dict[str, str] = Field(default_factory=dict)
