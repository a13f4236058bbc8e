"""Writes down every request to a model server: before it is sent, and what became of it.

A row lives in Postgres before its request leaves, so that after a crash it is known what was paid
and what perhaps was. What came is kept at once, and never asked for again.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra.contracts.base import CallState, SampleState, new_id
from infra.contracts.prompting import Sampled
from infra.db.ledger import CallRow, EndpointAccountRow, KeptCompletionRow
from infra.db.tables import SampleRequestRow
from infra.db.unit_of_work import Database, Work
from sampler.attempts import Attempt, Superseded
from sampler.backends import Completion
from sampler.servers.endpoints import Endpoint
from sampler.servers.replies import Reply
from sampler.servers.spending.accounts import Account, BudgetExceeded, needs_account
from sampler.servers.spending.totals import Spent, spent

_FREE = Decimal(0)


class Entry(NamedTuple):
    """A request that is to be made."""

    scope: UUID
    positions: tuple[int, ...]
    """Of the completions it asks for, within the scope."""
    model: str
    prompt_tokens: int
    """At most."""
    completion_tokens: int
    """At most, over all completions."""
    expected_tokens: int
    """Of prompt and completions, for the endpoint's rate."""
    attempt: Attempt | None = None
    """At the request for samples that it is made for, if it is made for one."""


class Begun(NamedTuple):
    """A request that may be sent, once `wait_seconds` have passed."""

    call_id: UUID
    scope: UUID
    wait_seconds: float
    reserved: Decimal


Refusal = BudgetExceeded | Superseded
"""Why a request must not be made."""


class Ended(NamedTuple):
    """What became of a request."""

    begun: Begun
    state: CallState
    cost: Decimal | None
    """None where it is not known: then the reserve stands for it."""
    reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    kept: tuple[tuple[int, Completion], ...] = ()
    """Completions with their positions."""


def completed(
    endpoint: Endpoint, begun: Begun, reply: Reply, kept: Sequence[tuple[int, Completion]]
) -> Ended:
    """Describe the end of a request that was answered.

    A server that says nothing of tokens is paid what was reserved.
    """
    cost = begun.reserved
    if reply.prompt_tokens is not None:
        cost = endpoint.cost(reply.prompt_tokens, reply.completion_tokens or 0)
    return Ended(
        begun=begun,
        state=CallState.COMPLETED,
        cost=cost,
        prompt_tokens=reply.prompt_tokens,
        completion_tokens=reply.completion_tokens,
        kept=tuple(kept),
    )


def failed(begun: Begun, reason: str, *, billed: bool) -> Ended:
    """Describe the end of a request that brought nothing; one that may be billed is not free."""
    if billed:
        return Ended(begun, CallState.LOST, None, reason)
    return Ended(begun, CallState.REFUSED, _FREE, reason)


class Ledger:
    """The ledger of one database; any number of workers may write it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def kept(self, scope: UUID) -> dict[int, Completion]:
        """Return what is already there for a scope, by its position in it."""
        with self._database.reading() as session:
            rows = session.scalars(
                select(KeptCompletionRow).where(KeptCompletionRow.scope == scope)
            )
            return {
                row.position: Completion(
                    text=row.text,
                    model=row.model,
                    finish_reason=row.finish_reason,
                    seed=row.seed,
                    sampled=row.sampled and Sampled.model_validate(row.sampled),
                    policy_version=row.policy_version,
                )
                for row in rows
            }

    def spent(self, scopes: Collection[UUID]) -> tuple[Spent, ...]:
        """Return what was asked for some scopes, by endpoint."""
        with self._database.reading() as session:
            return spent(session, scopes)

    def write(
        self, endpoint: Endpoint, begins: Sequence[Entry], ends: Sequence[Ended]
    ) -> list[Begun | Refusal]:
        """Settle what ended, then reserve what is to begin, in one transaction.

        Returns for each beginning what it may do, or why it must not be made. Written again, for
        nobody knows whether a commit whose answer was lost has landed, an end changes nothing, and
        a beginning is reserved anew: what was reserved before was never sent.

        An attempt that another has taken the place of begins nothing; what it has paid for already
        is kept like everything else.
        """
        answers: list[Begun | Refusal] = []
        with self._database.unit_of_work() as work:
            session = work.session
            account, now = _lock_account(session, endpoint)
            ends = _not_settled(session, ends)
            for ended in ends:
                if ended.cost is not None:
                    account.committed += ended.cost - ended.begun.reserved
            current = _current(session, begins)
            for entry in begins:
                if entry.attempt is not None and entry.attempt.mark not in current:
                    answers.append(Superseded(f"another attempt has {entry.scope}"))
                    continue
                cost = endpoint.cost(entry.prompt_tokens, entry.completion_tokens)
                try:
                    wait = account.reserve(endpoint, cost, entry.expected_tokens, now)
                except BudgetExceeded as error:
                    answers.append(error)
                else:
                    answers.append(Begun(new_id(), entry.scope, wait, cost))
            _write_ends(session, ends)
            _write_begins(session, endpoint, begins, answers)
            _store_account(session, endpoint, account)
        return answers


def _lock_account(session: Session, endpoint: Endpoint) -> tuple[Account, datetime]:
    """Read the account and hold its row; an endpoint that needs none gets an empty one."""
    now = func.clock_timestamp()
    if not needs_account(endpoint):
        return Account(), session.execute(select(now)).scalar_one()
    row = EndpointAccountRow
    query = (
        select(row.committed, row.requests_at, row.tokens_at, now)
        .where(row.endpoint == endpoint.name)
        .with_for_update()
    )
    found = session.execute(query).one_or_none()
    if found is None:
        session.execute(insert(row).values(endpoint=endpoint.name).on_conflict_do_nothing())
        found = session.execute(query).one()
    return Account(*found[:3]), found[3]


def _current(session: Session, begins: Sequence[Entry]) -> set[tuple[UUID, datetime | None]]:
    """Return the marks of the current attempts at the open requests for samples that ask."""
    asking = {entry.attempt.request_id for entry in begins if entry.attempt is not None}
    if not asking:
        return set()
    query = select(SampleRequestRow.id, SampleRequestRow.started_at).where(
        SampleRequestRow.id.in_(asking), SampleRequestRow.state == SampleState.SUBMITTED
    )
    return {(row.id, row.started_at) for row in session.execute(query)}


def _store_account(session: Session, endpoint: Endpoint, account: Account) -> None:
    if needs_account(endpoint):
        session.execute(
            update(EndpointAccountRow)
            .where(EndpointAccountRow.endpoint == endpoint.name)
            .values(
                committed=account.committed,
                budget=endpoint.budget,
                requests_at=account.requests_at,
                tokens_at=account.tokens_at,
            )
        )


def _write_begins(
    session: Session,
    endpoint: Endpoint,
    begins: Sequence[Entry],
    answers: Sequence[Begun | Refusal],
) -> None:
    rows = [
        {
            "id": begun.call_id,
            "scope": entry.scope,
            "position": entry.positions[0],
            "num_samples": len(entry.positions),
            "endpoint": endpoint.name,
            "model": entry.model,
            "state": CallState.SENT,
            "reserved": begun.reserved,
        }
        for entry, begun in zip(begins, answers, strict=True)
        if isinstance(begun, Begun)
    ]
    if rows:
        session.execute(insert(CallRow), rows)


def _not_settled(session: Session, ends: Sequence[Ended]) -> list[Ended]:
    """Return those whose request is under way still, and hold their rows."""
    if not ends:
        return []
    query = (
        select(CallRow.id)
        .where(CallRow.id.in_([one.begun.call_id for one in ends]), CallRow.state == CallState.SENT)
        .with_for_update()
    )
    under_way = set(session.scalars(query))
    return [one for one in ends if one.begun.call_id in under_way]


def _write_ends(session: Session, ends: Sequence[Ended]) -> None:
    if not ends:
        return
    call = CallRow.__table__.c
    session.connection().execute(
        update(CallRow)
        .where(call.id == bindparam("call_id"))
        .values(
            state=bindparam("ended"),
            cost=bindparam("paid"),
            reason=bindparam("because"),
            prompt_tokens=bindparam("read"),
            completion_tokens=bindparam("written"),
            ended_at=func.clock_timestamp(),
        ),
        [
            {
                "call_id": one.begun.call_id,
                "ended": one.state,
                "paid": one.cost,
                "because": one.reason,
                "read": one.prompt_tokens,
                "written": one.completion_tokens,
            }
            for one in ends
        ],
    )
    rows = [
        {
            "scope": one.begun.scope,
            "position": position,
            "call_id": one.begun.call_id,
            "text": completion.text,
            "model": completion.model,
            "finish_reason": completion.finish_reason,
            "seed": completion.seed,
            "sampled": completion.sampled and completion.sampled.model_dump(mode="json"),
            "policy_version": completion.policy_version,
            "admitted": False,
        }
        for one in ends
        for position, completion in one.kept
    ]
    if rows:
        session.execute(insert(KeptCompletionRow).on_conflict_do_nothing(), rows)


def admitted(session: Session, scope: UUID) -> set[int]:
    """Return the positions that became candidates when the scope was closed incomplete."""
    query = select(KeptCompletionRow.position).where(
        KeptCompletionRow.scope == scope, KeptCompletionRow.admitted
    )
    return set(session.scalars(query))


def mark_admitted(work: Work, scope: UUID) -> None:
    """Remember of all that is kept that it lies in the candidates now."""
    work.session.execute(
        update(KeptCompletionRow).where(KeptCompletionRow.scope == scope).values(admitted=True)
    )


def forget(work: Work, scope: UUID) -> None:
    """Drop what was kept for a scope: all of it lies in the candidates."""
    work.session.execute(delete(KeptCompletionRow).where(KeptCompletionRow.scope == scope))
