"""Turns a plan into its single draws: pure, and the same plan gives the same draws for ever."""

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from infra.contracts.base import STANDARD_IMAGE, Language
from infra.contracts.candidates import SamplePlan

if TYPE_CHECKING:
    from sampler.attempts import Attempt

_TEMPERATURE = 0.8
_TOP_P = 0.95


@dataclass(frozen=True, kw_only=True)
class Question:
    """What a model is asked, and for which request for samples."""

    scope: UUID
    """Names the request; what is kept of an answer is found by it."""
    slug: str
    prompt: str
    language: Language = Language.PYTHON
    image: str = STANDARD_IMAGE
    entry_point: str | None = None
    until: float
    """Time of `time.monotonic` after which nobody waits for an answer any more."""
    ends: float = math.inf
    """The same, by which what was sent must be answered: then another may ask."""
    attempt: "Attempt | None" = None
    """Which attempt at the request asks."""


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How the next token is chosen, and when to stop."""

    temperature: float = 1.0
    """0 takes the likeliest token."""
    top_p: float = 1.0
    top_k: int | None = None
    min_p: float = 0.0
    max_tokens: int = 1024
    stop: tuple[str, ...] = ()
    """Texts that end a completion; they are not part of it."""

    @classmethod
    def of(cls, plan: SamplePlan, temperature: float | None) -> "Decoding":
        """Return what a plan asks of a model here, which has no usual decoding of its own."""
        return cls(
            temperature=_TEMPERATURE if temperature is None else temperature,
            top_p=_TOP_P if plan.top_p is None else plan.top_p,
            top_k=plan.top_k,
            min_p=plan.min_p or 0.0,
            max_tokens=plan.max_tokens,
            stop=plan.stop,
        )


class Draw(NamedTuple):
    """One completion to make."""

    position: int
    """Within the plan, from 0."""
    seed: int
    temperature: float | None
    """None where the plan leaves it to the model."""


def draws_of(plan: SamplePlan, slug: str) -> list[Draw]:
    """Return the draws of a plan for one problem, each with a seed of its own."""
    temperatures = plan.temperatures or (plan.temperature,)
    return [
        Draw(
            position=position,
            seed=derive_seed(plan.seed, slug, position),
            temperature=temperatures[position % len(temperatures)],
        )
        for position in range(plan.num_samples)
    ]


def derive_seed(seed: int, slug: str, position: int) -> int:
    """Return the seed of one draw: 31 bits, which every server takes."""
    digest = hashlib.sha256(f"{seed} {position} {slug}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1
