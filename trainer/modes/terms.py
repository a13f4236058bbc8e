"""Sums that a group adds to a step, and what each is divided by, once, for the whole step.

Shape suffixes: N responses of one prompt, P pairs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from torch import Tensor


class Term(StrEnum):
    """A part of a loss."""

    RANK = "rank"
    CE = "ce"
    DPO = "dpo"
    KTO = "kto"
    POLICY = "policy"
    KL = "kl"


@dataclass(frozen=True, kw_only=True)
class Denominators:
    """What the sums of one optimizer step are divided by, counted over all its groups."""

    pairs: int = 0
    ce: int = 0
    """Tokens or responses that are imitated, as the configuration says."""
    responses: int = 0

    def __add__(self, other: "Denominators") -> "Denominators":
        return Denominators(
            pairs=self.pairs + other.pairs,
            ce=self.ce + other.ce,
            responses=self.responses + other.responses,
        )

    def of(self, term: Term) -> int:
        """Return what the sums of a term are divided by, at least 1."""
        match term:
            case Term.RANK | Term.DPO:
                return max(1, self.pairs)
            case Term.CE:
                return max(1, self.ce)
            case _:
                return max(1, self.responses)


@dataclass(frozen=True, kw_only=True)
class GroupTerms:
    """The sums of one group, and what is worth watching."""

    sums: Mapping[Term, Tensor]
    p_N: Tensor
    """Length-normalised log-probability of every response, detached."""
    lead_P: Tensor
    """By how much the better response of every pair leads, detached: in nats per token; of DPO, in
    nats, and compared with the reference."""
    active_pairs: int = 0
    """Pairs that cost something."""
    clipped: float = 0.0
    """Tokens of GRPO, or responses of RLOO, whose ratio is too far from 1 to teach."""

    def detached(self) -> "GroupTerms":
        """Return the same numbers without the graph that led to them."""
        return replace(self, sums={term: sum_.detach() for term, sum_ in self.sums.items()})
