"""Every error leaves as `application/problem+json` (RFC 9457) with a stable code."""

import json
from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from sqlalchemy.exc import DataError, DBAPIError, StatementError
from starlette.exceptions import HTTPException

from infra import errors, logs
from infra.contracts.api import ProblemDetails

log = logs.get(__name__)

MEDIA_TYPE = "application/problem+json"
_CODES = {404: "not_found", 405: "method_not_allowed", 415: "unsupported_media_type"}


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

    @app.exception_handler(errors.SuiteError)
    def suite_error(_: Request, error: errors.SuiteError) -> Response:
        headers = {}
        if isinstance(error, errors.Unauthorized):
            headers["WWW-Authenticate"] = "Bearer"
        if isinstance(error, errors.Unavailable):
            headers["Retry-After"] = "2"
        return respond(error.status, error.code, error.detail, headers=headers)

    @app.exception_handler(RequestValidationError)
    def invalid(_: Request, error: RequestValidationError) -> Response:
        fields = [
            {
                "pointer": "/" + "/".join(str(part) for part in item["loc"]),
                "message": str(item["msg"]),
            }
            for item in error.errors()[:20]
        ]
        detail = "; ".join(f"{field['pointer']}: {field['message']}" for field in fields[:3])
        return respond(422, errors.InvalidInput.code, detail, fields)

    @app.exception_handler(HTTPException)
    def http_error(request: Request, error: HTTPException) -> Response:
        code = _CODES.get(error.status_code, "invalid_request")
        detail = f"{request.method} {request.url.path}: {error.detail}"
        headers = dict(error.headers or {})
        return respond(error.status_code, code, detail, headers=headers)

    @app.exception_handler(StatementError)
    def database_error(_: Request, error: StatementError) -> Response:
        if isinstance(error, DataError) or isinstance(error.orig, (ValueError, UnicodeError)):
            # Postgres refuses NUL and unpaired surrogates in text.
            return respond(
                422, errors.InvalidInput.code, "a text holds a character that is not allowed"
            )
        if isinstance(error, DBAPIError):
            log.warning("database.unavailable", reason=str(error.orig))
            return respond(
                503,
                errors.Unavailable.code,
                "Postgres is not reachable; try again",
                headers={"Retry-After": "2"},
            )
        raise error

    @app.exception_handler(RecursionError)
    def too_deep(_: Request, __: RecursionError) -> Response:
        return respond(422, errors.InvalidInput.code, "the body is nested too deeply")

    @app.exception_handler(Exception)
    def unexpected(_: Request, __: Exception) -> Response:
        # Starlette logs the exception after this answer.
        return respond(500, errors.SuiteError.code, "something in the suite failed; see its log")
