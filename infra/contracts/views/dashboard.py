"""What the dashboard is drawn from: the suite as it is now, over time, and by policy version."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from infra.contracts.base import Author, BatchState, CandidateState, Contract, ImageName, Label
from infra.contracts.views.api import CandidateView

MOST_IMAGES = 100
"""Images of packages that one worker names."""


class WorkerView(Contract):
    """A worker that answers on its queue."""

    name: str
    """Room, process id and host."""
    room: str
    slots: int
    """Tasks that it can run at the same time."""
    running: int
    """Tasks that it runs now."""
    begun: int
    """Tasks that it has begun since it started."""
    memory_bytes: int
    """Peak memory of its main process."""
    uptime_seconds: int
    images: Annotated[tuple[ImageName, ...], Field(max_length=MOST_IMAGES)] = ()
    """Images of packages that an executor has, beside the standard one."""


class TrainerView(Contract):
    """A trainer that holds leases."""

    worker: str
    policy: str
    batches: int
    lease_until: datetime | None
    """When the first of its leases ends unless it is extended."""


class Live(Contract):
    """What waits, and who works on it; some seconds old at most."""

    as_of: datetime
    waiting: int
    """Candidates not given to a queue yet."""
    sent: int
    """Candidates given to the executors, without a label."""
    open_groups: int
    training_batches: dict[BatchState, int]
    """Batches that are not completed."""
    queues: dict[str, int]
    """Messages in each queue."""
    oldest_seconds: dict[str, float]
    """Age of what has waited longest at each step; 0 where nothing waits."""
    missing_images: dict[str, int]
    """Images of packages that no executor at work has, each with the open groups and the checks of
    problems that wait for it."""
    workers: tuple[WorkerView, ...]
    trainers: tuple[TrainerView, ...]


class TimelineBin(Contract):
    """The candidates labelled in one stretch of time."""

    start: datetime
    labels: dict[Author, dict[Label, int]]


class Timeline(Contract):
    """Candidates labelled over time; the last bin is still filling."""

    bin_seconds: float
    bins: tuple[TimelineBin, ...]
    """Oldest first, empty ones too."""


class VersionView(Contract):
    """What one version of a policy wrote."""

    policy: str
    version: int | None
    """Null for programs that were handed in without saying which version wrote them."""
    author: Author
    labels: dict[Label, int]
    problems: int
    pass_at_1: float = Field(ge=0, le=1)
    """Mean over problems of the share of labelled candidates that pass every test."""


class Versions(Contract):
    """Labels by policy, version and author."""

    candidates: int
    """Newest candidates that were looked at; there may be older ones."""
    versions: tuple[VersionView, ...]
    """By policy, author and version."""


class PassAt(Contract):
    """Pass@k, the chance that k candidates hold a right one, unbiased."""

    k: int
    problems: int
    """Problems with at least k candidates, which it is the mean over."""
    mean: float | None
    """Null where there is no such problem."""
    low: float | None
    """From here to `high` is a 95 % interval of what other problems of the kind would give."""
    high: float | None


class ModelView(Contract):
    """What one model has written for one set of problems."""

    model: str
    """Empty for candidates that do not say who wrote them."""
    problem_set: str
    """What the problems' metadata say as `source`, or else how their names begin."""
    problems: int
    labels: dict[Label, int]
    pass_at: tuple[PassAt, ...]


class Models(Contract):
    """Pass rates by model and set of problems."""

    candidates: int
    """Newest candidates that were looked at; there may be older ones."""
    models: tuple[ModelView, ...]
    """By model and set."""


class Interval(Contract):
    """A number with its 95 % interval."""

    mean: float
    low: float
    high: float


class ChangedProblem(Contract):
    """A problem that one of two models solves more often."""

    problem_id: UUID
    slug: str
    before: tuple[int, int]
    """Candidates of the first model, and how many of them are right."""
    after: tuple[int, int]
    """The same of the second."""


class ModelComparison(Contract):
    """Two models on the problems that both have candidates for."""

    before: str
    after: str
    problems: int
    before_pass_at_1: float
    after_pass_at_1: float
    difference: Interval
    """By how much pass@1 rises; problems are drawn as pairs."""
    mcnemar_p: float | None
    """McNemar's exact test; null where a problem has several candidates of one of them."""
    won: int
    """Problems that the second solves more often."""
    lost: int
    """Problems that the second solves less often."""
    changes: tuple[ChangedProblem, ...]
    """The first 500 of both, those that were lost before those that were won."""


class FoundCandidate(CandidateView):
    """A candidate of any group, and what it is for."""

    problem_id: UUID
    problem_slug: str
    policy: str


class ExecutionSummary(Contract):
    """One execution of a candidate, without its tests and its output."""

    id: UUID
    attempt: int
    label: Label
    passed: int
    total: int
    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int
    unstable: bool
    sandbox: str
    created_at: datetime


class SameProgram(Contract):
    """Another candidate of the same problem with the same program."""

    id: UUID
    group_id: UUID
    author: Author
    model: str
    policy: str
    """`again` where the program was run again by itself."""
    state: CandidateState
    label: Label | None
    created_at: datetime


class CandidateHistory(Contract):
    """What became of a candidate, and of its program elsewhere."""

    created_at: datetime
    sent_at: datetime | None
    """When it was last given to the executors."""
    started_at: datetime | None
    """When one last began it."""
    labelled_at: datetime | None
    executions: tuple[ExecutionSummary, ...]
    """Its own, oldest first; a label that is another candidate's execution has none here."""
    same_program: tuple[SameProgram, ...]
    """The newest 100."""
