"""What lists are narrowed by: a part of a name, and the time in which something was made."""

import re
from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import InstrumentedAttribute

from infra.db.tables import GroupRow, PolicyRow, ProblemRow
from services.api.dependencies import Columns

PartOfProblem = Annotated[
    str | None,
    Query(max_length=200, description="Only of problems with this in their name, in any case."),
]
_BEGINS: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]")


def _written_out(value: object) -> object:
    # A bare number would be read as seconds since 1970.
    if isinstance(value, str) and not _BEGINS.match(value):
        raise ValueError("must be a time as RFC 3339 has it, such as 2026-11-30T12:00:00Z")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written_out)]
PolicyOf = Annotated[str | None, Query(max_length=100, description="Only of this policy.")]
Since = Annotated[Moment | None, Query(description="Only what was made then or later (RFC 3339).")]
Until = Annotated[Moment | None, Query(description="Only what was made before then.")]
_MILLISECONDS = 2**48
"""What the time in an id counts, from 1970 on."""


def narrowed(
    query: Select[*Columns],
    ids: InstrumentedAttribute[UUID],
    since: datetime | None,
    until: datetime | None,
) -> Select[*Columns]:
    """Leave what was made in a time; ids are in its order, so no more of a table is read."""
    if since is not None:
        query = query.where(ids >= _first_id(since))
    if until is not None:
        query = query.where(ids < _first_id(until))
    return query


def of_groups(problem: str | None, policy: str | None) -> list[ColumnElement[bool]]:
    """Return the conditions on groups that a part of a problem's name and a policy are."""
    conditions: list[ColumnElement[bool]] = []
    if problem is not None:
        named = select(ProblemRow.id).where(has_in_name(problem))
        conditions.append(GroupRow.problem_id.in_(named))
    if policy is not None:
        chosen = select(PolicyRow.id).where(PolicyRow.name == policy)
        conditions.append(GroupRow.policy_id.in_(chosen))
    return conditions


def has_in_name(part: str) -> ColumnElement[bool]:
    """Return the condition that a problem's name has a part, whatever the case of its letters."""
    return ProblemRow.slug.icontains(part, autoescape=True)


def _first_id(moment: datetime) -> UUID:
    """Return what no id of that millisecond or later is below (UUIDv7)."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), _MILLISECONDS - 1) << 80)
