"""Every error leaves as `application/problem+json` (RFC 9457) with a stable code."""

import json
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from psycopg.errors import QueryCanceled
from sqlalchemy.exc import DataError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException

from infra import errors
from infra.contracts.views.api import ProblemDetails
from infra.observability import logs

_RETRY = {"Retry-After": "2"}

log = logs.get(__name__)

MEDIA_TYPE = "application/problem+json"
_CODES = {
    errors.NotFound.status: errors.NotFound.code,
    405: "method_not_allowed",
    errors.PayloadTooLarge.status: errors.PayloadTooLarge.code,
}


def respond(
    status: int,
    code: str,
    detail: str,
    fields: Sequence[dict[str, str]] = (),
    headers: dict[str, str] | None = None,
) -> Response:
    """Make the response of one error."""
    details = ProblemDetails(
        type=f"urn:rrtf:error:{code}",
        title=code.replace("_", " ").capitalize(),
        status=status,
        code=code,
        detail=detail,
        errors=tuple(fields),
    )
    # ASCII escapes carry whatever a client sent, even what is no valid Unicode.
    body = json.dumps(details.model_dump(mode="json")).encode()
    return Response(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.exception_handler(errors.SuiteError)(_suite_error)
    app.exception_handler(RequestValidationError)(_invalid)
    app.exception_handler(HTTPException)(_http_error)
    app.exception_handler(StatementError)(_database_error)
    app.exception_handler(PoolTimeout)(_too_busy)
    app.exception_handler(RecursionError)(_too_deep)
    app.exception_handler(Exception)(_unexpected)


def _suite_error(_: Request, error: errors.SuiteError) -> Response:
    headers = _RETRY if isinstance(error, errors.Unavailable) else None
    if isinstance(error, errors.Unauthorized):
        headers = {"WWW-Authenticate": "Bearer"}
    if isinstance(error, errors.QueueFull):
        headers = {"Retry-After": str(error.retry_after)}
    return respond(error.status, error.code, error.detail, headers=headers)


def _invalid(_: Request, error: RequestValidationError) -> Response:
    fields = [
        {
            "pointer": "/" + "/".join(str(part) for part in item["loc"]),
            "message": str(item["msg"]),
        }
        for item in error.errors()[:20]
    ]
    detail = "; ".join(f"{field['pointer']}: {field['message']}" for field in fields[:3])
    return respond(errors.InvalidInput.status, errors.InvalidInput.code, detail, fields)


def _http_error(request: Request, error: HTTPException) -> Response:
    code = _CODES.get(error.status_code, "invalid_request")
    detail = f"{request.method} {request.url.path}: {error.detail}"
    if error.status_code == 400:
        # FastAPI says no more of a body that it cannot parse for other reasons than its syntax.
        detail += ": it is nested too deeply, or holds a number of too many digits"
    return respond(error.status_code, code, detail, headers=dict(error.headers or {}))


def _database_error(_: Request, error: StatementError) -> Response:
    if isinstance(error, DataError) or isinstance(error.orig, (ValueError, UnicodeError)):
        # Postgres refuses NUL and unpaired surrogates in text, and numbers beyond its own.
        return _refused("a text or a number holds what cannot be stored")
    if isinstance(error, OperationalError | InterfaceError):
        return unavailable(error)
    raise error  # A fault of ours, such as a statement that Postgres does not understand.


def _too_busy(_: Request, error: PoolTimeout) -> Response:
    return unavailable(error)


def _too_deep(_: Request, __: RecursionError) -> Response:
    return _refused("the body is nested too deeply")


def _unexpected(_: Request, __: Exception) -> Response:
    # Starlette logs the exception after this answer.
    return respond(500, errors.SuiteError.code, "something in the suite failed; see its log")


def _refused(detail: str) -> Response:
    return respond(errors.InvalidInput.status, errors.InvalidInput.code, detail)


def unavailable(error: Exception) -> Response:
    """Answer for a database that is away or took too long; the reason stays in our log."""
    log.warning("database.unavailable", reason=str(error).partition("\n")[0])
    is_slow = isinstance(getattr(error, "orig", None), QueryCanceled)
    away = errors.Unavailable(
        "Postgres took longer for this than it may; ask for less, or try again"
        if is_slow
        else "Postgres is not reachable; try again"
    )
    return respond(away.status, away.code, away.detail, headers=_RETRY)
