"""Tables of what is asked of model servers: every request, what it cost, and what it brought.

They name no group by a foreign key: what was paid stays paid when a group is deleted.
"""

from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Numeric, func
from sqlalchemy.orm import Mapped, mapped_column

from infra.contracts.base import CallState, new_id
from infra.db.tables import Json, Source, Table, _enum

COST = Numeric(24, 12)
"""Costs are in the currency of the endpoint's prices, exact to a part of the price of a token."""


class EndpointAccountRow(Table):
    """What an endpoint has cost, and when it may be asked next; one row orders all workers."""

    __tablename__ = "endpoint_accounts"

    endpoint: Mapped[str] = mapped_column(primary_key=True)
    committed: Mapped[Decimal] = mapped_column(COST, default=0)
    """Cost of all its calls; one without a known cost counts with the most that it can be."""
    budget: Mapped[Decimal | None] = mapped_column(COST)
    """Most that it may cost, as whoever asked last was told."""
    requests_at: Mapped[datetime | None]
    """When all requests allowed so far are used up, at the endpoint's rate."""
    tokens_at: Mapped[datetime | None]
    """The same for tokens."""


class CallRow(Table):
    """One request to a model server; written before it is sent."""

    __tablename__ = "sampling_calls"
    __table_args__ = (
        Index(None, "scope", "position"),
        Index(None, "endpoint", "state"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    scope: Mapped[UUID]
    """What it was made for: the request for samples, or the text that was asked."""
    position: Mapped[int]
    """First of the samples it asks for, within the scope."""
    num_samples: Mapped[int]
    endpoint: Mapped[str]
    model: Mapped[str]
    state: Mapped[CallState] = mapped_column(_enum(CallState))
    reserved: Mapped[Decimal] = mapped_column(COST)
    """The most that it can cost."""
    cost: Mapped[Decimal | None] = mapped_column(COST)
    """What it did cost; null while that is not known, and `reserved` counts."""
    prompt_tokens: Mapped[int | None] = mapped_column(BigInteger)
    completion_tokens: Mapped[int | None] = mapped_column(BigInteger)
    reason: Mapped[str | None]
    """Why it brought nothing."""
    sent_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    ended_at: Mapped[datetime | None]


class KeptCompletionRow(Table):
    """A completion that was paid for, kept until its request for samples is answered in full."""

    __tablename__ = "kept_completions"

    scope: Mapped[UUID] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(
        ForeignKey("sampling_calls.id", ondelete="CASCADE"), index=True
    )
    text: Mapped[str] = mapped_column(Source)
    model: Mapped[str]
    finish_reason: Mapped[str | None]
    seed: Mapped[int | None] = mapped_column(BigInteger)
    sampled: Mapped[Json | None] = mapped_column(JSON(none_as_null=True))
    """`contracts.prompting.Sampled`; null where it is not known."""
    policy_version: Mapped[int | None]
    """Of the checkpoint that wrote it, where the endpoint serves a policy of this suite."""
    admitted: Mapped[bool] = mapped_column(default=False)
    """Whether it is a candidate already, of a request for samples that was set aside incomplete."""
