"""What every request passes before an endpoint sees it: the clock, the key, the body limit."""

import base64
import functools
import math
import time

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy.exc import DBAPIError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import errors
from infra.observability import metrics, tracing
from services.api.keys import Caller, KeyRing
from services.api.problem_details import respond, unavailable

BORROWED_PATHS = (
    "/run_code/",
    "/run_jupyter/",
    "/v1/ping/",
    "/get_prompts/",
    "/get_prompt_by_id/",
    "/submit/",
    "/api/v2/",
)
"""Where other projects' interfaces lie (`sandbox_fusion`, `fusion_problems`, `piston`)."""
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measure:
    """Measures the time to answer, by route, and traces it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at the clock before and after."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        carried = {"traceparent": Headers(scope=scope).get("traceparent", "")}
        with tracing.span("request", carried=carried):
            try:
                await self._app(scope, receive, send)
            finally:
                # Only names of our own become label values; a client must not be able to make more.
                route = scope.get("route")
                path = route.path if isinstance(route, APIRoute) else "unmatched"
                method = scope["method"] if scope["method"] in _METHODS else "other"
                elapsed = time.perf_counter() - began
                metrics.REQUEST_SECONDS.labels(path, method).observe(elapsed)
                tracing.rename(f"{method} {path}")


class RequireKey:
    """Answers 401 to whatever is guarded and comes without a key, before its body is read.

    What comes with one carries its `Caller` on, in the state of the request, and `ask_again`, which
    says who that is by then: what is answered for long must not outlive its key.
    """

    def __init__(self, app: ASGIApp, ring: KeyRing) -> None:
        self._app = app
        self._ring = ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        path = scope["path"] + "/" if scope["type"] == "http" else ""
        if path.startswith(("/v1/", *BORROWED_PATHS)):
            headers = Headers(scope=scope)
            ask = functools.partial(self._caller, _key(headers, path.startswith(BORROWED_PATHS)))
            try:
                caller = await ask()
            except DBAPIError as error:
                await unavailable(error)(scope, receive, send)
                return
            if caller is None:
                await _unauthorized()(scope, receive, send)
                return
            scope.setdefault("state", {}).update(caller=caller, ask_again=ask)
        await self._app(scope, receive, send)

    async def _caller(self, key: str) -> Caller | None:
        caller, is_known = self._ring.remembered(key)
        return caller if is_known else await run_in_threadpool(self._ring.look_up, key)


def _key(headers: Headers, may_be_basic: bool) -> str:
    """Read the key: a bearer token or, where that is allowed, the password of Basic.

    Clients that are given a URL and nothing else send `http://any:KEY@host` as Basic. Not for every
    path, because browsers send Basic by themselves, whoever made them ask.
    """
    scheme, _, given = headers.get("authorization", "").partition(" ")
    given = given.strip()
    if scheme.lower() == "bearer":
        return given
    if scheme.lower() == "basic" and may_be_basic:
        try:
            return base64.b64decode(given, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return ""


def _unauthorized() -> Response:
    refused = errors.Unauthorized()
    return respond(
        refused.status, refused.code, refused.detail, headers={"WWW-Authenticate": "Bearer"}
    )


class RateLimit:
    """Refuses requests of a key beyond a rate, before their bodies are read."""

    _BURST_SECONDS = 10.0
    _MOST_KEYS = 10_000

    def __init__(self, app: ASGIApp, rate: float) -> None:
        """Allow so many requests a second, saved up for ten seconds."""
        self._app = app
        self._rate = rate
        self._full_at: dict[int, float] = {}
        """When the bucket of each key will be full again, on the monotonic clock."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        caller = scope.get("state", {}).get("caller")
        wait = self._take(caller.api_key_id) if caller is not None else 0.0
        if wait > 0:
            limited = errors.RateLimited()
            headers = {"Retry-After": str(math.ceil(wait))}
            refusal = respond(limited.status, limited.code, limited.detail, headers=headers)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _take(self, api_key_id: int) -> float:
        """Take one request from a key's bucket; return the seconds until it holds one."""
        now = time.monotonic()
        full_at = max(self._full_at.get(api_key_id, now), now) + 1 / self._rate
        wait = full_at - now - max(self._BURST_SECONDS, 1 / self._rate)
        if wait > 0:
            return wait
        if len(self._full_at) >= self._MOST_KEYS:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
        self._full_at[api_key_id] = full_at
        return 0.0


class BodyLimit:
    """Refuses bodies over a size: at once if it is announced, else when that much has come."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._detail = f"the body is larger than {max_bytes} bytes; send several requests"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._max_bytes:
            large = errors.PayloadTooLarge(self._detail)
            response = respond(large.status, large.code, large.detail)
            await response(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                # FastAPI lets an HTTPException out of the reading of a body as it is.
                raise HTTPException(errors.PayloadTooLarge.status, self._detail)
            return message

        await self._app(scope, counted, send)
