"""Deletes what is old and taught nothing; what a checkpoint was trained on stays.

`rrtf prune` counts what would go, and `rrtf prune --yes` deletes it. A group goes with its
candidates, executions and rankings when it is older than asked, is ranked, and is in no training
batch that was, is or will be trained; a batch that was set aside goes with its last group. A group
that stays keeps programs, labels, outcomes and rankings; of its old executions only the printed
output is let go.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    CursorResult,
    Delete,
    Update,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import aliased

from infra.contracts.base import GroupState
from infra.db.ledger import KeptCompletionRow
from infra.db.tables import (
    CandidateRow,
    ExecutionRow,
    GroupRow,
    IdempotentRequestRow,
    RankingRow,
    SampleRequestRow,
    Table,
    TrainingBatchRow,
)
from infra.db.unit_of_work import Database, Work
from ranker.batching import batches, revocation
from services.delivery import priorities

_CHUNK = 500
"""Rows of one transaction, so that nobody waits long for one of them."""
_GROUPS = 100
"""Groups looked at in one transaction; each may have tens of candidates."""
_TURN_SECONDS = 0.2
"""Pause after groups were deleted, in which the dispatcher has its turn."""
_LAST = UUID(int=2**128 - 1)
REPEATS = timedelta(hours=24)
"""How long a request may be repeated under its `Idempotency-Key`."""


@dataclass
class Pruned:
    """What was deleted."""

    groups: int = 0
    """With their candidates, executions, rankings and requests for samples."""
    outputs: int = 0
    """Executions that stay, without what they had printed."""
    requests: int = 0
    """Answers kept for a repeat of their request."""


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What would be deleted now."""

    groups: int
    candidates: int
    """Of these groups, as are the next three."""
    executions: int
    rankings: int
    sample_requests: int
    outputs: int
    """Executions that would stay, without what they had printed."""
    requests: int
    """Answers kept for a repeat of their request."""


def preview(database: Database, older_than: timedelta) -> Preview:
    """Count what `prune` would delete now, and delete nothing."""
    with database.reading() as session:
        session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        now = session.scalars(select(func.clock_timestamp())).one()
        going = select(_going(now - older_than).c.id)
        executed = select(CandidateRow.id).where(CandidateRow.group_id.in_(going))
        counted: dict[str, tuple[type[Table], Sequence[ColumnElement[bool]]]] = {
            "groups": (GroupRow, [GroupRow.id.in_(going)]),
            "candidates": (CandidateRow, [CandidateRow.group_id.in_(going)]),
            "executions": (ExecutionRow, [ExecutionRow.candidate_id.in_(executed)]),
            "rankings": (RankingRow, [RankingRow.group_id.in_(going)]),
            "sample_requests": (SampleRequestRow, [SampleRequestRow.group_id.in_(going)]),
            "outputs": (
                ExecutionRow,
                [*_has_old_output(now - older_than), ExecutionRow.candidate_id.not_in(executed)],
            ),
            "requests": (IdempotentRequestRow, [IdempotentRequestRow.created_at < now - REPEATS]),
        }
        # One statement, so that it is found out once which groups would go.
        row = session.execute(
            select(
                *(
                    select(func.count()).select_from(of).where(*where).scalar_subquery().label(name)
                    for name, (of, where) in counted.items()
                )
            )
        ).one()
        return Preview(**row._asdict())


def _going(before: datetime) -> CTE:
    """Ids of the groups that go: all that are free, but who serves one that stays stays as well."""
    free = select(GroupRow.id).where(*_is_free(before)).cte("free")
    server, served = aliased(CandidateRow), aliased(CandidateRow)
    serves = (
        select(server.group_id.label("group_id"), served.group_id.label("other"))
        .join(ExecutionRow, ExecutionRow.candidate_id == server.id)
        .join(served, served.execution_id == ExecutionRow.id)
        .where(served.cached, served.group_id != server.group_id)
        .cte("serves")
    )
    stays = (
        select(serves.c.group_id)
        .where(serves.c.other.not_in(select(free.c.id)))
        .cte("stays", recursive=True)
    )
    stays = stays.union(select(serves.c.group_id).join(stays, serves.c.other == stays.c.group_id))
    return select(free.c.id).where(free.c.id.not_in(select(stays.c.group_id))).cte("going")


def prune(
    database: Database, older_than: timedelta, tell: Callable[[Pruned], None] = lambda _: None
) -> Pruned:
    """Delete in small transactions; `tell` is called after each. Safe to stop, and to run twice."""
    pruned = Pruned()
    with database.reading() as session:
        now = session.scalar(select(func.clock_timestamp()))
    assert now is not None
    # Backwards: who is served by an older group goes before it.
    below: UUID | None = _LAST
    while below is not None:
        began = time.monotonic()
        with database.unit_of_work() as work:
            count, below = _groups(work, now - older_than, below)
        if count:
            pruned.groups += count
            tell(pruned)
            time.sleep(max(time.monotonic() - began, _TURN_SECONDS))
    steps: tuple[tuple[str, Callable[[Work, datetime], int], datetime], ...] = (
        ("outputs", _outputs, now - older_than),
        ("requests", forget_requests, now - REPEATS),
    )
    for name, step, before in steps:
        while True:
            with database.unit_of_work() as work:
                count = step(work, before)
            if not count:
                break
            setattr(pruned, name, getattr(pruned, name) + count)
            tell(pruned)
    return pruned


def _groups(work: Work, before: datetime, below: UUID) -> tuple[int, UUID | None]:
    """Delete what may go of a few groups; return how many went, and below which to go on."""
    page = work.session.scalars(
        select(GroupRow.id)
        .where(GroupRow.id < below, *_is_old(before))
        .order_by(GroupRow.id.desc())
        .limit(_GROUPS)
    ).all()
    if not page:
        return 0, None
    own, other = aliased(CandidateRow), aliased(CandidateRow)
    # An execution that gave its label to a candidate of another group stays with its group.
    serves = exists().where(
        own.group_id == GroupRow.id,
        ExecutionRow.candidate_id == own.id,
        other.cached,
        other.execution_id == ExecutionRow.id,
        other.group_id != GroupRow.id,
    )
    free = (
        select(GroupRow.id)
        .where(GroupRow.id.in_(page), *_is_free(before), ~serves)
        .order_by(GroupRow.id)
    )
    if not work.session.scalars(free).all():
        return 0, page[-1]
    # Asked again: from now on no execution is given to anybody who might keep it.
    priorities.wait_for_turn(work)
    locked = work.session.scalars(free.with_for_update(skip_locked=True)).all()
    # A ranking names its best candidate, so it goes before the candidates do.
    old = set(locked) - revocation.revoke(work, locked, revocation.SET_ASIDE).keys()
    requests = select(SampleRequestRow.id).where(SampleRequestRow.group_id.in_(old))
    work.session.execute(
        delete(KeptCompletionRow).where(KeptCompletionRow.scope.in_(requests.scalar_subquery()))
    )
    count = _count(work, delete(GroupRow).where(GroupRow.id.in_(old)))
    return count, below if count else page[-1]  # Others of these may be free now.


def _is_old(before: datetime) -> tuple[ColumnElement[bool], ...]:
    return GroupRow.state == GroupState.RANKED, GroupRow.ranked_at < before


def _is_free(before: datetime) -> tuple[ColumnElement[bool], ...]:
    in_use = exists().where(
        RankingRow.group_id == GroupRow.id,
        or_(
            exists().where(
                TrainingBatchRow.id == RankingRow.training_batch_id, ~revocation.SET_ASIDE
            ),
            batches.UNBATCHED,  # It will be in a batch.
        ),
    )
    return *_is_old(before), ~in_use


def _has_old_output(before: datetime) -> tuple[ColumnElement[bool], ...]:
    printed = (ExecutionRow.stdout != "") | (ExecutionRow.stderr != "")
    return ExecutionRow.created_at < before, printed


def _outputs(work: Work, before: datetime) -> int:
    old = (
        select(ExecutionRow.id)
        .where(*_has_old_output(before))
        .order_by(ExecutionRow.created_at)
        .limit(_CHUNK)
    )
    return _count(
        work,
        update(ExecutionRow)
        .where(ExecutionRow.id.in_(old.scalar_subquery()))
        .values(stdout="", stderr="")
        .execution_options(synchronize_session=False),
    )


def forget_requests(work: Work, before: datetime, most: int = _CHUNK) -> int:
    """Delete answers kept for repeats of requests that old; return how many, at most `most`."""
    row = IdempotentRequestRow
    old = (
        select(row.api_key_id, row.key)
        .where(row.created_at < before)
        .limit(most)
        .with_for_update(skip_locked=True)
        .cte()
    )
    return _count(
        work,
        delete(row)
        .where(row.api_key_id == old.c.api_key_id, row.key == old.c.key)
        .execution_options(synchronize_session=False),
    )


def _count(work: Work, statement: Delete | Update) -> int:
    result = work.session.execute(statement)
    assert isinstance(result, CursorResult)
    return result.rowcount
