"""What some questions have cost so far: requests, tokens, money and time, by endpoint."""

from collections.abc import Collection
from decimal import Decimal
from itertools import islice
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from infra.contracts.base import CallState, Contract
from infra.db.ledger import CallRow

_SCOPES = 10_000
"""Named in one query."""


class Spent(Contract):
    """What one endpoint was asked."""

    endpoint: str
    requests: int
    """All that were sent, those included that brought nothing."""
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    """In the currency of its prices; of a request without a known cost, the most that it can be."""
    seconds: float
    """That requests took, one after another, waiting for the endpoint's rates included."""


def spent(session: Session, scopes: Collection[UUID]) -> tuple[Spent, ...]:
    """Sum up the requests that were made for these scopes."""
    sums: dict[str, Spent] = {}
    left = iter(scopes)
    while part := list(islice(left, _SCOPES)):
        for row in session.execute(_SUMS.where(CallRow.scope.in_(part))):
            found = Spent.model_validate(row._asdict())
            before = sums.get(found.endpoint)
            sums[found.endpoint] = _added(before, found) if before else found
    return tuple(sums[name] for name in sorted(sums))


def _added(one: Spent, other: Spent) -> Spent:
    both = {
        name: getattr(one, name) + getattr(other, name)
        for name in Spent.model_fields
        if name != "endpoint"
    }
    return Spent(endpoint=one.endpoint, **both)


_SUMS = (
    select(
        CallRow.endpoint,
        func.count().label("requests"),
        func.coalesce(func.sum(CallRow.prompt_tokens), 0).label("prompt_tokens"),
        func.coalesce(func.sum(CallRow.completion_tokens), 0).label("completion_tokens"),
        func.coalesce(func.sum(func.coalesce(CallRow.cost, CallRow.reserved)), 0).label("cost"),
        func.coalesce(func.sum(func.extract("epoch", CallRow.ended_at - CallRow.sent_at)), 0).label(
            "seconds"
        ),
    )
    .where(CallRow.state != CallState.REFUSED)
    .group_by(CallRow.endpoint)
)
