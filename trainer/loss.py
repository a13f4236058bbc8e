"""The RRTF loss: pure, in fp32, sums returned and divided once.

PanGu-Coder2 (arXiv 2307.14936), section 3.4, step 3:

    p_i    = sum_t log P(y_it | x, y_i<t) / |y_i|
    L_rank = sum over pairs of (r_better - r_worse) * max(0, p_worse - p_better)
    L_ft   = - sum_t log P(y_best,t | x, y_best,<t)
    L      = L_rank + L_ft

Shape suffixes: N responses of one prompt, T response tokens of one response, P pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional


class Preset(StrEnum):
    """Ways to read the formula."""

    DEFAULT = "default"
    """Cross-entropy as a mean over tokens, pairs weighted by their gap, both terms weighted 1."""
    PAPER = "paper"
    """Cross-entropy summed over the tokens of each response, as the paper writes it."""
    RRHF = "rrhf"
    """Pairs unweighted, ranking term weighted 100, as RRHF's code does by default."""


class PairLoss(StrEnum):
    """What a pair in the wrong order costs."""

    HINGE = "hinge"
    BRADLEY_TERRY = "bradley_terry"


@dataclass(frozen=True, kw_only=True)
class LossConfig:
    """Everything the paper leaves open."""

    rank_weight: float = 1.0
    ce_weight: float = 1.0
    gap_weights: bool = True
    """Whether a pair weighs as much as its scores differ."""
    ce_mean_over_tokens: bool = True
    """Whether cross-entropy is divided by tokens, rather than by responses."""
    length_penalty: float = 1.0
    """Exponent of the length that a response's log-probability is divided by."""
    pair_loss: PairLoss = PairLoss.HINGE
    margin: float = 0.0
    """By how much the better response must lead, in nats per token; hinge only."""
    beta: float = 1.0
    """Steepness of the Bradley-Terry loss."""

    @classmethod
    def of(cls, preset: Preset) -> "LossConfig":
        """Return the configuration of a preset."""
        match preset:
            case Preset.DEFAULT:
                return cls()
            case Preset.PAPER:
                return cls(ce_mean_over_tokens=False)
            case Preset.RRHF:
                return cls(rank_weight=100.0, gap_weights=False)


@dataclass(frozen=True, kw_only=True)
class Denominators:
    """What the sums of one optimizer step are divided by, counted over all its groups."""

    pairs: int
    ce: int
    """Tokens or responses, as the configuration says."""

    def __add__(self, other: "Denominators") -> "Denominators":
        return Denominators(pairs=self.pairs + other.pairs, ce=self.ce + other.ce)


@dataclass(frozen=True, kw_only=True)
class GroupTerms:
    """The two sums of one group, and what is worth watching."""

    rank_sum: Tensor
    ce_sum: Tensor
    p_N: Tensor
    """Length-normalised log-probability of every response, detached."""
    active_pairs: int
    """Pairs that cost something."""
    ordered_pairs: int
    """Pairs whose better response is the more likely one."""


Pair = tuple[int, int, float]
"""Indices of the better and the worse response, and the gap between their scores."""


def denominators(
    lengths: Sequence[int], pairs: Sequence[Pair], best: int, config: LossConfig
) -> Denominators:
    """Count what one group adds to the denominators; known before any forward pass."""
    return Denominators(pairs=len(pairs), ce=lengths[best] if config.ce_mean_over_tokens else 1)


def group_terms(
    logps: Sequence[Tensor], pairs: Sequence[Pair], best: int, config: LossConfig
) -> GroupTerms:
    """Return the sums of one group from the token log-probabilities of its responses.

    `logps` holds one fp32 tensor (T,) for each response, response tokens only.
    """
    p_N = torch.stack([logp_T.sum() / len(logp_T) ** config.length_penalty for logp_T in logps])
    rank_sum = p_N.new_zeros(())
    lead_P = p_N.new_zeros(0)
    cost_P = lead_P
    if pairs:
        better = torch.tensor([pair[0] for pair in pairs], device=p_N.device)
        worse = torch.tensor([pair[1] for pair in pairs], device=p_N.device)
        gap_P = p_N.new_tensor([pair[2] for pair in pairs])
        lead_P = p_N[better] - p_N[worse]
        cost_P = _pair_cost(lead_P, config)
        rank_sum = (gap_P * cost_P if config.gap_weights else cost_P).sum()
    return GroupTerms(
        rank_sum=rank_sum,
        ce_sum=-logps[best].sum(),
        p_N=p_N.detach(),
        active_pairs=int((cost_P > 0).sum()),
        ordered_pairs=int((lead_P > 0).sum()),
    )


def _pair_cost(lead_P: Tensor, config: LossConfig) -> Tensor:
    match config.pair_loss:
        case PairLoss.HINGE:
            return (config.margin - lead_P).clamp_min(0)
        case PairLoss.BRADLEY_TERRY:
            return functional.softplus(-config.beta * lead_P)


def total(terms: GroupTerms, counts: Denominators, config: LossConfig) -> Tensor:
    """Return one group's share of the step's loss; the shares add up to it."""
    rank = config.rank_weight * terms.rank_sum / max(1, counts.pairs)
    return rank + config.ce_weight * terms.ce_sum / max(1, counts.ce)
