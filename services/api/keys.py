"""API keys: who calls, what they may do, and the endpoints that make and revoke keys."""

import hashlib
import secrets
import threading
import time
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Body, Depends, Request, Response
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.views.api import ApiKeyView, CallerView, MadeApiKey, NewApiKey, Page, Scope
from infra.db import projects
from infra.db.tables import ApiKeyRow, ProjectRow
from infra.db.unit_of_work import Database
from services.api.dependencies import Db, PagesByNumber
from services.api.documents import examples

ENVIRONMENT_KEY_ID = 0
"""The row that stands for the key of the environment, which may do everything."""
_REMEMBERED_SECONDS = 5.0
"""How long a revoked key may still be used."""
_MOST_REMEMBERED = 10_000


class Caller(NamedTuple):
    """Whose request this is."""

    api_key_id: int
    scopes: frozenset[Scope]
    project_id: int = projects.DEFAULT
    candidates_per_day: int | None = None


_ENVIRONMENT = Caller(ENVIRONMENT_KEY_ID, frozenset(Scope))


class KeyRing:
    """Finds the caller for a key."""

    def __init__(self, database: Database, environment_key: str | None) -> None:
        self._database = database
        self._environment = _digest(environment_key) if environment_key else None
        self._known: dict[str, tuple[float, Caller | None]] = {}
        self._lock = threading.Lock()

    def remembered(self, key: str) -> tuple[Caller | None, bool]:
        """Return the caller, and whether that is known without asking Postgres."""
        if not key:
            return (None if self._environment else _ENVIRONMENT), True
        digest = _digest(key)
        # Digests tell nothing about how much of a key is right, however long comparing takes.
        if self._environment and secrets.compare_digest(digest, self._environment):
            return _ENVIRONMENT, True
        until, caller = self._known.get(digest, (0.0, None))
        return caller, until > time.monotonic()

    def look_up(self, key: str) -> Caller | None:
        """Ask Postgres for the caller, and remember the answer for some seconds."""
        digest = _digest(key)
        with self._database.reading() as session:
            row = session.scalar(
                select(ApiKeyRow).where(ApiKeyRow.sha256 == digest, ApiKeyRow.revoked_at.is_(None))
            )
            caller = None
            if row is not None:
                scopes = frozenset(map(Scope, row.scopes))
                caller = Caller(row.id, scopes, row.project_id, row.candidates_per_day)
        with self._lock:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = (time.monotonic() + _REMEMBERED_SECONDS, caller)
        return caller


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def caller_of(request: Request) -> Caller:
    """Return who sent a request; `middleware.RequireKey` has found out."""
    caller: Caller = request.state.caller
    return caller


CalledBy = Annotated[Caller, Depends(caller_of)]


class Needs:
    """A dependency that refuses callers without a scope."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    async def __call__(self, caller: CalledBy) -> None:
        """Check who calls.

        Raises:
            errors.Forbidden: the caller's key lacks the scope.
        """
        if self.scope not in caller.scopes:
            raise errors.Forbidden(f"this API key lacks the scope `{self.scope.value}`")


READS = Depends(Needs(Scope.READ))
SUBMITS = Depends(Needs(Scope.SUBMIT))
TRAINS = Depends(Needs(Scope.TRAIN))
ADMINISTERS = Depends(Needs(Scope.ADMIN))

router = APIRouter(prefix="/v1", tags=["keys"])


@router.get("/caller")
def get_caller(db: Db, caller: CalledBy) -> CallerView:
    """Say what the API key of this request may do; every key may ask."""
    with db.reading() as session:
        project = session.scalars(
            select(ProjectRow.name).where(ProjectRow.id == caller.project_id)
        ).one()
    return CallerView(
        scopes=tuple(sorted(caller.scopes)),
        project=project,
        candidates_per_day=caller.candidates_per_day,
    )


@router.post("/keys", status_code=201, dependencies=[ADMINISTERS])
def create_key(
    db: Db, caller: CalledBy, new: Annotated[NewApiKey, Body(openapi_examples=examples.API_KEY)]
) -> MadeApiKey:
    """Make an API key; it is shown in this answer and never again.

    It is of the caller's project, or of another one that an operator names, who is whoever has the
    scope `admin` in the project `default`; that project is made if there is none of the name.
    """
    key = f"rrtf_{secrets.token_urlsafe(32)}"
    with db.unit_of_work() as work:
        made = work.session.scalar(
            insert(ApiKeyRow)
            .values(
                name=new.name,
                sha256=_digest(key),
                scopes=sorted(new.scopes),
                project_id=_project_id(work.session, caller, new.project),
                candidates_per_day=new.candidates_per_day,
            )
            .on_conflict_do_nothing()
            .returning(ApiKeyRow.id)
        )
        if made is None:
            raise errors.Conflict(f"there is, or was, a key named {new.name}; choose another name")
        (row, project) = work.session.execute(_KEYS.where(ApiKeyRow.id == made)).one()
        return MadeApiKey(**_fields(row, project), key=key)


def _project_id(session: Session, caller: Caller, name: str | None) -> int:
    """Return the number of the project that a key is to be of, and make it if need be.

    Raises:
        errors.Forbidden: it is another one than the caller's, who is no operator.
    """
    if name is None:
        return caller.project_id
    if caller.project_id != projects.DEFAULT:
        own = session.scalar(
            select(ProjectRow.id).where(ProjectRow.name == name, ProjectRow.id == caller.project_id)
        )
        if own is None:
            raise errors.Forbidden(
                "only an admin key of the project `default` makes keys of other projects"
            )
        return own
    session.execute(insert(ProjectRow).values(name=name).on_conflict_do_nothing())
    return session.scalars(select(ProjectRow.id).where(ProjectRow.name == name)).one()


_KEYS = select(ApiKeyRow, ProjectRow.name).join(ProjectRow, ApiKeyRow.project_id == ProjectRow.id)


def _manageable(caller: Caller) -> ColumnElement[bool]:
    """Return the condition on keys that a caller may see and revoke."""
    if caller.project_id == projects.DEFAULT:
        return ApiKeyRow.id != ENVIRONMENT_KEY_ID
    return ApiKeyRow.project_id == caller.project_id


@router.get("/keys", dependencies=[ADMINISTERS])
def list_keys(db: Db, caller: CalledBy, pages: PagesByNumber) -> Page[ApiKeyView]:
    """List the API keys of the caller's project, an operator's of all, oldest first.

    Those that are revoked are among them.
    """
    query = _KEYS.where(_manageable(caller)).order_by(ApiKeyRow.id)
    if (after := pages.after) is not None:
        query = query.where(ApiKeyRow.id > after)
    with db.reading() as session:
        found = session.execute(pages.limited(query)).all()
        rows, cursor = pages.cut(found, lambda row: int(row[0].id))
        items = tuple(ApiKeyView(**_fields(row, project)) for row, project in rows)
        return Page[ApiKeyView](items=items, next_cursor=cursor)


@router.delete("/keys/{name}", status_code=204, dependencies=[ADMINISTERS])
def revoke_key(db: Db, caller: CalledBy, name: str) -> Response:
    """Revoke an API key of the caller's project; every server refuses it within five seconds.

    An operator may revoke those of every project.
    """
    with db.unit_of_work() as work:
        revoked = work.session.scalar(
            update(ApiKeyRow)
            .where(ApiKeyRow.name == name, _manageable(caller))
            .values(revoked_at=func.coalesce(ApiKeyRow.revoked_at, func.now()))
            .returning(ApiKeyRow.id)
        )
        if revoked is None:
            raise errors.NotFound(f"there is no key named {name!r}")
    return Response(status_code=204)


def _fields(row: ApiKeyRow, project: str) -> dict[str, Any]:
    same = ApiKeyView.model_fields.keys() - {"project"}
    return {name: getattr(row, name) for name in same} | {"project": project}
