"""The client for event loops: typed, and patient with a server that restarts.

`make client-source` writes that for threads, `synchronous.py`, from this file.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
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


class AsyncClient:
    """Speaks to one REST API; for one event loop.

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
            self._http = httpx.AsyncClient(
                base_url=url,
                headers=headers_of(key),
                timeout=timeout_seconds,
                trust_env=False,
                verify=trusted(),
            )
        except httpx.InvalidURL as error:
            raise errors.ConfigurationError(f"the API's address {url!r}: {error}") from None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    @property
    def url(self) -> str:
        """Address of the API, without a slash at its end."""
        return str(self._http.base_url).rstrip("/")

    async def add_problem(self, problem: Problem, mutants: int = 0) -> ProblemView:
        """Store a problem; the same one again is no error.

        An executor checks its tests, and how strong they are by so many `mutants` at most.
        """
        return await self._perform(calls.add_problem(problem, mutants))

    async def add_problems(self, problems: Sequence[Problem], mutants: int = 0) -> BulkResult:
        """Store many problems, each for itself, as `add_problem` does."""
        return await self._perform(calls.add_problems(problems, mutants))

    async def check_again(self, problem_id: UUID, mutants: int = 0) -> None:
        """Have an executor check a problem once more."""
        await self._perform(calls.check_again(problem_id, CheckAgain(mutants=mutants)))

    async def find_problem(self, slug: str) -> ProblemSummary:
        """Find a problem by its name.

        Raises:
            errors.NotFound: there is none of that name.
        """
        page = await self._perform(calls.find_problem(slug))
        return calls.only_problem(page, slug)

    async def find_problem_with_tests(self, name: str) -> ProblemView:
        """Find a problem by its name or its id, with all there is to it.

        Raises:
            errors.NotFound: there is none of that name.
        """
        try:
            return await self.get_problem(UUID(name))
        except ValueError:
            found = await self.find_problem(name)
            return await self.get_problem(found.id)

    async def get_problem(self, problem_id: UUID) -> ProblemView:
        """Return a problem with its tests."""
        return await self._perform(calls.get_problem(problem_id))

    async def problems(self) -> AsyncIterator[ProblemSummary]:
        """Iterate over all problems, oldest first."""
        async for item in self._pages(calls.problems()):
            yield item

    async def create_group(self, problem_id: UUID, group: NewGroup) -> GroupView:
        """Hand in candidates, ask for samples, or both."""
        return await self._perform(calls.create_group(problem_id, group))

    async def create_groups(self, groups: Sequence[BulkGroup]) -> BulkGroupResult:
        """Store many groups at once; one whose problem is unknown stops no other."""
        return await self._perform(calls.create_groups(groups))

    async def submit(self, groups: Iterable[BulkGroup]) -> AsyncIterator[Finished]:
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
                await asyncio.sleep(step.seconds)
                answer = None
            elif isinstance(step, AllCandidates):
                answer = tuple([item async for item in self._pages(step.first)])
            else:
                answer = await self._perform(step)

    async def create_key(self, key: NewApiKey) -> MadeApiKey:
        """Make an API key; the answer alone holds it."""
        return await self._perform(calls.create_key(key))

    async def keys(self) -> AsyncIterator[ApiKeyView]:
        """Iterate over all API keys, oldest first."""
        async for item in self._pages(calls.keys()):
            yield item

    async def revoke_key(self, name: str) -> None:
        """Revoke an API key."""
        await self._perform(calls.revoke_key(name))

    async def quarantine(self, kind: QuarantineKind) -> AsyncIterator[QuarantineView]:
        """Iterate over what was set aside, oldest first."""
        async for item in self._pages(calls.quarantine(kind)):
            yield item

    async def release(self, kind: QuarantineKind, ids: Sequence[UUID]) -> ReleaseResult:
        """Try again what was set aside; what cannot be is kept, with the reason."""
        return await self._perform(calls.release(kind, ids))

    async def execute(self, request: ExecuteRequest) -> ExecuteResponse:
        """Have programs labelled and wait for the labels; nothing is stored.

        Raises:
            errors.QueueFull: too much of this is under way, and the client does not wait for room.
        """
        return await self._perform(calls.execute(request))

    async def get_group(self, group_id: UUID) -> GroupView:
        """Return a group and how far it is."""
        return await self._perform(calls.get_group(group_id))

    async def groups(
        self, problem_id: UUID | None = None, newest_first: bool = False
    ) -> AsyncIterator[GroupView]:
        """Iterate over all groups, or over those of one problem, oldest first if not told else."""
        async for item in self._pages(calls.groups(problem_id, newest_first)):
            yield item

    async def groups_by_id(self, ids: Sequence[UUID]) -> tuple[GroupView, ...]:
        """Return some groups, a hundred at most; those that are not there are left out."""
        page = await self._perform(calls.these_groups(ids))
        return page.items

    async def group_events(
        self, group_id: UUID, wait_seconds: float = float("inf")
    ) -> AsyncIterator[Event]:
        """Yield each candidate of a group once it is labelled or set aside, and then the ranking.

        Raises:
            errors.NotFound: there is no such group.
            errors.NotInTime: the ranking has not come within `wait_seconds`.
        """
        listener, breaks = Listener(f"/v1/groups/{group_id}/events", wait_seconds), 0
        while True:
            reason, patience = "the stream ended early", listener.patience(self._http.timeout)
            try:
                async with self._http.stream(
                    "GET", listener.path, headers=listener.headers(), timeout=patience
                ) as response:
                    if not response.is_success:
                        await response.aread()
                        listener.refuse(response)
                    async for line in response.aiter_lines():
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
            await asyncio.sleep(min(pause_after(breaks), listener.left()))

    async def candidates(self, group_id: UUID) -> tuple[CandidateView, ...]:
        """Return the candidates of a group."""
        return tuple([item async for item in self._pages(calls.candidates(group_id))])

    async def get_candidate(self, candidate_id: UUID) -> CandidateDetail:
        """Return a candidate with its program and every test's outcome."""
        return await self._perform(calls.get_candidate(candidate_id))

    async def get_ranking(
        self, group_id: UUID, training_batch_id: UUID | None = None
    ) -> RankingView:
        """Return the ranking of a group, or the one that a training batch was made of.

        Raises:
            errors.NotFound: there is none, or none yet.
        """
        return await self._perform(calls.get_ranking(group_id, training_batch_id))

    async def ranked_groups(
        self, policy: str | None = None, integrity: Integrity | None = None
    ) -> AsyncIterator[RankedGroupView]:
        """Iterate over ranked groups with all their programs, in the order of ranking.

        `integrity`: only those of which no label is shared, or only the others.
        """
        async for item in self._pages(calls.ranked_groups(policy, integrity)):
            yield item

    async def training_batches(self) -> AsyncIterator[TrainingBatchView]:
        """Iterate over all training batches, oldest first."""
        async for item in self._pages(calls.training_batches()):
            yield item

    async def get_training_batch(self, batch_id: UUID) -> TrainingBatchView:
        """Return a training batch."""
        return await self._perform(calls.get_training_batch(batch_id))

    async def checkpoints(self, policy: str) -> tuple[CheckpointView, ...]:
        """Return the checkpoints of a policy, newest first."""
        return tuple([item async for item in self._pages(calls.checkpoints(policy))])

    async def record_evaluation(self, found: NewEvaluation) -> EvaluationView:
        """Say what was found of a checkpoint, or that it is being evaluated; safe to repeat."""
        return await self._perform(calls.record_evaluation(found))

    async def evaluations(self, policy: str) -> tuple[EvaluationView, ...]:
        """Return what was found of the checkpoints of a policy, newest version first."""
        return tuple([item async for item in self._pages(calls.evaluations(policy))])

    async def get_checkpoint(self, checkpoint_id: UUID) -> CheckpointView:
        """Return a checkpoint and the batches that made it."""
        return await self._perform(calls.get_checkpoint(checkpoint_id))

    async def endpoints(self) -> tuple[EndpointView, ...]:
        """Return the model servers that were asked, with requests, tokens and cost."""
        return tuple([item async for item in self._pages(calls.endpoints())])

    async def teachers(self) -> tuple[TeacherView, ...]:
        """Return the teachers and how often their best program beats the students' best."""
        return tuple([item async for item in self._pages(calls.teachers())])

    async def models(self, k: Sequence[int] = (1, 10)) -> Models:
        """Return pass@k by model and set of problems, over the newest labelled candidates."""
        return await self._perform(calls.models(k))

    async def comparison(self, before: str, after: str, problem_set: str = "") -> ModelComparison:
        """Say how much more often one model is right than another on problems that both have.

        Raises:
            errors.NotFound: there is no such problem.
        """
        return await self._perform(calls.comparison(before, after, problem_set))

    async def slow(self, hours: float = 24.0, limit: int = 10) -> SlowWork:
        """Return what took the executors' time over the last hours, hangs first."""
        return await self._perform(calls.slow(hours, limit))

    async def live(self) -> Live:
        """Return what waits at each step, and who is at work, some seconds ago at most."""
        return await self._perform(calls.live())

    async def stats(self) -> Stats:
        """Return counts over everything."""
        return await self._perform(calls.stats())

    async def is_ready(self) -> bool:
        """Tell whether the server and all it needs are there."""
        return (await self.health()).status == "ready"

    async def health(self) -> Health:
        """Say what the server finds of what it needs, asked once."""
        try:
            response = await self._http.get("/readyz", timeout=5)
            return Health.model_validate(response.json())
        except (httpx.HTTPError, ValueError) as error:
            return Health(status=f"no answer: {error}")

    async def _pages(self, first: Call[Page[Item]]) -> AsyncIterator[Item]:
        call: Call[Page[Item]] | None = first
        while call is not None:
            page = await self._perform(call)
            for item in page.items:
                yield item
            call = calls.next_page(call, page)

    async def _perform(self, call: Call[Answer]) -> Answer:
        dialogue = perform(self._http, call, self._waits_for_room)
        outcome: Outcome = None
        while True:
            try:
                step = dialogue.send(outcome)
            except StopIteration as end:
                answer: Answer = end.value
                return answer
            outcome = await self._do(step)

    async def _do(self, step: Send | Sleep) -> Outcome:
        if isinstance(step, Sleep):
            await asyncio.sleep(step.seconds)
            return None
        try:
            response = await self._http.send(step.request)
        except httpx.TransportError as error:
            if isinstance(error, httpx.ConnectError) and not self._waits_for_server:
                raise errors.Unreachable(
                    f"the API at {self._http.base_url} is not reachable: {error}"
                ) from error
            return error
        self._waits_for_server = True
        return response
