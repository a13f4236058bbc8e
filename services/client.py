"""The client of the REST API: typed, and patient with a server that restarts."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar
from uuid import UUID, uuid4

import httpx
from pydantic import BaseModel, ValidationError

from infra import errors
from infra.contracts.api import (
    ApiKeyView,
    BulkGroup,
    BulkGroupResult,
    BulkGroups,
    BulkResult,
    CandidateDetail,
    CandidateView,
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
    ReleaseRequest,
    ReleaseResult,
    Stats,
    TrainingBatchView,
)
from infra.contracts.candidates import NewGroup
from infra.contracts.direct import ExecuteRequest, ExecuteResponse
from infra.contracts.problems import Problem

_ATTEMPTS = 6
_ANSWER_SECONDS = 30.0
"""Longest an answer may take beyond the wait that was asked for."""
_BY_CODE: dict[str, type[errors.SuiteError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInput,
        errors.NotFound,
        errors.Conflict,
        errors.Forbidden,
        errors.IdempotencyMismatch,
        errors.LeaseLost,
        errors.QueueFull,
        errors.RateLimited,
        errors.NotInTime,
        errors.Unauthorized,
        errors.PayloadTooLarge,
        errors.Unavailable,
    )
}

View = TypeVar("View", bound=BaseModel)


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
    ) -> None:
        """Open it; `waits_for_room` makes it wait where the server's queue is full, not raise."""
        self._waits_for_room = waits_for_room
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        # The address is the user's own; a proxy of the environment has no business in between.
        try:
            self._http = httpx.Client(
                base_url=url, headers=headers, timeout=timeout_seconds, trust_env=False
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
        self._http.close()

    def add_problem(self, problem: Problem) -> ProblemView:
        """Store a problem; the same one again is no error."""
        return self._send(ProblemView, "POST", "/v1/problems", problem)

    def add_problems(self, problems: Sequence[Problem]) -> BulkResult:
        """Store many problems, each for itself."""
        body = {"problems": [problem.model_dump(mode="json") for problem in problems]}
        return self._send(BulkResult, "POST", "/v1/problems/bulk", body)

    def find_problem(self, slug: str) -> ProblemSummary:
        """Find a problem by its name.

        Raises:
            errors.NotFound: there is none of that name.
        """
        page = self._send(Page[ProblemSummary], "GET", "/v1/problems", params={"slug": slug})
        if not page.items:
            raise errors.NotFound(f"there is no problem {slug!r}; import it first")
        return page.items[0]

    def find_problem_with_tests(self, name: str) -> ProblemView:
        """Find a problem by its name or its id, with all there is to it.

        Raises:
            errors.NotFound: there is none of that name.
        """
        try:
            return self.get_problem(UUID(name))
        except ValueError:
            return self.get_problem(self.find_problem(name).id)

    def get_problem(self, problem_id: UUID) -> ProblemView:
        """Return a problem with its tests."""
        return self._send(ProblemView, "GET", f"/v1/problems/{problem_id}")

    def problems(self) -> Iterator[ProblemSummary]:
        """Iterate over all problems, oldest first."""
        yield from self._pages(Page[ProblemSummary], "/v1/problems")

    def create_group(self, problem_id: UUID, group: NewGroup) -> GroupView:
        """Hand in candidates, ask for samples, or both."""
        path = f"/v1/problems/{problem_id}/groups"
        return self._send(GroupView, "POST", path, group, once=True)

    def create_groups(self, groups: Sequence[BulkGroup]) -> BulkGroupResult:
        """Store many groups at once; one whose problem is unknown stops no other."""
        bulk = BulkGroups(groups=tuple(groups))
        return self._send(BulkGroupResult, "POST", "/v1/groups/bulk", bulk, once=True)

    def create_key(self, key: NewApiKey) -> MadeApiKey:
        """Make an API key; only this answer shows it."""
        return self._send(MadeApiKey, "POST", "/v1/keys", key, repeatable=False)

    def keys(self) -> Iterator[ApiKeyView]:
        """Iterate over all API keys, oldest first."""
        yield from self._pages(Page[ApiKeyView], "/v1/keys")

    def revoke_key(self, name: str) -> None:
        """Revoke an API key."""
        self._request("DELETE", f"/v1/keys/{name}")

    def quarantine(self, kind: QuarantineKind) -> Iterator[QuarantineView]:
        """Iterate over what was set aside, oldest first."""
        only = {"kind": kind.value}
        yield from self._pages(Page[QuarantineView], "/v1/quarantine", only)

    def release(self, kind: QuarantineKind, ids: Sequence[UUID]) -> ReleaseResult:
        """Try again what was set aside.

        Raises:
            errors.Conflict: a group's ranking is in a training batch already.
        """
        request = ReleaseRequest(kind=kind, ids=tuple(ids))
        return self._send(ReleaseResult, "POST", "/v1/quarantine/release", request)

    def execute(self, request: ExecuteRequest) -> ExecuteResponse:
        """Have programs labelled and wait for the labels; nothing is stored.

        Raises:
            errors.QueueFull: too much of this is under way, and the client does not wait for room.
        """
        patience = request.wait_seconds + _ANSWER_SECONDS
        return self._send(ExecuteResponse, "POST", "/v1/execute", request, timeout=patience)

    def get_group(self, group_id: UUID) -> GroupView:
        """Return a group and how far it is."""
        return self._send(GroupView, "GET", f"/v1/groups/{group_id}")

    def groups(self, problem_id: UUID | None = None) -> Iterator[GroupView]:
        """Iterate over all groups, or over those of one problem, oldest first."""
        only = {} if problem_id is None else {"problem_id": str(problem_id)}
        yield from self._pages(Page[GroupView], "/v1/groups", only)

    def candidates(self, group_id: UUID) -> tuple[CandidateView, ...]:
        """Return the candidates of a group."""
        path = f"/v1/groups/{group_id}/candidates"
        return tuple(self._pages(Page[CandidateView], path))

    def get_candidate(self, candidate_id: UUID) -> CandidateDetail:
        """Return a candidate with its program and every test's outcome."""
        return self._send(CandidateDetail, "GET", f"/v1/candidates/{candidate_id}")

    def get_ranking(self, group_id: UUID) -> RankingView:
        """Return the ranking of a group.

        Raises:
            errors.NotFound: it has none yet.
        """
        return self._send(RankingView, "GET", f"/v1/groups/{group_id}/ranking")

    def ranked_groups(self, policy: str | None = None) -> Iterator[RankedGroupView]:
        """Iterate over ranked groups with all their programs, in the order of ranking."""
        only = {"limit": "50"} | ({} if policy is None else {"policy": policy})
        yield from self._pages(Page[RankedGroupView], "/v1/ranked-groups", only)

    def training_batches(self) -> Iterator[TrainingBatchView]:
        """Iterate over all training batches, oldest first."""
        yield from self._pages(Page[TrainingBatchView], "/v1/training-batches")

    def checkpoints(self, policy: str) -> tuple[CheckpointView, ...]:
        """Return the checkpoints of a policy, newest first."""
        path = f"/v1/policies/{policy}/checkpoints"
        return tuple(self._pages(Page[CheckpointView], path))

    def get_checkpoint(self, checkpoint_id: UUID) -> CheckpointView:
        """Return a checkpoint and the batches that made it."""
        return self._send(CheckpointView, "GET", f"/v1/checkpoints/{checkpoint_id}")

    def stats(self) -> Stats:
        """Return counts over everything."""
        return self._send(Stats, "GET", "/v1/stats")

    def is_ready(self) -> bool:
        """Tell whether the server and all it needs are there."""
        try:
            response = self._http.get("/readyz", timeout=5)
            return response.status_code == 200 and bool(Health.model_validate(response.json()))
        except (httpx.HTTPError, ValueError):
            return False

    def _pages(
        self, kind: type[Page[View]], path: str, only: Mapping[str, str] | None = None
    ) -> Iterator[View]:
        params: dict[str, str] = {"limit": "500", **(only or {})}
        while True:
            page = self._send(kind, "GET", path, params=params)
            yield from page.items
            if page.next_cursor is None:
                return
            params["cursor"] = page.next_cursor

    def _send(
        self,
        kind: type[View],
        method: str,
        path: str,
        body: BaseModel | dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        repeatable: bool = True,
        once: bool = False,
        timeout: float | None = None,
    ) -> View:
        response = self._request(method, path, body, params, repeatable, once, timeout)
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise errors.SuiteError(
                f"{response.url} gave no answer of this API; is something else listening there?"
            ) from error

    def _request(
        self,
        method: str,
        path: str,
        body: BaseModel | dict[str, Any] | None = None,
        params: dict[str, str] | None = None,
        repeatable: bool = True,
        once: bool = False,
        timeout: float | None = None,
    ) -> httpx.Response:
        """Send a request until it is answered; `once` makes a repeat of it do no more."""
        content = None
        if body is not None:
            dumped = body.model_dump(mode="json") if isinstance(body, BaseModel) else body
            content = json.dumps(dumped).encode()  # ASCII, whatever characters a program holds.
        headers = {"Content-Type": "application/json"}
        if once:
            headers["Idempotency-Key"] = str(uuid4())
        attempt = 0
        while True:
            last = attempt == _ATTEMPTS - 1
            pause = min(0.2 * 2**attempt, 3.0)
            try:
                response = self._http.request(
                    method,
                    path,
                    content=content,
                    params=params,
                    headers=headers,
                    timeout=httpx.USE_CLIENT_DEFAULT if timeout is None else timeout,
                )
            except httpx.TransportError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if last or not (repeatable or unsent):
                    raise errors.Unavailable(f"the API is not reachable: {error}") from error
            else:
                if response.is_success:
                    return response
                if response.status_code == errors.QueueFull.status and self._waits_for_room:
                    # Nothing is wrong: the server works off what it has, however long that takes.
                    time.sleep(_retry_after(response))
                    continue
                if response.status_code != errors.Unavailable.status or last or not repeatable:
                    raise _error(response)
            time.sleep(pause)
            attempt += 1


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return min(float(given), 60.0) if given.isdecimal() else 5.0


def _error(response: httpx.Response) -> errors.SuiteError:
    try:
        body = response.json()
        kind = _BY_CODE.get(body["code"], errors.SuiteError)
        return kind(body["detail"])
    except (ValueError, KeyError, TypeError):
        return errors.SuiteError(f"the API answered {response.status_code} without a reason")
