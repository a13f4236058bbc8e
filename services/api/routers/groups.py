"""Endpoints of groups, candidates and rankings."""

import json
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session, defer

from infra import checking, errors, intake, stored_problems
from infra.contracts.base import CandidateState, GroupState, Priority
from infra.contracts.candidates import NewGroup
from infra.contracts.views.api import (
    BulkGroup,
    BulkGroupOutcome,
    BulkGroupResult,
    BulkGroups,
    CandidateView,
    GroupView,
    Page,
    SampleRequestView,
)
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    PolicyRow,
    ProblemRow,
    SampleRequestRow,
)
from infra.db.unit_of_work import Database, Work
from infra.observability import tracing
from services.api import quota
from services.api.backlog import Backlog
from services.api.dependencies import PATIENCE, Db, Limited, PagesById, PagesByNumber
from services.api.documents import examples
from services.api.filters import PartOfProblem, PolicyOf, Since, Until, narrowed, of_groups
from services.api.idempotency import IdempotencyKey, is_repeat, once
from services.api.keys import READS, SUBMITS, CalledBy, Caller
from services.api.routers.candidates import LARGE, candidate_view

router = APIRouter(prefix="/v1", tags=["groups"])


@router.post("/problems/{problem_id}/groups", status_code=202, dependencies=[SUBMITS])
def create_group(
    db: Db,
    caller: CalledBy,
    limit: Limited,
    problem_id: UUID,
    group: Annotated[NewGroup, Body(openapi_examples=examples.GROUP)],
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> GroupView:
    """Hand in candidates, ask for samples, or both; labels and ranking follow."""
    _find_room(db, limit, caller.api_key_id, _size(group), idempotency_key)
    request = problem_id.bytes + _fingerprint(group) if idempotency_key else b""
    with db.unit_of_work() as work:
        (made,) = once(
            work,
            caller.api_key_id,
            idempotency_key,
            request,
            lambda: [_open_group(work, problem_id, group, caller)],
        )
        group_id = UUID(made)
        tracing.refer([group_id])
        # Not there, if the request is a repeat and the group was pruned since.
        view = _group_view(work.session, group_id)
    response.headers["Location"] = f"/v1/groups/{group_id}"
    return view


def _open_group(work: Work, problem_id: UUID, group: NewGroup, caller: Caller) -> str:
    (opened,) = _opened(work, [(problem_id, group)], caller)
    return str(opened.id)


def _opened(
    work: Work, wanted: Sequence[tuple[UUID, NewGroup]], caller: Caller
) -> Sequence[intake.Opened]:
    """Store groups, and count what is new against the caller's quota."""
    opened = intake.open_groups(work, wanted, caller.api_key_id)
    new = zip(opened, wanted, strict=True)
    quota.spend(work.session, caller, sum(_size(group) for one, (_, group) in new if one.created))
    return opened


@router.post("/groups/bulk", status_code=202, dependencies=[SUBMITS])
def create_groups(
    db: Db,
    caller: CalledBy,
    limit: Limited,
    bulk: Annotated[BulkGroups, Body(openapi_examples=examples.BULK_GROUPS)],
    idempotency_key: IdempotencyKey = None,
) -> BulkGroupResult:
    """Store many groups at once; one whose problem is unknown or unsound stops no other."""
    size = sum(_size(group) for group in bulk.groups)
    _find_room(db, limit, caller.api_key_id, size, idempotency_key)
    request = _fingerprint(bulk) if idempotency_key else b""
    with db.unit_of_work() as work:
        outcomes = once(
            work,
            caller.api_key_id,
            idempotency_key,
            request,
            lambda: _open_bulk(work, bulk.groups, caller),
        )
    tracing.refer(UUID(made) for made, *_ in outcomes if made)
    return BulkGroupResult(
        outcomes=tuple(
            BulkGroupOutcome(id=made, error=error, created=created)
            for made, error, created in outcomes
        )
    )


def _find_room(db: Database, limit: Backlog, api_key_id: int, size: int, key: str | None) -> None:
    try:
        limit.accept(api_key_id, size)
    except errors.QueueFull:
        # A repeat needs no room: it is answered as the first was, which may be what fills it.
        if key is None or not is_repeat(db, api_key_id, key):
            raise


def _size(group: NewGroup) -> int:
    return len(group.candidates) + sum(plan.num_samples for plan in group.samples)


def _fingerprint(body: BaseModel) -> bytes:
    # Through JSON text with escapes, because a program may hold what UTF-8 cannot.
    return json.dumps(body.model_dump(mode="json"), sort_keys=True).encode()


def _open_bulk(
    work: Work, groups: Sequence[BulkGroup], caller: Caller
) -> list[tuple[str | None, str | None, bool]]:
    """Store the groups whose problem exists and is not unsound.

    Returns each one's id or error, and whether it is new.
    """
    found = stored_problems.find_problems(work.session, {group.problem for group in groups})
    unsound = checking.unsound(work.session, set(found.values()))
    refusals = {name: unsound[found[name]] for name in found if found[name] in unsound}
    for name in {group.problem for group in groups} - found.keys():
        refusals[name] = f"there is no problem {name!r}; import it first"
    known = [(found[one.problem], one) for one in groups if one.problem not in refusals]
    made = iter(_opened(work, known, caller))

    def outcome(group: BulkGroup) -> tuple[str | None, str | None, bool]:
        if group.problem in refusals:
            return None, refusals[group.problem], False
        opened = next(made)
        return str(opened.id), None, opened.created

    return [outcome(group) for group in groups]


@router.get("/groups", dependencies=[READS])
def list_groups(
    db: Db,
    pages: PagesById,
    state: Annotated[GroupState | None, Query(description="Only groups in this state.")] = None,
    problem_id: Annotated[UUID | None, Query(description="Only groups of this problem.")] = None,
    problem: PartOfProblem = None,
    policy: PolicyOf = None,
    since: Since = None,
    until: Until = None,
    ids: Annotated[
        list[UUID] | None, Query(alias="id", max_length=100, description="Only these groups.")
    ] = None,
    newest_first: Annotated[bool, Query(description="The other way round.")] = False,
) -> Page[GroupView]:
    """List groups, oldest first."""
    order = GroupRow.id.desc() if newest_first else GroupRow.id
    query = pages.limited(select(GroupRow.id).order_by(order))
    if (after := pages.after) is not None:
        query = query.where(GroupRow.id < after if newest_first else GroupRow.id > after)
    if state is not None:
        query = query.where(GroupRow.state == state)
    if problem_id is not None:
        query = query.where(GroupRow.problem_id == problem_id)
    if ids is not None:
        query = query.where(GroupRow.id.in_(ids))
    query = narrowed(query.where(*of_groups(problem, policy)), GroupRow.id, since, until)
    with db.reading() as session:
        session.execute(PATIENCE)
        found, cursor = pages.cut(session.scalars(query).all(), lambda group_id: group_id)
        views = {view.id: view for view in _group_views(session, found)}
        items = tuple(views[group_id] for group_id in found if group_id in views)
        return Page[GroupView](items=items, next_cursor=cursor)


@router.get("/groups/{group_id}", dependencies=[READS])
def get_group(db: Db, group_id: UUID) -> GroupView:
    """Return a group and how far it is."""
    with db.reading() as session:
        return _group_view(session, group_id)


def _group_view(session: Session, group_id: UUID) -> GroupView:
    for view in _group_views(session, [group_id]):
        return view
    raise errors.NotFound(f"there is no group {group_id}")


def require_group(session: Session, group_id: UUID) -> None:
    """Read nothing of a group but that it is there.

    Raises:
        errors.NotFound: it is not.
    """
    if session.scalar(select(GroupRow.id).where(GroupRow.id == group_id)) is None:
        raise errors.NotFound(f"there is no group {group_id}")


def _group_views(session: Session, ids: Sequence[UUID]) -> tuple[GroupView, ...]:
    """Read groups, in three queries however many they are."""
    rows = session.execute(
        select(GroupRow, ProblemRow.slug, PolicyRow.name)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        .where(GroupRow.id.in_(ids))
        .order_by(GroupRow.id)
    ).all()
    counts: dict[UUID, dict[CandidateState, int]] = {}
    for group_id, state, count in session.execute(
        select(CandidateRow.group_id, CandidateRow.state, func.count())
        .where(CandidateRow.group_id.in_(ids))
        .group_by(CandidateRow.group_id, CandidateRow.state)
    ):
        counts.setdefault(group_id, {})[state] = count
    samples: dict[UUID, list[SampleRequestView]] = {}
    for request in session.scalars(
        select(SampleRequestRow)
        .where(SampleRequestRow.group_id.in_(ids))
        .order_by(SampleRequestRow.position)
    ):
        samples.setdefault(request.group_id, []).append(
            SampleRequestView(
                id=request.id,
                state=request.state,
                attempts=request.attempts,
                plan=request.plan,
                reason=request.reason,
                code=request.code,
            )
        )
    return tuple(
        GroupView(
            id=row.id,
            problem_id=row.problem_id,
            problem_slug=slug,
            policy=policy,
            state=row.state,
            candidates=counts.get(row.id, {}),
            samples=tuple(samples.get(row.id, ())),
            metadata=row.details,
            priority=Priority.INTERACTIVE if row.interactive else Priority.BULK,
            cache=row.cache,
            pairs=row.pairs,
            created_at=row.created_at,
            ranked_at=row.ranked_at,
        )
        for row, slug, policy in rows
    )


@router.get("/groups/{group_id}/candidates", dependencies=[READS])
def list_candidates(db: Db, group_id: UUID, pages: PagesByNumber) -> Page[CandidateView]:
    """List the candidates of a group in the order they came in."""
    query = select(CandidateRow).where(CandidateRow.group_id == group_id)
    query = query.options(*map(defer, LARGE))
    if (after := pages.after) is not None:
        query = query.where(CandidateRow.position > after)
    query = pages.limited(query.order_by(CandidateRow.position))
    with db.reading() as session:
        require_group(session, group_id)
        rows, cursor = pages.cut(session.scalars(query).all(), lambda row: row.position)
        items = tuple(candidate_view(row) for row in rows)
        return Page[CandidateView](items=items, next_cursor=cursor)
