"""The outbox: which committed work goes to the queue next, and which need not go at all.

What is submitted and has no `sent_at` waits here; `priorities` says whose goes next. A program
that was executed against the same tests in the same sandbox takes that execution's label; one that
is being executed elsewhere is followed.
"""

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import (
    LargeBinary,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    func,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from infra import errors, stored_problems
from infra.contracts.base import CandidateState, Integrity
from infra.contracts.candidates import RankGroup
from infra.contracts.execution import ExecutionRequest, Program, Suite
from infra.db.tables import (
    UNSENT,
    CandidateRow,
    ExecutionRow,
    GroupRow,
    ProblemRow,
    SandboxProfileRow,
)
from infra.db.unit_of_work import Work
from infra.observability import logs, metrics
from infra.queues.messaging import Task
from ranker import groups, labels
from services.delivery import priorities
from services.delivery.priorities import PriorityClass
from services.delivery.suites import KnownSuites

log = logs.get(__name__)

BATCH_CANDIDATES = 32
"""Most candidates in one message; they share the message's tests."""
BATCH_CHARACTERS = 2_000_000
"""Most program text in one message, unless a single program is longer."""
_SMALL_BATCH = 4
_SPREAD = 16
"""Messages over which a small backlog is spread, so that no worker waits beside a long one."""
_LOOK_AHEAD = 2_048
"""Most candidates looked at in one round; those that need no execution cost the queue nothing."""
_UPGRADE = timedelta(minutes=10)
"""How long, after a new sandbox version was first heard of, an older one's executions serve."""


# Made once: to build a statement costs more than to send it.
_THESE = bindparam("ids", type_=ARRAY(Uuid))
_KEYS = bindparam("keys", type_=ARRAY(LargeBinary))
_HEAD = (
    select(
        CandidateRow.id,
        CandidateRow.group_id,
        GroupRow.problem_id,
        CandidateRow.cache_key,
        CandidateRow.interactive,
        CandidateRow.attempts,
    )
    .join(GroupRow, CandidateRow.group_id == GroupRow.id)
    .where(
        text(f"candidates.{UNSENT.replace(' AND ', ' AND candidates.')}"),
        CandidateRow.interactive == bindparam("interactive"),
        CandidateRow.api_key_id == bindparam("api_key_id"),
    )
    .order_by(CandidateRow.id)
    .limit(bindparam("most"))
)
_NEWEST = select(func.max(SandboxProfileRow.seen_at)).scalar_subquery()
_CURRENT = select(SandboxProfileRow.sandbox).where(SandboxProfileRow.seen_at > _NEWEST - _UPGRADE)
_EXECUTED = (
    select(ExecutionRow.cache_key, ExecutionRow.id)
    .where(
        ExecutionRow.cache_key == any_(_KEYS),
        ExecutionRow.sandbox.in_(_CURRENT.scalar_subquery()),
        ~ExecutionRow.unstable,
    )
    .order_by(ExecutionRow.id)
)
_UNDER_WAY = select(CandidateRow.cache_key, CandidateRow.interactive, CandidateRow.id).where(
    CandidateRow.cache_key == any_(_KEYS),
    CandidateRow.state == CandidateState.SUBMITTED,
    CandidateRow.sent_at.is_not(None),
)
_LEADERS = text(
    """
    WITH RECURSIVE led AS (
        (SELECT follows FROM candidates WHERE follows IS NOT NULL ORDER BY follows LIMIT 1)
        UNION ALL
        SELECT (SELECT follows FROM candidates WHERE follows > led.follows
                ORDER BY follows LIMIT 1) FROM led WHERE led.follows IS NOT NULL
    ) SELECT follows FROM led WHERE follows IS NOT NULL"""
)
_ENDED = select(CandidateRow.id).where(
    CandidateRow.id == any_(_THESE),
    # One that went back to the outbox leads no longer.
    (CandidateRow.state != CandidateState.SUBMITTED) | CandidateRow.sent_at.is_(None),
)
_IS_OPEN = select(
    select(CandidateRow.id).where(CandidateRow.state == CandidateState.SUBMITTED).exists()
)
_DECIDED = select(ProblemRow.id, ProblemRow.decided).where(ProblemRow.id == any_(_THESE))
_UNSENT = (
    select(CandidateRow.id)
    .where(
        CandidateRow.id == any_(_THESE),
        CandidateRow.state == CandidateState.SUBMITTED,
        CandidateRow.sent_at.is_(None),
        CandidateRow.follows.is_(None),
    )
    # In the order in which everybody locks candidates.
    .order_by(CandidateRow.id)
    .with_for_update(key_share=True)
    .cte("unsent")
    .prefix_with("MATERIALIZED")
)
_MARK_SENT = (
    update(CandidateRow)
    .where(CandidateRow.id == _UNSENT.c.id)
    .values(sent_at=func.clock_timestamp())
    .returning(CandidateRow.id, CandidateRow.attempts, CandidateRow.program)
    .execution_options(synchronize_session=False)
)


class CandidateBatch(NamedTuple):
    """One message for the executor."""

    request: ExecutionRequest
    interactive: bool
    groups: tuple[UUID, ...]
    """Whose candidates it holds."""


class Suites:
    """The suites of recent problems."""

    def __init__(self) -> None:
        self._known = KnownSuites[tuple[UUID, Integrity | None]]()

    def of(self, session: Session, problem_ids: Iterable[UUID]) -> dict[UUID, Suite]:
        """Return the suites of problems with what is decided, read when first asked for so.

        One that another version stored, and that is none to this one, is left out.
        """
        decided = session.execute(_DECIDED, {"ids": list(set(problem_ids))})
        suites = {}
        for problem_id, integrity in decided:
            read = functools.partial(stored_problems.load_suite, session, problem_id)
            try:
                suites[problem_id] = self._known.get((problem_id, integrity), read).suite
            except errors.ProblemUnsound as error:
                # A newer version may have stored it: as if sent and lost, they go with the sweep.
                log.warning("problem.unreadable", problem_id=str(problem_id), reason=error.detail)
        return suites


class Waiting(NamedTuple):
    """A candidate of the outbox."""

    id: UUID
    group_id: UUID
    problem_id: UUID
    cache_key: bytes | None
    interactive: bool
    attempts: int


def give_back(work: Work, batches: Iterable[CandidateBatch]) -> None:
    """Put candidates that the queue did not take back into the outbox."""
    ids = [program.candidate_id for batch in batches for program in batch.request.programs]
    work.session.execute(
        update(CandidateRow)
        .where(
            CandidateRow.id.in_(ids),
            CandidateRow.state == CandidateState.SUBMITTED,
            # The queue may have taken it after all, without being able to say so.
            CandidateRow.started_at.is_(None) | (CandidateRow.started_at < CandidateRow.sent_at),
        )
        .values(sent_at=None)
        .execution_options(synchronize_session=False)
    )


def choose(session: Session, messages: int) -> list[list[Waiting]]:
    """Choose whose candidates go next: at most so many batches, of one problem each."""
    waiting = priorities.waiting(session)
    if not waiting:
        return []
    under_way = priorities.under_way(session, CandidateRow)
    look = min(_LOOK_AHEAD, max(_SPREAD, 2 * messages) * BATCH_CANDIDATES)
    share = max(look // len(waiting), BATCH_CANDIDATES)
    # The last candidate of a class may have gone since it was listed: its verdict came late.
    queued = {
        priority: cut for priority in waiting if (cut := _cut(_head(session, priority, share)))
    }
    chosen: list[list[Waiting]] = []
    while queued and len(chosen) < messages:
        priority = priorities.next_of(queued, under_way)
        chosen.append(queued[priority].pop(0))
        under_way[priority.api_key_id] = under_way.get(priority.api_key_id, 0) + len(chosen[-1])
        if not queued[priority]:
            del queued[priority]
    return chosen


def _head(session: Session, priority: PriorityClass, limit: int) -> Sequence[Waiting]:
    rows = session.execute(_HEAD, {**priority._asdict(), "most": limit})
    return [Waiting(*row) for row in rows]


def _cut(rows: Sequence[Waiting]) -> list[list[Waiting]]:
    """Cut the head of a class into batches of one problem, in the order of first candidates.

    One that was begun before goes alone: should it end its worker again, it takes nobody along.
    """
    size = min(BATCH_CANDIDATES, max(_SMALL_BATCH, -(-len(rows) // _SPREAD)))
    batches: list[list[Waiting]] = []
    growing: dict[UUID, list[Waiting]] = {}
    for row in rows:
        if row.attempts:
            batches.append([row])
            continue
        batch = growing.get(row.problem_id)
        if batch is None or len(batch) == size:
            batch = growing[row.problem_id] = []
            batches.append(batch)
        batch.append(row)
    return batches


def serve(work: Work, chosen: Iterable[Sequence[Waiting]]) -> set[UUID]:
    """Label candidates whose program was executed before; return their ids."""
    keyed = [row for rows in chosen for row in rows if row.cache_key is not None]
    if not keyed:
        return set()
    keys = list({row.cache_key for row in keyed})
    found = {row.cache_key: row.id for row in work.session.execute(_EXECUTED, {"keys": keys})}
    hits = {row.id: found[row.cache_key] for row in keyed if row.cache_key in found}
    return _label(work, {row.group_id for row in keyed if row.id in hits}, hits)


def _label(work: Work, touched: Iterable[UUID], executions: Mapping[UUID, UUID]) -> set[UUID]:
    """Give candidates, and the duplicates of those, the label of another's execution."""
    if not executions:
        return set()
    groups.lock(work, touched)
    labelled = {one.id for one in labels.by_executions(work, executions)}
    metrics.CACHE_HITS.inc(len(labelled))
    for group_id in groups.complete(work.session, touched):
        work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
    return labelled


def _follow(work: Work, rows: Iterable[Waiting]) -> set[UUID]:
    """Let candidates wait for a program like theirs that is under way, or goes now.

    What somebody waits for does not wait for bulk work, behind which it would stand.
    """
    keyed = [row for row in rows if row.cache_key is not None]
    keys = list({row.cache_key for row in keyed})
    sent = work.session.execute(_UNDER_WAY, {"keys": keys})
    leaders = {(row.cache_key, row.interactive): row.id for row in sent}
    following: dict[UUID, UUID] = {}
    for row in keyed:
        urgent = leaders.get((row.cache_key, True))
        leader = urgent or leaders.setdefault((row.cache_key, row.interactive), row.id)
        if leader != row.id:
            following[row.id] = leader
    for leader in set(following.values()):
        work.session.execute(
            update(CandidateRow)
            .where(
                CandidateRow.id.in_([one for one, led in following.items() if led == leader]),
                CandidateRow.state == CandidateState.SUBMITTED,
                # Else it has begun meanwhile, by a message that came late.
                CandidateRow.sent_at.is_(None),
            )
            .values(follows=leader)
            .execution_options(synchronize_session=False)
        )
    return set(following)


def is_anything_open(session: Session) -> bool:
    """Tell whether a candidate has no label yet, wherever it waits or runs."""
    return bool(session.scalar(_IS_OPEN))


def settle(work: Work) -> int:
    """Label who follows a candidate that is labelled; let go who follows one that cannot serve.

    Returns how many there were.
    """
    led_by = _leaders_that_ended(work.session)
    if not led_by:
        return 0
    leader = aliased(CandidateRow)
    serves = and_(leader.state == CandidateState.LABELLED, ~ExecutionRow.unstable)
    rows = work.session.execute(
        select(
            CandidateRow.id,
            CandidateRow.group_id,
            case((serves, leader.execution_id), else_=null()).label("execution_id"),
        )
        .join(leader, CandidateRow.follows == leader.id)
        .outerjoin(ExecutionRow, ExecutionRow.id == leader.execution_id)
        .where(CandidateRow.follows.in_(led_by))
        .limit(_LOOK_AHEAD)
    ).all()
    serving = {row.id: row.execution_id for row in rows if row.execution_id is not None}
    _label(work, {row.group_id for row in rows if row.id in serving}, serving)
    work.session.execute(
        update(CandidateRow)
        .where(CandidateRow.id.in_([row.id for row in rows if row.execution_id is None]))
        .values(follows=null())
        .execution_options(synchronize_session=False)
    )
    return len(rows)


def _leaders_that_ended(session: Session) -> Sequence[UUID]:
    leaders = session.scalars(_LEADERS).all()
    return session.scalars(_ENDED, {"ids": list(leaders)}).all() if leaders else []


def send(work: Work, chosen: Iterable[Sequence[Waiting]], suites: Suites) -> list[CandidateBatch]:
    """Mark candidates as sent and return their messages; some follow others instead.

    Each of what is chosen holds candidates of one problem.
    """
    chosen = list(chosen)
    following = _follow(work, [row for rows in chosen for row in rows])
    going = [[row for row in rows if row.id not in following] for rows in chosen]
    programs = _mark_sent(work, [row.id for rows in going for row in rows])
    sent = [[row for row in rows if row.id in programs] for rows in going]
    sent = [rows for rows in sent if rows]
    known = suites.of(work.session, (rows[0].problem_id for rows in sent))
    return [
        batch
        for rows in sent
        if rows[0].problem_id in known
        for batch in _batches(rows, programs, known[rows[0].problem_id])
    ]


def _mark_sent(work: Work, candidate_ids: Sequence[UUID]) -> dict[UUID, Program]:
    """Mark candidates as sent; return the programs of those that still were to go."""
    rows = work.session.execute(_MARK_SENT, {"ids": list(candidate_ids)})
    return {
        row.id: Program(candidate_id=row.id, attempt=row.attempts + 1, source=row.program)
        for row in rows
    }


def _batches(
    waiting: Sequence[Waiting], programs: Mapping[UUID, Program], suite: Suite
) -> Iterator[CandidateBatch]:
    """Make the messages of candidates of one problem."""
    rows = sorted(waiting, key=lambda row: row.id)
    group_of = {row.id: row.group_id for row in rows}
    for held in _by_size([programs[row.id] for row in rows]):
        yield CandidateBatch(
            ExecutionRequest(problem_id=rows[0].problem_id, suite=suite, programs=tuple(held)),
            rows[0].interactive,
            tuple(dict.fromkeys(group_of[program.candidate_id] for program in held)),
        )


def _by_size(programs: Iterable[Program]) -> list[list[Program]]:
    cut: list[list[Program]] = [[]]
    characters = 0
    for program in programs:
        characters += len(program.source)
        if cut[-1] and characters > BATCH_CHARACTERS:
            cut.append([])
            characters = len(program.source)
        cut[-1].append(program)
    return cut
