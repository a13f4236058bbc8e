"""Writes down every request to a model server: before it is sent, and what became of it.

A row lives in Postgres before its request leaves, so that after a crash it is known what was paid
and what perhaps was. What came is kept at once, and never asked for again.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from infra.contracts.base import CallState, new_id
from infra.db.ledger import CallRow, EndpointAccountRow, KeptCompletionRow
from infra.db.unit_of_work import Database, Work
from sampler.backends import Completion, SamplesExhausted
from sampler.endpoints import Endpoint
from sampler.wire import Reply

_BURST_SECONDS = 6.0
"""A rate may be used this much ahead of time: a tenth of a minute's requests at once."""
_FREE = Decimal(0)


class BudgetExceeded(SamplesExhausted):
    """The budget of an endpoint does not allow another request."""

    code = "budget_exceeded"


class Entry(NamedTuple):
    """A request that is to be made."""

    scope: UUID
    positions: tuple[int, ...]
    """Of the completions it asks for, within the scope."""
    prompt_tokens: int
    """At most."""
    completion_tokens: int
    """At most, over all completions."""
    expected_tokens: int
    """Of prompt and completions, for the endpoint's rate."""


class Begun(NamedTuple):
    """A request that may be sent, once `wait_seconds` have passed."""

    call_id: UUID
    wait_seconds: float
    reserved: Decimal


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
                    text=row.text, model=row.model, finish_reason=row.finish_reason, seed=row.seed
                )
                for row in rows
            }

    def begin(self, endpoint: Endpoint, model: str, entry: Entry) -> Begun:
        """Reserve the most that a request can cost and its place in the endpoint's rate.

        Raises:
            BudgetExceeded: it could cost more than is left.
        """
        call_id = new_id()
        reserved = endpoint.cost(entry.prompt_tokens, entry.completion_tokens)
        with self._database.unit_of_work() as work:
            wait = self._reserve(work.session, endpoint, reserved, entry.expected_tokens)
            work.session.execute(
                insert(CallRow).values(
                    id=call_id,
                    scope=entry.scope,
                    position=entry.positions[0],
                    num_samples=len(entry.positions),
                    endpoint=endpoint.name,
                    model=model,
                    state=CallState.SENT,
                    reserved=reserved,
                )
            )
        return Begun(call_id, wait, reserved)

    @staticmethod
    def _reserve(session: Session, endpoint: Endpoint, reserved: Decimal, tokens: int) -> float:
        """Return the seconds to wait for the endpoint's rate."""
        if not _has_account(endpoint):
            return 0.0
        account = EndpointAccountRow
        session.execute(insert(account).values(endpoint=endpoint.name).on_conflict_do_nothing())
        now = func.clock_timestamp()
        values: dict[str, Any] = {
            "committed": account.committed + reserved,
            "budget": endpoint.budget,
        }
        lags = []
        for column, seconds in (
            (account.requests_at, _seconds(1, endpoint.requests_per_minute)),
            (account.tokens_at, _seconds(tokens, endpoint.tokens_per_minute)),
        ):
            if seconds:
                step = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
                values[column.key] = func.greatest(column, now) + step
                lags.append(func.extract("epoch", column - now) - seconds)
        query = update(account).where(account.endpoint == endpoint.name).values(values)
        if endpoint.budget is not None:
            query = query.where(account.committed + reserved <= endpoint.budget)
        row = session.execute(query.returning(account.endpoint, *lags)).one_or_none()
        if row is None:
            spent = session.scalar(
                select(account.committed).where(account.endpoint == endpoint.name)
            )
            raise BudgetExceeded(
                f"the budget of {endpoint.name!r} is {_money(endpoint.budget)}:"
                f" {_money(spent)} is spent or reserved, and the next request may cost"
                f" {_money(reserved)}"
            )
        return max([0.0, *(float(lag) - _BURST_SECONDS for lag in row[1:])])

    def complete(
        self,
        endpoint: Endpoint,
        begun: Begun,
        reply: Reply,
        kept: Sequence[tuple[int, Completion]],
        scope: UUID,
    ) -> None:
        """Keep what a request brought, with its position, and settle its cost.

        A server that says nothing of tokens is paid what was reserved.
        """
        cost = begun.reserved
        if reply.prompt_tokens is not None:
            cost = endpoint.cost(reply.prompt_tokens, reply.completion_tokens or 0)
        with self._database.unit_of_work() as work:
            self._settle(
                work.session,
                endpoint,
                begun,
                cost,
                state=CallState.COMPLETED,
                prompt_tokens=reply.prompt_tokens,
                completion_tokens=reply.completion_tokens,
            )
            rows = [
                {
                    "scope": scope,
                    "position": position,
                    "call_id": begun.call_id,
                    "text": completion.text,
                    "model": completion.model,
                    "finish_reason": completion.finish_reason,
                    "seed": completion.seed,
                }
                for position, completion in kept
            ]
            work.session.execute(insert(KeptCompletionRow).on_conflict_do_nothing(), rows)

    def end(self, endpoint: Endpoint, begun: Begun, reason: str, *, billed: bool) -> None:
        """Record that a request brought nothing; one that may be billed keeps its reserve."""
        with self._database.unit_of_work() as work:
            self._settle(
                work.session,
                endpoint,
                begun,
                None if billed else _FREE,
                state=CallState.LOST if billed else CallState.REFUSED,
                reason=reason,
            )

    @staticmethod
    def _settle(
        session: Session, endpoint: Endpoint, begun: Begun, cost: Decimal | None, **values: Any
    ) -> None:
        session.execute(
            update(CallRow)
            .where(CallRow.id == begun.call_id)
            .values(cost=cost, ended_at=func.clock_timestamp(), **values)
        )
        if cost is not None and cost != begun.reserved:
            account = EndpointAccountRow
            session.execute(
                update(account)
                .where(account.endpoint == endpoint.name)
                .values(committed=account.committed + (cost - begun.reserved))
            )


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


def _has_account(endpoint: Endpoint) -> bool:
    return bool(
        endpoint.input_price
        or endpoint.output_price
        or endpoint.requests_per_minute
        or endpoint.tokens_per_minute
    )


def _money(amount: Decimal | None) -> str:
    return f"{(amount or _FREE).normalize():f}"


def _seconds(amount: float, per_minute: float | None) -> float:
    return 0.0 if per_minute is None else amount * 60.0 / per_minute
