"""What a larger evolution would take, by what a smaller one took: pure."""

from collections.abc import Mapping
from decimal import Decimal

from infra import errors
from infra.contracts.base import Contract
from sampler.servers.endpoints import Endpoint
from sampler.servers.spending.totals import Spent
from services.evolution.evolve import Report

_HOUR = 3600.0


class Share(Contract):
    """What one endpoint is asked, and how long that takes."""

    endpoint: str
    requests: int
    prompt_tokens: int
    completion_tokens: int
    cost: Decimal
    """By its present prices."""
    requests_per_second: float
    bound_by: str
    """The setting of the endpoint that makes it no faster."""
    hours: float


class Plan(Contract):
    """What so many problems would take, if as many of the tasks are kept as were."""

    problems: int
    seeds: int
    """That are needed, with as many rounds."""
    tasks: int
    by_endpoint: tuple[Share, ...]
    cost: Decimal
    hours: float
    """Of asking: endpoints one after another, as fallbacks are."""
    execution_hours: float
    """Of one slot of this machine, to agree on tests and to look for benchmarks' problems."""


def plan(report: Report, problems: int, endpoints: Mapping[str, Endpoint]) -> Plan:
    """Foresee a run that gives so many problems.

    Args:
        report: Of a run that was made with the same choices; a hundred seeds are enough.
        problems: How many are wanted.
        endpoints: Those that were asked, as they are set now.

    Raises:
        errors.InvalidInput: the run gave no problem, or its report says not what it took.
        errors.NotFound: an endpoint of the run is not there any more.
    """
    if not report.problems or not report.spent:
        raise errors.InvalidInput("the run gave no problems, or does not say what it took")
    factor = problems / report.problems
    shares = tuple(_share(one, factor, endpoints) for one in report.spent)
    return Plan(
        problems=problems,
        seeds=round(report.seeds * factor),
        tasks=round(report.tasks * factor),
        by_endpoint=shares,
        cost=sum((share.cost for share in shares), Decimal(0)),
        hours=round(sum(share.hours for share in shares), 2),
        execution_hours=round(report.execution_seconds * factor / _HOUR, 2),
    )


def _share(spent: Spent, factor: float, endpoints: Mapping[str, Endpoint]) -> Share:
    endpoint = endpoints.get(spent.endpoint)
    if endpoint is None:
        raise errors.NotFound(f"the run asked {spent.endpoint!r}, which is no endpoint any more")
    requests = round(spent.requests * factor)
    read, written = (
        round(tokens * factor) for tokens in (spent.prompt_tokens, spent.completion_tokens)
    )
    rate, bound_by = _rate(spent, endpoint)
    return Share(
        endpoint=spent.endpoint,
        requests=requests,
        prompt_tokens=read,
        completion_tokens=written,
        cost=endpoint.cost(read, written),
        requests_per_second=round(rate, 3),
        bound_by=bound_by,
        hours=round(requests / rate / _HOUR, 2),
    )


def _rate(spent: Spent, endpoint: Endpoint) -> tuple[float, str]:
    """Return how many requests a second are answered, and what keeps them from being more."""
    each = max(spent.seconds / spent.requests, 1e-3)
    rates = {"concurrency": endpoint.concurrency / each}
    if endpoint.requests_per_minute:
        rates["requests_per_minute"] = endpoint.requests_per_minute / 60
    tokens = (spent.prompt_tokens + spent.completion_tokens) / spent.requests
    if endpoint.tokens_per_minute and tokens:
        rates["tokens_per_minute"] = endpoint.tokens_per_minute / 60 / tokens
    bound_by = min(rates, key=lambda name: rates[name])
    return rates[bound_by], bound_by
