"""Every request that the clients know, as a value: what is sent, and what the answer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from infra import errors
from infra.contracts.base import Integrity
from infra.contracts.candidates import NewGroup
from infra.contracts.inline import ExecuteRequest, ExecuteResponse
from infra.contracts.problems import Problem
from infra.contracts.views.api import (
    ApiKeyView,
    BulkGroup,
    BulkGroupResult,
    BulkGroups,
    BulkResult,
    CandidateDetail,
    CandidateView,
    CheckAgain,
    CheckpointView,
    GroupView,
    MadeApiKey,
    NewApiKey,
    Page,
    ProblemSummary,
    ProblemView,
    QuarantineKind,
    QuarantineView,
    RankedGroupView,
    RankingView,
    ReleaseRequest,
    ReleaseResult,
    Stats,
    TrainingBatchView,
)
from infra.contracts.views.dashboard import Live, ModelComparison, Models
from infra.contracts.views.evaluations import EvaluationView, NewEvaluation
from infra.contracts.views.sampling import EndpointView, TeacherView
from infra.contracts.views.slow import SlowWork

_ANSWER_SECONDS = 30.0
"""Longest an answer may take beyond the wait that was asked for."""

Answer = TypeVar("Answer")
Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Call(Generic[Answer]):
    """One request."""

    answer: TypeAdapter[Answer] | None
    """How its answer is read; None where there is nothing in it."""
    method: str = "GET"
    path: str
    body: BaseModel | Mapping[str, Any] | None = None
    params: Mapping[str, str | list[str]] = field(default_factory=dict)
    repeatable: bool = True
    """Whether sending it twice does no harm."""
    once: bool = False
    """Whether a repeat under the same `Idempotency-Key` does nothing more."""
    timeout: float | None = None


def next_page(call: Call[Page[Item]], page: Page[Item]) -> Call[Page[Item]] | None:
    """Make the request for the page after this one, or None if it is the last."""
    if page.next_cursor is None:
        return None
    return replace(call, params={**call.params, "cursor": page.next_cursor})


View = TypeVar("View", bound=BaseModel)


def _get(view: type[View], path: str, /, **params: str | list[str]) -> Call[View]:
    return Call(answer=TypeAdapter(view), path=path, params=params)


def _post(view: type[View], path: str, body: BaseModel, **more: Any) -> Call[View]:
    return Call(answer=TypeAdapter(view), method="POST", path=path, body=body, **more)


def _page(view: type[Page[Item]], path: str, /, **params: str | list[str]) -> Call[Page[Item]]:
    return Call(answer=TypeAdapter(view), path=path, params={"limit": "500", **params})


def _whole(view: type[Page[Item]], path: str) -> Call[Page[Item]]:
    # A list that has no pages takes no limit.
    return Call(answer=TypeAdapter(view), path=path)


def add_problem(problem: Problem, mutants: int) -> Call[ProblemView]:
    """Store a problem."""
    return _post(ProblemView, "/v1/problems", problem, params={"mutants": str(mutants)})


def add_problems(problems: Sequence[Problem], mutants: int) -> Call[BulkResult]:
    """Store many problems."""
    return Call(
        answer=TypeAdapter(BulkResult),
        method="POST",
        path="/v1/problems/bulk",
        body={"problems": [problem.model_dump(mode="json") for problem in problems]},
        params={"mutants": str(mutants)},
    )


def check_again(problem_id: UUID, again: CheckAgain) -> Call[None]:
    """Have a problem checked once more."""
    return Call(answer=None, method="POST", path=f"/v1/problems/{problem_id}/check", body=again)


def find_problem(slug: str) -> Call[Page[ProblemSummary]]:
    """List the problem of a name, if there is one."""
    return _get(Page[ProblemSummary], "/v1/problems", slug=slug)


def only_problem(page: Page[ProblemSummary], slug: str) -> ProblemSummary:
    """Take the problem out of the answer to `find_problem`.

    Raises:
        errors.NotFound: there is none of that name.
    """
    if not page.items:
        raise errors.NotFound(f"there is no problem {slug!r}; import it first")
    return page.items[0]


def get_problem(problem_id: UUID) -> Call[ProblemView]:
    """Read a problem."""
    return _get(ProblemView, f"/v1/problems/{problem_id}")


def problems() -> Call[Page[ProblemSummary]]:
    """List problems."""
    return _page(Page[ProblemSummary], "/v1/problems")


def create_group(problem_id: UUID, group: NewGroup) -> Call[GroupView]:
    """Hand in a group."""
    return _post(GroupView, f"/v1/problems/{problem_id}/groups", group, once=True)


def create_groups(groups: Sequence[BulkGroup]) -> Call[BulkGroupResult]:
    """Hand in many groups."""
    bulk = BulkGroups(groups=tuple(groups))
    return _post(BulkGroupResult, "/v1/groups/bulk", bulk, once=True)


def create_key(key: NewApiKey) -> Call[MadeApiKey]:
    """Make an API key."""
    return _post(MadeApiKey, "/v1/keys", key, repeatable=False)


def keys() -> Call[Page[ApiKeyView]]:
    """List API keys."""
    return _page(Page[ApiKeyView], "/v1/keys")


def revoke_key(name: str) -> Call[None]:
    """Revoke an API key."""
    return Call(answer=None, method="DELETE", path=f"/v1/keys/{name}")


def quarantine(kind: QuarantineKind) -> Call[Page[QuarantineView]]:
    """List what was set aside."""
    return _page(Page[QuarantineView], "/v1/quarantine", kind=kind.value)


def release(kind: QuarantineKind, ids: Sequence[UUID]) -> Call[ReleaseResult]:
    """Try again what was set aside."""
    body = ReleaseRequest(kind=kind, ids=tuple(ids))
    return _post(ReleaseResult, "/v1/quarantine/release", body)


def execute(request: ExecuteRequest) -> Call[ExecuteResponse]:
    """Have programs labelled while one waits."""
    patience = request.wait_seconds + _ANSWER_SECONDS
    return _post(ExecuteResponse, "/v1/execute", request, timeout=patience)


def get_group(group_id: UUID) -> Call[GroupView]:
    """Read a group."""
    return _get(GroupView, f"/v1/groups/{group_id}")


def groups(problem_id: UUID | None = None, newest_first: bool = False) -> Call[Page[GroupView]]:
    """List groups, all or those of one problem."""
    only = {} if problem_id is None else {"problem_id": str(problem_id)}
    if newest_first:
        only["newest_first"] = "true"
    return _page(Page[GroupView], "/v1/groups", **only)


def these_groups(ids: Sequence[UUID]) -> Call[Page[GroupView]]:
    """List groups by their ids."""
    return _page(Page[GroupView], "/v1/groups", id=[str(group_id) for group_id in ids])


def candidates(group_id: UUID) -> Call[Page[CandidateView]]:
    """List the candidates of a group."""
    return _page(Page[CandidateView], f"/v1/groups/{group_id}/candidates")


def get_candidate(candidate_id: UUID) -> Call[CandidateDetail]:
    """Read a candidate."""
    return _get(CandidateDetail, f"/v1/candidates/{candidate_id}")


def get_ranking(group_id: UUID, training_batch_id: UUID | None = None) -> Call[RankingView]:
    """Read the ranking of a group, or the one that a training batch was made of."""
    named = {"training_batch_id": str(training_batch_id)} if training_batch_id else {}
    return _get(RankingView, f"/v1/groups/{group_id}/ranking", **named)


def ranked_groups(
    policy: str | None = None, integrity: Integrity | None = None
) -> Call[Page[RankedGroupView]]:
    """List ranked groups with their programs, of all policies or of one, by integrity if asked."""
    only = {"policy": policy, "integrity": integrity}
    asked = {name: value for name, value in only.items() if value is not None}
    return _page(Page[RankedGroupView], "/v1/ranked-groups", limit="50", **asked)


def training_batches() -> Call[Page[TrainingBatchView]]:
    """List training batches."""
    return _page(Page[TrainingBatchView], "/v1/training-batches")


def get_training_batch(batch_id: UUID) -> Call[TrainingBatchView]:
    """Read a training batch."""
    return _get(TrainingBatchView, f"/v1/training-batches/{batch_id}")


def checkpoints(policy: str) -> Call[Page[CheckpointView]]:
    """List the checkpoints of a policy."""
    return _page(Page[CheckpointView], f"/v1/policies/{policy}/checkpoints")


def record_evaluation(found: NewEvaluation) -> Call[EvaluationView]:
    """Say what was found of a checkpoint."""
    return _post(EvaluationView, "/v1/evaluations", found)


def evaluations(policy: str) -> Call[Page[EvaluationView]]:
    """List what was found of the checkpoints of a policy."""
    return _page(Page[EvaluationView], f"/v1/policies/{policy}/evaluations")


def get_checkpoint(checkpoint_id: UUID) -> Call[CheckpointView]:
    """Read a checkpoint."""
    return _get(CheckpointView, f"/v1/checkpoints/{checkpoint_id}")


def endpoints() -> Call[Page[EndpointView]]:
    """List the model servers that were asked."""
    return _whole(Page[EndpointView], "/v1/endpoints")


def teachers() -> Call[Page[TeacherView]]:
    """List teachers."""
    return _whole(Page[TeacherView], "/v1/teachers")


def models(k: Sequence[int]) -> Call[Models]:
    """Give pass@k by model and set of problems."""
    return _get(Models, "/v1/models", k=[str(one) for one in k])


def comparison(before: str, after: str, problem_set: str) -> Call[ModelComparison]:
    """Compare two models on the problems that both have candidates for."""
    return _get(
        ModelComparison, "/v1/comparison", before=before, after=after, problem_set=problem_set
    )


def slow(hours: float, limit: int) -> Call[SlowWork]:
    """Name what took the executors' time."""
    return _get(SlowWork, "/v1/slow", hours=str(hours), limit=str(limit))


def stats() -> Call[Stats]:
    """Count everything."""
    return _get(Stats, "/v1/stats")


def live() -> Call[Live]:
    """Say what waits at each step, and who is at work."""
    return _get(Live, "/v1/live")
