"""Who waits for work to be given out, and whose goes next: samples and candidates alike.

Interactive work goes first; between API keys that one goes next which has the least under way.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import Select, func, select, text, update
from sqlalchemy.orm import Session

from infra.contracts.base import SampleState
from infra.contracts.candidates import SampleGroup
from infra.db.locks import Lock
from infra.db.tables import UNSENT, UNSENT_SAMPLES, CandidateRow, SampleRequestRow
from infra.db.unit_of_work import Work

# Made once: to build a statement costs more than to send it.
_TRY_TURN = select(func.pg_try_advisory_xact_lock(Lock.GIVING_OUT))


class PriorityClass(NamedTuple):
    """The waiting work of one API key at one priority."""

    interactive: bool
    api_key_id: int


def has_turn(work: Work) -> bool:
    """Tell whether nobody else gives out work, or deletes executions, until this commits."""
    return bool(work.session.scalar(_TRY_TURN))


def wait_for_turn(work: Work) -> None:
    """Wait until nobody else gives out work; nobody will until this commits."""
    work.session.execute(select(func.pg_advisory_xact_lock(Lock.GIVING_OUT)))


def waiting(
    session: Session, table: str = "candidates", unsent: str = UNSENT
) -> list[PriorityClass]:
    """List who has work waiting; it costs one step in an index for each of them."""
    # Postgres has no skip scan for DISTINCT; this is one.
    query = text(
        f"""
        WITH RECURSIVE priority AS (
            (SELECT interactive, api_key_id FROM {table} WHERE {unsent}
             ORDER BY interactive, api_key_id LIMIT 1)
            UNION ALL
            SELECT next.interactive, next.api_key_id FROM priority, LATERAL (
                SELECT interactive, api_key_id FROM {table} WHERE {unsent}
                AND (interactive, api_key_id) > (priority.interactive, priority.api_key_id)
                ORDER BY interactive, api_key_id LIMIT 1) AS next
        ) SELECT interactive, api_key_id FROM priority"""  # noqa: S608 - constants of ours
    )
    return [PriorityClass(*row) for row in session.execute(query)]


def under_way(
    session: Session, table: type[CandidateRow] | type[SampleRequestRow]
) -> dict[int, int]:
    """Count the work of each key that the queue or a worker has."""
    return {api_key_id: count for api_key_id, count in session.execute(_under_way(table))}


@functools.cache
def _under_way(table: type[CandidateRow] | type[SampleRequestRow]) -> Select[int, int]:
    return (
        select(table.api_key_id, func.count())
        .where(table.state == "submitted", table.sent_at.is_not(None))
        .group_by(table.api_key_id)
    )


def next_of(queued: Iterable[PriorityClass], counts: Mapping[int, int]) -> PriorityClass:
    """Return whose turn it is, given how much each key has under way."""
    return min(
        queued, key=lambda priority: (not priority.interactive, counts.get(priority.api_key_id, 0))
    )


def take_samples(work: Work, messages: int) -> list[tuple[SampleGroup, bool]]:
    """Mark requests for samples as sent; return their messages, and whether each is interactive.

    Of the requests of one priority class the oldest goes first.
    """
    if messages <= 0:
        return []
    row = SampleRequestRow
    unsent = (row.state == SampleState.SUBMITTED, row.sent_at.is_(None))
    queued: dict[PriorityClass, list[UUID]] = {}
    for priority in waiting(work.session, row.__tablename__, UNSENT_SAMPLES):
        oldest = (
            select(row.id)
            .where(
                *unsent,
                row.interactive == priority.interactive,
                row.api_key_id == priority.api_key_id,
            )
            .order_by(row.id)
            .limit(messages)
        )
        if ids := list(work.session.scalars(oldest)):
            queued[priority] = ids
    counts = under_way(work.session, row) if queued else {}
    chosen: list[UUID] = []
    while queued and len(chosen) < messages:
        priority = next_of(queued, counts)
        chosen.append(queued[priority].pop(0))
        counts[priority.api_key_id] = counts.get(priority.api_key_id, 0) + 1
        if not queued[priority]:
            del queued[priority]
    if not chosen:
        return []
    sent = work.session.execute(
        update(row)
        .where(row.id.in_(chosen), *unsent)
        .values(sent_at=func.clock_timestamp())
        .returning(row.id, row.interactive)
        .execution_options(synchronize_session=False)
    ).all()
    interactive = {row.id: row.interactive for row in sent}
    return [
        (SampleGroup(sample_request_id=one), interactive[one])
        for one in chosen
        if one in interactive
    ]
