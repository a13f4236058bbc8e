"""How a request is sent until it is answered: pure, the same for threads and for event loops.

A dialogue is a generator. It yields what is to be done, `Send` or `Sleep`, is sent what came of
that, and returns the answer.
"""

import functools
import json
import ssl
from collections.abc import Generator
from typing import NamedTuple, TypeVar
from uuid import uuid4

import httpx
from pydantic import BaseModel, ValidationError

from infra import errors
from services.client.calls import Call

_ATTEMPTS = 6
_LONGEST_PAUSE = 3.0
_BY_CODE: dict[str, type[errors.SuiteError]] = {
    kind.code: kind
    for kind in (
        errors.InvalidInput,
        errors.ProblemUnsound,
        errors.NotFound,
        errors.Conflict,
        errors.Forbidden,
        errors.IdempotencyMismatch,
        errors.LeaseLost,
        errors.QueueFull,
        errors.QuotaExceeded,
        errors.RateLimited,
        errors.NotInTime,
        errors.Unauthorized,
        errors.PayloadTooLarge,
        errors.Unavailable,
    )
}

Answer = TypeVar("Answer")


class Send(NamedTuple):
    """Send this request."""

    request: httpx.Request


class Sleep(NamedTuple):
    """Wait."""

    seconds: float


Outcome = httpx.Response | httpx.TransportError | None
"""What came of a step; None after a `Sleep`."""
Dialogue = Generator[Send | Sleep, Outcome, Answer]


@functools.cache
def trusted() -> ssl.SSLContext:
    """Read whom to trust, once for all clients: it takes longer than most requests."""
    return httpx.create_ssl_context(trust_env=False)


def headers_of(key: str | None) -> dict[str, str]:
    """Make the headers that name the caller."""
    return {"Authorization": f"Bearer {key}"} if key else {}


def perform(
    http: httpx.Client | httpx.AsyncClient, call: Call[Answer], waits_for_room: bool
) -> Dialogue[Answer]:
    """Send a request until it is answered.

    Raises:
        errors.SuiteError: what the server answered, or that it cannot be reached.
    """
    request = _request(http, call)
    attempt = 0
    while True:
        last = attempt == _ATTEMPTS - 1
        outcome = yield Send(request)
        if isinstance(outcome, httpx.TransportError):
            unsent = isinstance(outcome, httpx.ConnectError | httpx.ConnectTimeout)
            if last or not (call.repeatable or unsent):
                raise errors.Unavailable(
                    f"the API at {http.base_url} is not reachable: {outcome}"
                ) from outcome
        elif outcome is not None:
            if outcome.is_success:
                return _read(call, outcome)
            if outcome.status_code == errors.QueueFull.status and waits_for_room:
                if isinstance(refused := error_of(outcome), errors.QuotaExceeded):
                    raise refused  # Until tomorrow there is nothing to wait for.
                # Nothing is wrong: the server works off what it has, however long that takes.
                yield Sleep(_retry_after(outcome))
                continue
            passing = outcome.status_code == errors.Unavailable.status and call.repeatable
            if last or not passing:
                raise error_of(outcome)
        yield Sleep(min(0.2 * 2**attempt, _LONGEST_PAUSE))
        attempt += 1


def _request(http: httpx.Client | httpx.AsyncClient, call: Call[Answer]) -> httpx.Request:
    content = None
    if call.body is not None:
        body = call.body
        dumped = body.model_dump(mode="json") if isinstance(body, BaseModel) else dict(body)
        content = json.dumps(dumped).encode()  # ASCII, whatever characters a program holds.
    headers = {"Content-Type": "application/json"}
    if call.once:
        headers["Idempotency-Key"] = str(uuid4())
    return http.build_request(
        call.method,
        call.path,
        content=content,
        params=dict(call.params),
        headers=headers,
        timeout=httpx.USE_CLIENT_DEFAULT if call.timeout is None else call.timeout,
    )


def _read(call: Call[Answer], response: httpx.Response) -> Answer:
    if call.answer is None:
        return None  # type: ignore[return-value] # Answer is None for a call without one
    try:
        return call.answer.validate_json(response.content)
    except ValidationError as error:
        raise errors.SuiteError(
            f"{response.url} gave no answer of this API; is something else listening there?"
        ) from error


def _retry_after(response: httpx.Response) -> float:
    given = response.headers.get("retry-after", "")
    return min(float(given), 60.0) if given.isdecimal() else 5.0


def error_of(response: httpx.Response) -> errors.SuiteError:
    """Make the error that a response tells of."""
    try:
        body = response.json()
        kind = _BY_CODE.get(body["code"], errors.SuiteError)
        return kind(body["detail"])
    except (ValueError, KeyError, TypeError):
        return errors.SuiteError(f"the API answered {response.status_code} without a reason")
