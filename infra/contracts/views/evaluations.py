"""Evaluations of checkpoints: what an evaluator says of them, and what is shown."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, StrictFloat, model_validator

from infra.contracts.base import Contract, Whole
from infra.contracts.candidates import DEFAULT_POLICY, PolicyName

BenchmarkName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
Share = Annotated[StrictFloat, Field(ge=0, le=1)]


class Rate(Contract):
    """Pass@1 on one benchmark, with its 95 % interval."""

    mean: Share
    low: Share
    high: Share
    problems: Whole = Field(ge=1, lt=2**31)

    @model_validator(mode="after")
    def _is_an_interval(self) -> Self:
        if not self.low <= self.mean <= self.high:
            raise ValueError("`mean` must lie between `low` and `high`")
        return self


class NewEvaluation(Contract):
    """What was found of a checkpoint; without rates, that it is being evaluated."""

    policy: PolicyName = DEFAULT_POLICY
    version: Whole = Field(ge=1, lt=2**31)
    asked_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Of all that decides what is asked; only evaluations of the same can be compared."""
    rates: Annotated[dict[BenchmarkName, Rate], Field(max_length=100)] = Field(default_factory=dict)
    """By benchmark."""


class EvaluationView(Contract):
    """What is known of a checkpoint."""

    policy: str
    version: int
    asked_sha256: str
    score: float | None
    """Mean of the rates; null while it is being evaluated."""
    rates: dict[str, Rate]
    is_best: bool
    """Whether no other checkpoint that was asked the same as the newest evaluation has a higher
    score; of equal ones the first."""
    evaluated_at: datetime
    """When it was last heard of."""
