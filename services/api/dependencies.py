"""What endpoints are handed: the database, and the page that is asked for."""

from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeVar, TypeVarTuple
from uuid import UUID

from fastapi import Depends, Query, Request, Response
from fastapi.dependencies.models import Dependant
from sqlalchemy import Select, text

from infra import errors
from infra.db.unit_of_work import Database
from services.api.backlog import Backlog

MAX_PAGE = 500
"""Most items on one page."""
PATIENCE = text("SET LOCAL statement_timeout = '10s'")
"""Reading for a picture or a search must not take a server's time from work."""

Row = TypeVar("Row")
Position = TypeVar("Position", UUID, int)
Columns = TypeVarTuple("Columns")


def database(request: Request) -> Database:
    """Return the application's database as the caller's project sees it."""
    opened: Database = request.app.state.database
    return opened.of_project(request.state.caller.project_id)


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


class Paging(Generic[Position]):
    """Where a page starts, how long it is, and how the next one is announced."""

    def __init__(
        self, request: Request, response: Response, limit: int, after: Position | None
    ) -> None:
        """Take what was asked for; `after` is the id or number that the page comes after."""
        self._request = request
        self._response = response
        self._limit = limit
        self.after: Position | None = after

    def limited(self, query: Select[*Columns]) -> Select[*Columns]:
        """Ask for one row more than fits, which tells whether there is a next page."""
        return query.limit(self._limit + 1)

    def cut(
        self, rows: Sequence[Row], key: Callable[[Row], Position]
    ) -> tuple[Sequence[Row], str | None]:
        """Return the rows of the page and the cursor of the next, if there is one.

        The next page is announced in the header `Link` as well (RFC 8288).
        """
        page = rows[: self._limit]
        if len(rows) == len(page):
            return page, None
        cursor = str(key(page[-1]))
        url = self._request.url.include_query_params(cursor=cursor)
        self._response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
        return page, cursor


_Limit = Annotated[int, Query(ge=1, le=MAX_PAGE, description="Most items.")]
_NEXT = "`next_cursor` of a page."


def _by_id(
    request: Request,
    response: Response,
    limit: _Limit = 100,
    cursor: Annotated[UUID | None, Query(description=_NEXT)] = None,
) -> Paging[UUID]:
    return Paging(request, response, limit, cursor)


def _by_number(
    request: Request,
    response: Response,
    limit: _Limit = 100,
    cursor: Annotated[int | None, Query(ge=0, lt=2**31, description=_NEXT)] = None,
) -> Paging[int]:
    return Paging(request, response, limit, cursor)


PagesById = Annotated[Paging[UUID], Depends(_by_id)]
"""Pages of what is listed by id."""
PagesByNumber = Annotated[Paging[int], Depends(_by_number)]
"""Pages of what is listed by position, version or number."""
