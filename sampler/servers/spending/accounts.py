"""What one endpoint may still cost, and when it may be asked next: pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sampler.backends import SamplesExhausted
from sampler.servers.endpoints import Endpoint

_BURST_SECONDS = 6.0
"""A rate may be used this much ahead of time: a tenth of a minute's requests at once."""


class BudgetExceeded(SamplesExhausted):
    """The budget of an endpoint does not allow another request."""

    code = "budget_exceeded"


@dataclass
class Account:
    """Where one endpoint stands, over all workers."""

    committed: Decimal = Decimal(0)
    """Cost of all requests; one without a known cost counts with the most that it can be."""
    requests_at: datetime | None = None
    """When all requests allowed so far are used up, at the endpoint's rate."""
    tokens_at: datetime | None = None
    """The same for tokens."""

    def reserve(self, endpoint: Endpoint, cost: Decimal, tokens: int, now: datetime) -> float:
        """Take a request's cost and its place in the rates; return the seconds it must wait.

        Raises:
            BudgetExceeded: it could cost more than is left; nothing is taken.
        """
        if endpoint.budget is not None and self.committed + cost > endpoint.budget:
            raise BudgetExceeded(
                f"the budget of {endpoint.name!r} is {_money(endpoint.budget)}:"
                f" {_money(self.committed)} is spent or reserved, and the next request may cost"
                f" {_money(cost)}"
            )
        self.committed += cost
        waits = [0.0]
        # A generic cell rate algorithm: each request moves the time by its share of a minute.
        if endpoint.requests_per_minute:
            begins = max(self.requests_at or now, now)
            self.requests_at = begins + timedelta(minutes=1 / endpoint.requests_per_minute)
            waits.append((begins - now).total_seconds() - _BURST_SECONDS)
        if endpoint.tokens_per_minute:
            begins = max(self.tokens_at or now, now)
            self.tokens_at = begins + timedelta(minutes=tokens / endpoint.tokens_per_minute)
            waits.append((begins - now).total_seconds() - _BURST_SECONDS)
        return max(waits)


def needs_account(endpoint: Endpoint) -> bool:
    """Tell whether an endpoint has a price or a rate; one with neither needs no common row."""
    return bool(
        endpoint.input_price
        or endpoint.output_price
        or endpoint.requests_per_minute
        or endpoint.tokens_per_minute
    )


def _money(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
