"""The trainer's side of the lease API."""

import random
import threading

import httpx
from pydantic import BaseModel

from infra import errors
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    LeaseRequest,
    LeaseResponse,
)
from infra.contracts.views.api import CheckpointView, CompleteResponse, Page, PolicyView
from infra.contracts.views.evaluations import EvaluationView
from infra.observability import logs

log = logs.get(__name__)

_LONGEST_PAUSE_SECONDS = 15.0
_ANSWERS = (
    errors.PolicyBusy,
    errors.LeaseLost,
    errors.Conflict,
    errors.Unauthorized,
    errors.Forbidden,
    errors.NotFound,
)


class Stopped(Exception):
    """The trainer was told to stop while it waited for the API."""


class LeaseClient:
    """Speaks to the lease API; waits, with growing pauses, while the API is away."""

    def __init__(self, url: str, key: str | None, stop: threading.Event) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=url, headers=headers, timeout=60.0, trust_env=False)
        self._stop = stop

    def lease(self, request: LeaseRequest) -> LeaseResponse:
        """Lease batches; an empty answer means that there is nothing yet.

        Raises:
            errors.PolicyBusy: another trainer holds batches of the policy.
        """
        return LeaseResponse.model_validate_json(
            self._post("/v1/training-batches/lease", request).content
        )

    def heartbeat(self, request: HeartbeatRequest) -> None:
        """Extend leases.

        Raises:
            errors.LeaseLost: one of them was taken over.
        """
        self._post("/v1/training-batches/heartbeat", request)

    def complete(self, request: CompleteRequest) -> CompleteResponse:
        """Record batches as trained; safe to repeat after a lost answer.

        Raises:
            errors.LeaseLost: one of the leases was taken over.
            errors.Conflict: another trainer has gone further.
        """
        return CompleteResponse.model_validate_json(
            self._post("/v1/training-batches/complete", request).content
        )

    def newest_checkpoint(self, policy: str) -> CheckpointView | None:
        """Return the newest recorded checkpoint of a policy, or None before the first."""
        response = self._request("GET", f"/v1/policies/{policy}/checkpoints?limit=1", None)
        if response.status_code == 404:
            return None
        self._raise_for(response)
        page = Page[CheckpointView].model_validate_json(response.content)
        return page.items[0] if page.items else None

    def policy(self, policy: str) -> PolicyView | None:
        """Return a policy with its best checkpoint, or None before the first group."""
        response = self._request("GET", f"/v1/policies/{policy}", None)
        if response.status_code == 404:
            return None
        self._raise_for(response)
        return PolicyView.model_validate_json(response.content)

    def evaluations(self, policy: str) -> tuple[EvaluationView, ...]:
        """Return what evaluators have found of the newest checkpoints, newest first."""
        response = self._request("GET", f"/v1/policies/{policy}/evaluations?limit=100", None)
        if response.status_code == 404:
            return ()
        self._raise_for(response)
        return Page[EvaluationView].model_validate_json(response.content).items

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _post(self, path: str, body: BaseModel) -> httpx.Response:
        response = self._request("POST", path, body)
        self._raise_for(response)
        return response

    def _request(self, method: str, path: str, body: BaseModel | None) -> httpx.Response:
        attempt = 0
        while True:
            try:
                response = self._http.request(
                    method,
                    path,
                    content=None if body is None else body.model_dump_json(),
                    headers={"Content-Type": "application/json"},
                )
                if response.status_code < 500:
                    return response
                reason = f"status {response.status_code}"
            except httpx.TransportError as error:
                reason = type(error).__name__
            pause = min(0.5 * 2**attempt, _LONGEST_PAUSE_SECONDS)
            pause *= random.uniform(0.5, 1.0)  # noqa: S311 - spreads trainers out, hides nothing
            log.warning("api.away", path=path, reason=reason, pause_seconds=round(pause, 2))
            if self._stop.wait(pause):
                raise Stopped
            attempt += 1

    @staticmethod
    def _raise_for(response: httpx.Response) -> None:
        if response.is_success:
            return
        try:
            body = response.json()
            code, detail = body["code"], body["detail"]
        except (ValueError, KeyError, TypeError):
            code, detail = "", f"the API answered {response.status_code}"
        for kind in _ANSWERS:
            if code == kind.code:
                raise kind(detail)
        raise errors.SuiteError(detail)
