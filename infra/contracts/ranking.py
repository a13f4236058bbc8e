"""Scores, rankings and the batches a trainer leases."""

from fractions import Fraction
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictBool, StrictFloat

from infra.contracts.base import (
    NUMBER,
    STANDARD_IMAGE,
    Author,
    Contract,
    Integrity,
    JsonValue,
    Label,
    Language,
    SkipReason,
    Whole,
)
from infra.contracts.candidates import DEFAULT_POLICY, PolicyName
from infra.contracts.problems import ProgramText
from infra.contracts.prompting import PromptForm, Sampled

_MAX_TESTS = 10**6
"""More than a problem has: shares of so few tests lie further apart than rounding moves them."""


def exact_share(pass_fraction: float) -> Fraction:
    """Return the share of tests that a number stands for, however it was rounded.

    What passes the same share compares equal, whatever arithmetic the number has been through.
    """
    return Fraction(pass_fraction).limit_denominator(_MAX_TESTS)


_ALL = "pair all candidates (`pairs: all`, `rrtf submit --pairs all`)"
ADVICE: dict[SkipReason, str] = {
    SkipReason.TOO_FEW_CANDIDATES: "give at least two programs that can be judged",
    SkipReason.NO_TEACHER: f"add a teacher's program, or {_ALL}",
    SkipReason.NO_STUDENT: f"add a student's program, or {_ALL}",
    SkipReason.TEACHER_BELOW_STUDENT: f"ask a better teacher, or {_ALL}",
    SkipReason.NO_POSITIVE_GAP: "sample more, at a higher temperature, or add tests that tell"
    " the programs apart",
    SkipReason.BEST_BELOW_MINIMUM: "ask a better teacher or for more samples, or lower"
    " RRTF_RANKER_MIN_BEST",
    SkipReason.BATCHED_BEFORE: "nothing: a trainer has had the group",
    SkipReason.UNSOUND_PROBLEM: "mend the problem's tests (`rrtf check`), and submit again",
    SkipReason.SHARED_LABEL: "write tests that call and compare, or unset RRTF_RANKER_INTEGRITY",
    SkipReason.WEAK_TESTS: "add tests, or lower RRTF_RANKER_MIN_STRENGTH",
}
"""What to do about a group that gives no training data, by the reason."""


class Judged(Contract):
    """A candidate as the ranking sees it."""

    candidate_id: UUID
    author: Author
    label: Label
    pass_fraction: float = Field(ge=0, le=1)
    program: ProgramText
    completion: str | None = None
    """What a model wrote, where the program was made of that; null where it was given."""
    language: Language = Language.PYTHON


class RankedCandidate(Contract):
    """A candidate with its score, best first within a ranking."""

    candidate_id: UUID
    author: Author
    label: Label
    score: float
    """Of label and tests passed alone, in [0, 1] by default."""


class Pair(Contract):
    """Two candidates of a group whose order the policy should learn."""

    better_id: UUID
    worse_id: UUID
    gap: float = Field(gt=0)
    """Difference of the scores, or the tie bonus of a teacher whose student did as well; the weight
    of the pair in the ranking loss."""


class Ranking(Contract):
    """The order of one group, its training pairs, and why it has none."""

    preset: str
    rule_version: int
    """Of the code that decided it (`ranker.ranking.RULE_VERSION`)."""
    order: tuple[RankedCandidate, ...]
    pairs: tuple[Pair, ...]
    best_id: UUID | None
    """Response that the cross-entropy term imitates."""
    dropped_pairs: int = 0
    """Teacher and student pairs left out because the teacher scored lower."""
    skip_reason: SkipReason | None = None


class Response(Contract):
    """One program of a ranked group, as training text."""

    candidate_id: UUID
    author: Author
    label: Label
    score: float
    """Of label and tests passed alone: a teacher's tie bonus is in the gaps of the pairs."""
    pass_fraction: float | None = Field(None, ge=0, le=1)
    """Share of the tests passed; null in groups that were stored without it."""
    program: str
    finished: bool
    """Whether the text is complete, so that its end may be trained."""
    written: str | None = None
    """The completion that the program was taken from, where `sampled` says from what it came."""
    sampled: Sampled | None = None
    """What the completion was sampled from; null: not known, and the program alone is learnt."""


class RankedGroup(Contract):
    """One prompt with its scored responses and pairs (indices into `responses`).

    All responses of the group are there, whether or not the ranker paired them. It is what trainers
    lease and what files of ranked groups hold, there with what else the API tells of it.
    """

    group_id: UUID
    problem_slug: str
    prompt: str
    language: Language = Language.PYTHON
    entry_point: str | None = None
    image: str = STANDARD_IMAGE
    responses: tuple[Response, ...]
    pairs: tuple[tuple[int, int, float], ...]
    """(better, worse, gap)"""
    best: int
    """Index of the response that the cross-entropy term imitates."""
    integrity: Integrity | None = None
    """`shared` if any of its labels is, or is of an execution that is not known any more; null:
    not said."""


class LeaseRequest(Contract):
    """A trainer asks for ranked batches."""

    worker: Annotated[str, Field(min_length=1, max_length=200)]
    """Name of the trainer, the same for all its processes; a policy has one trainer at a time."""
    policy: PolicyName = DEFAULT_POLICY
    limit: Whole = Field(1, ge=1, le=64)
    lease_seconds: StrictFloat = Field(120.0, ge=1, le=3600)
    wait_seconds: StrictFloat = Field(0.0, ge=0, le=30)
    """How long the server may wait for a batch before it answers with none."""
    fresh: StrictBool = False
    """Whether the worker has just started: what its name held before is given back first."""
    max_staleness: Annotated[int, Field(ge=0, lt=2**31), NUMBER] | None = None
    """Most optimizer steps that the policy may be ahead of the weights that wrote a candidate."""


class Lease(Contract):
    """The right to train one batch until the lease ends."""

    batch_id: UUID
    epoch: Whole = Field(ge=0, lt=2**31)
    """Fencing token: every later call names it, and an older one is refused."""


class LeasedBatch(Lease):
    """A leased batch with its content."""

    groups: tuple[RankedGroup, ...]


class LeaseResponse(Contract):
    """Leased batches; empty when there is nothing yet."""

    batches: tuple[LeasedBatch, ...]
    lease_seconds: float


class HeartbeatRequest(Contract):
    """Extend leases."""

    leases: tuple[Lease, ...] = Field(min_length=1, max_length=1024)
    lease_seconds: StrictFloat = Field(120.0, ge=1, le=3600)


class NewCheckpoint(Contract):
    """The weights a trainer wrote."""

    version: Whole = Field(ge=1, lt=2**31)
    """Optimizer steps since the policy's first weights."""
    path: Annotated[str, Field(min_length=1, max_length=4096)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Hash of the weights file."""
    prompt_form: PromptForm | None = None
    """What problems looked like that it has learnt from; null: not said."""
    metrics: dict[str, JsonValue] = Field(default_factory=dict)


class CompleteRequest(Contract):
    """Record batches as trained, together with the checkpoint that contains them."""

    policy: PolicyName = DEFAULT_POLICY
    leases: tuple[Lease, ...] = Field(min_length=1, max_length=1024)
    checkpoint: NewCheckpoint
