"""What endpoints are handed: the database, the key check, the body limit, pages."""

import base64
import binascii
import secrets
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra import errors
from infra.db.unit_of_work import Database
from services.api.problem_details import respond


def database(request: Request) -> Database:
    """Return the application's database."""
    opened: Database = request.app.state.database
    return opened


def require_key(request: Request) -> None:
    """Let a request pass if it carries the key, or if there is none.

    Raises:
        errors.Unauthorized: the key is missing or wrong.
    """
    key: str | None = request.app.state.key
    if key is None:
        return
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not secrets.compare_digest(given.encode(), key.encode()):
        raise errors.Unauthorized


Db = Annotated[Database, Depends(database)]
Limit = Annotated[int, Query(ge=1, le=500, description="Most items on the page.")]
Cursor = Annotated[str | None, Query(max_length=200, description="`next_cursor` of a page.")]


def encode_cursor(last: UUID) -> str:
    """Make the cursor of the page after the item with this id."""
    return base64.urlsafe_b64encode(last.bytes).decode().rstrip("=")


def decode_cursor(cursor: str | None) -> UUID | None:
    """Read a cursor.

    Raises:
        errors.InvalidInput: it is not one of ours.
    """
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise errors.InvalidInput("`cursor` is not one this server gave out") from None


class BodyLimit:
    """Refuses bodies over a size, by what is received and not by what was announced."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received = 0
        started = False

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise _TooLarge
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counted, noted)
        except _TooLarge:
            if started:
                raise
            detail = f"the body is larger than {self._max_bytes} bytes; send several requests"
            response = respond(errors.PayloadTooLarge.status, errors.PayloadTooLarge.code, detail)
            await response(scope, receive, send)


class _TooLarge(BaseException):
    """Passes through the handlers of `Exception` inside."""
