"""What every request passes before an endpoint sees it: the clock, the key, the body limit."""

import secrets
import time

from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import errors, metrics
from services.api.problem_details import respond

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measure:
    """Measures the time to answer, by route."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and look at the clock before and after."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        finally:
            # Only names of our own become label values; a client must not be able to make more.
            route = scope.get("route")
            path = route.path if isinstance(route, APIRoute) else "unmatched"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            elapsed = time.perf_counter() - began
            metrics.REQUEST_SECONDS.labels(path, method).observe(elapsed)


class RequireKey:
    """Answers 401 to whatever is below `/v1` and comes without the key, before its body is read."""

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._key = key.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it."""
        guarded = scope["type"] == "http" and (scope["path"] + "/").startswith("/v1/")
        if guarded and not self._carries_key(Headers(scope=scope)):
            refused = errors.Unauthorized()
            response = respond(
                refused.status,
                refused.code,
                refused.detail,
                headers={"WWW-Authenticate": "Bearer"},
            )
            await response(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _carries_key(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        same = secrets.compare_digest(given.strip().encode(), self._key)
        return same and scheme.lower() == "bearer"


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
