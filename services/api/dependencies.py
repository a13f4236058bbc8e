"""What endpoints are handed: the database, and the page that is asked for."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar, TypeVarTuple
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.dependencies.models import Dependant
from sqlalchemy import Select

from infra import errors
from infra.db.unit_of_work import Database
from services.api.backlog import Backlog

MAX_PAGE = 500
"""Most items on one page."""

Row = TypeVar("Row")
Columns = TypeVarTuple("Columns")


def database(request: Request) -> Database:
    """Return the application's database."""
    opened: Database = request.app.state.database
    return opened


Db = Annotated[Database, Depends(database)]


def backlog(request: Request) -> Backlog:
    """Return the application's limit on what may wait."""
    kept: Backlog = request.app.state.backlog
    return kept


Limited = Annotated[Backlog, Depends(backlog)]


def refuse_unknown_parameters(request: Request) -> None:
    """Refuse what would be ignored after the `?`, as a filter with a slip in its name.

    Raises:
        errors.InvalidInput: a parameter is none of the endpoint's.
    """
    if not request.query_params:
        return
    offered = _parameters(request.scope["route"].dependant)
    for name in request.query_params:
        if name not in offered:
            known = ", ".join(sorted(offered)) or "none"
            raise errors.InvalidInput(f"there is no parameter {name!r} here, but these: {known}")


def _parameters(dependant: Dependant) -> set[str]:
    """Return the names that an endpoint and what it depends on read after the `?`."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_parameters, dependant.dependencies))


class Paging:
    """Where a page starts, how long it is, and how the next one is announced."""

    def __init__(
        self,
        request: Request,
        response: Response,
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items.")] = 100,
        cursor: Annotated[
            str | None, Query(max_length=200, description="`next_cursor` of a page.")
        ] = None,
    ) -> None:
        self._request = request
        self._response = response
        self._limit = limit
        self._cursor = cursor

    def after_id(self) -> UUID | None:
        """Return the id that the page comes after.

        Raises:
            errors.InvalidInput: the cursor is not one of ours.
        """
        return self._decoded(UUID)

    def after_number(self) -> int | None:
        """Return the position or version that the page comes after.

        Raises:
            errors.InvalidInput: the cursor is not one of ours.
        """
        number = self._decoded(int)
        if number is not None and not 0 <= number < 2**31:
            raise _not_ours()
        return number

    def limited(self, query: Select[*Columns]) -> Select[*Columns]:
        """Ask for one row more than fits, which tells whether there is a next page."""
        return query.limit(self._limit + 1)

    def cut(
        self, rows: Sequence[Row], key: Callable[[Row], UUID | int]
    ) -> tuple[Sequence[Row], str | None]:
        """Return the rows of the page and the cursor of the next, if there is one.

        The next page is announced in the header `Link` as well (RFC 8288).
        """
        page = rows[: self._limit]
        if len(rows) == len(page):
            return page, None
        cursor = base64.urlsafe_b64encode(str(key(page[-1])).encode()).decode().rstrip("=")
        url = self._request.url.include_query_params(cursor=cursor)
        self._response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return page, cursor

    def _decoded(self, kind: Callable[[str], Row]) -> Row | None:
        if self._cursor is None:
            return None
        padded = self._cursor + "=" * (-len(self._cursor) % 4)
        try:
            return kind(base64.urlsafe_b64decode(padded).decode("ascii"))
        except (ValueError, binascii.Error):
            raise _not_ours() from None


def _not_ours() -> errors.InvalidInput:
    return errors.InvalidInput("`cursor` is not one this server gave out")


Pages = Annotated[Paging, Depends()]
