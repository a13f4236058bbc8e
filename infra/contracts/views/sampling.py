"""What the REST API answers about model servers and the models behind them."""

from decimal import Decimal

from pydantic import Field

from infra.contracts.base import CallState, Contract


class EndpointView(Contract):
    """A model server by the name that plans use, and what was asked of it so far."""

    name: str
    calls: dict[CallState, int]
    """Requests in each state."""
    prompt_tokens: int
    completion_tokens: int
    """As the server counted them."""
    cost: Decimal
    """In the currency of its prices; a request of unknown cost counts with the most it can be."""
    budget: Decimal | None
    """Most that it may cost; null where there is no limit."""


class TeacherView(Contract):
    """How one teacher's best program of a group compares with the students' best."""

    model: str
    groups: int
    """Groups in which it and a student have labelled programs."""
    wins: int
    ties: int
    losses: int
    win_rate: float = Field(ge=0, le=1)
    """Wins and half of the ties, over all groups."""
