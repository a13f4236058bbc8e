"""The client for threads: typed, and patient with a server that restarts.

`make client-source` writes it from `asynchronous.py`: change that.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID

import httpx

from infra import errors
from infra.contracts.base import Integrity
from infra.contracts.candidates import NewGroup
from infra.contracts.inline import ExecuteRequest, ExecuteResponse
from infra.contracts.problems import Problem
from infra.contracts.views.api import (
    ApiKeyView,
    BulkGroup,
    BulkGroupResult,
    BulkResult,
    CandidateDetail,
    CandidateView,
    CheckAgain,
    CheckpointView,
    GroupView,
    Health,
    MadeApiKey,
    NewApiKey,
    Page,
    ProblemSummary,
    ProblemView,
    QuarantineKind,
    QuarantineView,
    RankedGroupView,
    RankingView,
    ReleaseResult,
    Stats,
    TrainingBatchView,
)
from infra.contracts.views.dashboard import Live, ModelComparison, Models
from infra.contracts.views.evaluations import EvaluationView, NewEvaluation
from infra.contracts.views.sampling import EndpointView, TeacherView
from infra.contracts.views.slow import SlowWork
from services.client import calls
from services.client.calls import Call
from services.client.listening import MOST_BREAKS, Event, Listener, pause_after
from services.client.sending import Outcome, Send, Sleep, headers_of, perform, trusted
from services.client.submission import AllCandidates, Finished, submission

Answer = TypeVar("Answer")
Item = TypeVar("Item")


class Client:
    """Speaks to one REST API; safe to use from several threads.

    Raises:
        errors.ConfigurationError: the address is none.
        errors.Unavailable: any call, when the server cannot be reached.
    """

    def __init__(
        self,
        url: str,
        key: str | None = None,
        timeout_seconds: float = 60.0,
        waits_for_room: bool = True,
        waits_for_server: bool = True,
    ) -> None:
        """Open it.

        `waits_for_room` makes it wait where the server's queue is full, not raise. Unless it
        `waits_for_server`, it raises at once where nobody listens, until somebody has answered.
        """
        self._waits_for_room = waits_for_room
        self._waits_for_server = waits_for_server
        # The address is the user's own; a proxy of the environment has no business in between.
        try:
            self._http = httpx.Client(
                base_url=url,
                headers=headers_of(key),
                timeout=timeout_seconds,
                trust_env=False,
                verify=trusted(),
            )
        except httpx.InvalidURL as error:
            raise errors.ConfigurationError(f"the API's address {url!r}: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    @property
    def url(self) -> str:
        """Address of the API, without a slash at its end."""
        return str(self._http.base_url).rstrip("/")

    def add_problem(self, problem: Problem, mutants: int = 0) -> ProblemView:
        """Store a problem; the same one again is no error.

        An executor checks its tests, and how strong they are by so many `mutants` at most.
        """
        return self._perform(calls.add_problem(problem, mutants))

    def add_problems(self, problems: Sequence[Problem], mutants: int = 0) -> BulkResult:
        """Store many problems, each for itself, as `add_problem` does."""
        return self._perform(calls.add_problems(problems, mutants))

    def check_again(self, problem_id: UUID, mutants: int = 0) -> None:
        """Have an executor check a problem once more."""
        self._perform(calls.check_again(problem_id, CheckAgain(mutants=mutants)))

    def find_problem(self, slug: str) -> ProblemSummary:
        """Find a problem by its name.

        Raises:
            errors.NotFound: there is none of that name.
        """
        page = self._perform(calls.find_problem(slug))
        return calls.only_problem(page, slug)

    def find_problem_with_tests(self, name: str) -> ProblemView:
        """Find a problem by its name or its id, with all there is to it.

        Raises:
            errors.NotFound: there is none of that name.
        """
        try:
            return self.get_problem(UUID(name))
        except ValueError:
            found = self.find_problem(name)
            return self.get_problem(found.id)

    def get_problem(self, problem_id: UUID) -> ProblemView:
        """Return a problem with its tests."""
        return self._perform(calls.get_problem(problem_id))

    def problems(self) -> Iterator[ProblemSummary]:
        """Iterate over all problems, oldest first."""
        yield from self._pages(calls.problems())

    def create_group(self, problem_id: UUID, group: NewGroup) -> GroupView:
        """Hand in candidates, ask for samples, or both."""
        return self._perform(calls.create_group(problem_id, group))

    def create_groups(self, groups: Sequence[BulkGroup]) -> BulkGroupResult:
        """Store many groups at once; one whose problem is unknown stops no other."""
        return self._perform(calls.create_groups(groups))

    def submit(self, groups: Iterable[BulkGroup]) -> Iterator[Finished]:
        """Hand in groups as they are read, and yield each as soon as it is ranked."""
        steps = submission(groups)
        answer: Any = None
        while True:
            try:
                step = steps.send(answer)
            except StopIteration:
                return
            if isinstance(step, Finished):
                answer = yield step
            elif isinstance(step, Sleep):
                time.sleep(step.seconds)
                answer = None
            elif isinstance(step, AllCandidates):
                answer = tuple([item for item in self._pages(step.first)])
            else:
                answer = self._perform(step)

    def create_key(self, key: NewApiKey) -> MadeApiKey:
        """Make an API key; the answer alone holds it."""
        return self._perform(calls.create_key(key))

    def keys(self) -> Iterator[ApiKeyView]:
        """Iterate over all API keys, oldest first."""
        yield from self._pages(calls.keys())

    def revoke_key(self, name: str) -> None:
        """Revoke an API key."""
        self._perform(calls.revoke_key(name))

    def quarantine(self, kind: QuarantineKind) -> Iterator[QuarantineView]:
        """Iterate over what was set aside, oldest first."""
        yield from self._pages(calls.quarantine(kind))

    def release(self, kind: QuarantineKind, ids: Sequence[UUID]) -> ReleaseResult:
        """Try again what was set aside; what cannot be is kept, with the reason."""
        return self._perform(calls.release(kind, ids))

    def execute(self, request: ExecuteRequest) -> ExecuteResponse:
        """Have programs labelled and wait for the labels; nothing is stored.

        Raises:
            errors.QueueFull: too much of this is under way, and the client does not wait for room.
        """
        return self._perform(calls.execute(request))

    def get_group(self, group_id: UUID) -> GroupView:
        """Return a group and how far it is."""
        return self._perform(calls.get_group(group_id))

    def groups(
        self, problem_id: UUID | None = None, newest_first: bool = False
    ) -> Iterator[GroupView]:
        """Iterate over all groups, or over those of one problem, oldest first if not told else."""
        yield from self._pages(calls.groups(problem_id, newest_first))

    def groups_by_id(self, ids: Sequence[UUID]) -> tuple[GroupView, ...]:
        """Return some groups, a hundred at most; those that are not there are left out."""
        page = self._perform(calls.these_groups(ids))
        return page.items

    def group_events(self, group_id: UUID, wait_seconds: float = float("inf")) -> Iterator[Event]:
        """Yield each candidate of a group once it is labelled or set aside, and then the ranking.

        Raises:
            errors.NotFound: there is no such group.
            errors.NotInTime: the ranking has not come within `wait_seconds`.
        """
        listener, breaks = Listener(f"/v1/groups/{group_id}/events", wait_seconds), 0
        while True:
            reason, patience = "the stream ended early", listener.patience(self._http.timeout)
            try:
                with self._http.stream(
                    "GET", listener.path, headers=listener.headers(), timeout=patience
                ) as response:
                    if not response.is_success:
                        response.read()
                        listener.refuse(response)
                    for line in response.iter_lines():
                        for event in listener.take(line):
                            breaks = 0
                            yield event
                        if not listener.is_over:
                            listener.left()
            except httpx.TransportError as error:
                reason = str(error)
            if listener.is_over:
                return
            breaks += 1
            if breaks == MOST_BREAKS:
                raise errors.Unavailable(f"the API is not reachable: {reason}")
            time.sleep(min(pause_after(breaks), listener.left()))

    def candidates(self, group_id: UUID) -> tuple[CandidateView, ...]:
        """Return the candidates of a group."""
        return tuple([item for item in self._pages(calls.candidates(group_id))])

    def get_candidate(self, candidate_id: UUID) -> CandidateDetail:
        """Return a candidate with its program and every test's outcome."""
        return self._perform(calls.get_candidate(candidate_id))

    def get_ranking(self, group_id: UUID, training_batch_id: UUID | None = None) -> RankingView:
        """Return the ranking of a group, or the one that a training batch was made of.

        Raises:
            errors.NotFound: there is none, or none yet.
        """
        return self._perform(calls.get_ranking(group_id, training_batch_id))

    def ranked_groups(
        self, policy: str | None = None, integrity: Integrity | None = None
    ) -> Iterator[RankedGroupView]:
        """Iterate over ranked groups with all their programs, in the order of ranking.

        `integrity`: only those of which no label is shared, or only the others.
        """
        yield from self._pages(calls.ranked_groups(policy, integrity))

    def training_batches(self) -> Iterator[TrainingBatchView]:
        """Iterate over all training batches, oldest first."""
        yield from self._pages(calls.training_batches())

    def get_training_batch(self, batch_id: UUID) -> TrainingBatchView:
        """Return a training batch."""
        return self._perform(calls.get_training_batch(batch_id))

    def checkpoints(self, policy: str) -> tuple[CheckpointView, ...]:
        """Return the checkpoints of a policy, newest first."""
        return tuple([item for item in self._pages(calls.checkpoints(policy))])

    def record_evaluation(self, found: NewEvaluation) -> EvaluationView:
        """Say what was found of a checkpoint, or that it is being evaluated; safe to repeat."""
        return self._perform(calls.record_evaluation(found))

    def evaluations(self, policy: str) -> tuple[EvaluationView, ...]:
        """Return what was found of the checkpoints of a policy, newest version first."""
        return tuple([item for item in self._pages(calls.evaluations(policy))])

    def get_checkpoint(self, checkpoint_id: UUID) -> CheckpointView:
        """Return a checkpoint and the batches that made it."""
        return self._perform(calls.get_checkpoint(checkpoint_id))

    def endpoints(self) -> tuple[EndpointView, ...]:
        """Return the model servers that were asked, with requests, tokens and cost."""
        return tuple([item for item in self._pages(calls.endpoints())])

    def teachers(self) -> tuple[TeacherView, ...]:
        """Return the teachers and how often their best program beats the students' best."""
        return tuple([item for item in self._pages(calls.teachers())])

    def models(self, k: Sequence[int] = (1, 10)) -> Models:
        """Return pass@k by model and set of problems, over the newest labelled candidates."""
        return self._perform(calls.models(k))

    def comparison(self, before: str, after: str, problem_set: str = "") -> ModelComparison:
        """Say how much more often one model is right than another on problems that both have.

        Raises:
            errors.NotFound: there is no such problem.
        """
        return self._perform(calls.comparison(before, after, problem_set))

    def slow(self, hours: float = 24.0, limit: int = 10) -> SlowWork:
        """Return what took the executors' time over the last hours, hangs first."""
        return self._perform(calls.slow(hours, limit))

    def live(self) -> Live:
        """Return what waits at each step, and who is at work, some seconds ago at most."""
        return self._perform(calls.live())

    def stats(self) -> Stats:
        """Return counts over everything."""
        return self._perform(calls.stats())

    def is_ready(self) -> bool:
        """Tell whether the server and all it needs are there."""
        return (self.health()).status == "ready"

    def health(self) -> Health:
        """Say what the server finds of what it needs, asked once."""
        try:
            response = self._http.get("/readyz", timeout=5)
            return Health.model_validate(response.json())
        except (httpx.HTTPError, ValueError) as error:
            return Health(status=f"no answer: {error}")

    def _pages(self, first: Call[Page[Item]]) -> Iterator[Item]:
        call: Call[Page[Item]] | None = first
        while call is not None:
            page = self._perform(call)
            yield from page.items
            call = calls.next_page(call, page)

    def _perform(self, call: Call[Answer]) -> Answer:
        dialogue = perform(self._http, call, self._waits_for_room)
        outcome: Outcome = None
        while True:
            try:
                step = dialogue.send(outcome)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            outcome = self._do(step)

    def _do(self, step: Send | Sleep) -> Outcome:
        if isinstance(step, Sleep):
            time.sleep(step.seconds)
            return None
        try:
            response = self._http.send(step.request)
        except httpx.TransportError as error:
            if isinstance(error, httpx.ConnectError) and not self._waits_for_server:
                raise errors.Unreachable(
                    f"the API at {self._http.base_url} is not reachable: {error}"
                ) from error
            return error
        self._waits_for_server = True
        return response
