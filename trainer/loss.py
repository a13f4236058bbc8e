"""The RRTF loss: pure, in fp32, sums returned and divided once.

PanGu-Coder2 (arXiv 2307.14936), section 3.4, step 3:

    p_i    = sum_t log P(y_it | x, y_i<t) / |y_i|
    L_rank = sum over pairs of (r_better - r_worse) * max(0, p_worse - p_better)
    L_ft   = - sum_t log P(y_best,t | x, y_best,<t)
    L      = L_rank + L_ft

Both terms see a response only through the sum of its token log-probabilities, so a loss is a
function of one number for each response; that is what lets a group of any size be trained in
bounded memory (`trainer/gradient.py`).

Shape suffixes: N responses of one prompt, P pairs, R predicted tokens, V vocabulary.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

CHUNK_ELEMENTS = 2**24
"""Most logits that are in fp32 at one time: 64 MiB."""


class Preset(StrEnum):
    """Ways to read the formula."""

    DEFAULT = "default"
    """Cross-entropy as a mean over tokens, pairs weighted by their gap, both terms weighted 1."""
    PAPER = "paper"
    """Cross-entropy summed over the tokens of each response, as the paper writes it."""
    RRHF = "rrhf"
    """All pairs, unweighted, ranking term weighted 100, as RRHF's code does by default."""


class PairLoss(StrEnum):
    """What a pair in the wrong order costs."""

    HINGE = "hinge"
    BRADLEY_TERRY = "bradley_terry"


class PairMode(StrEnum):
    """Which responses of a group are compared."""

    RANKED = "ranked"
    """The pairs that the ranker made."""
    TEACHER_OVER_STUDENT = "teacher_over_student"
    """Every teacher's response over every student's of a lower score."""
    ALL = "all"
    """Every two responses of different scores."""


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
    pairs: PairMode = PairMode.RANKED
    tie_bonus: float = 0.0
    """Gap that pairs made here give a teacher over a student of the same result; the ranker's have
    its own."""

    @classmethod
    def of(cls, preset: Preset) -> "LossConfig":
        """Return the configuration of a preset."""
        match preset:
            case Preset.DEFAULT:
                return cls()
            case Preset.PAPER:
                return cls(ce_mean_over_tokens=False)
            case Preset.RRHF:
                return cls(rank_weight=100.0, gap_weights=False, pairs=PairMode.ALL)


@dataclass(frozen=True, kw_only=True)
class Denominators:
    """What the sums of one optimizer step are divided by, counted over all its groups."""

    pairs: int = 0
    ce: int = 0
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
    lead_P: Tensor
    """By how much the better response of every pair leads, in nats per token, detached."""
    active_pairs: int
    """Pairs that cost something."""

    def detached(self) -> "GroupTerms":
        """Return the same numbers without the graph that led to them."""
        return replace(self, rank_sum=self.rank_sum.detach(), ce_sum=self.ce_sum.detach())


Pair = tuple[int, int, float]
"""Indices of the better and the worse response, and the gap between their scores."""


def token_logps(logits_RV: Tensor, target_R: Tensor) -> Tensor:
    """Return the fp32 log-probability (R,) of each target token under its row of logits.

    Logits may be bf16. A log-softmax in bf16 is off by a quarter of a nat over 300 tokens and
    can turn a pair around, so rows are widened first, a chunk at a time; a chunk is widened
    again for the backward pass rather than kept.
    """
    rows = max(1, CHUNK_ELEMENTS // logits_RV.shape[-1])
    if len(target_R) <= rows:
        return _chunk_logps(logits_RV, target_R)
    chunks = zip(torch.split(logits_RV, rows), torch.split(target_R, rows), strict=True)
    return torch.cat(
        [checkpoint(_chunk_logps, logits, target, use_reentrant=False) for logits, target in chunks]
    )


def _chunk_logps(logits_RV: Tensor, target_R: Tensor) -> Tensor:
    logits_RV = logits_RV.float()
    return logits_RV.gather(-1, target_R[:, None]).squeeze(-1) - logits_RV.logsumexp(-1)


def form_pairs(
    scores: Sequence[float],
    is_teacher: Sequence[bool],
    mode: PairMode,
    tie_bonus: float = 0.0,
    results: Sequence[object] | None = None,
) -> list[Pair]:
    """Compare responses by score; where results are equal, a teacher leads a student by the bonus.

    Without `results` those of equal score are equal.

    Raises:
        ValueError: the pairs are the ranker's to make.
    """
    if mode is PairMode.RANKED:
        raise ValueError("the ranker's pairs come with the group")
    results = scores if results is None else results
    pairs = []
    for better, worse in itertools.permutations(range(len(scores)), 2):
        over_student = is_teacher[better] and not is_teacher[worse]
        if results[better] == results[worse]:
            gap = tie_bonus if over_student else 0.0
        else:
            gap = scores[better] - scores[worse]
        if gap > 0 and (mode is PairMode.ALL or over_student):
            pairs.append((better, worse, gap))
    return pairs


def denominators(
    lengths: Sequence[int], pairs: Sequence[Pair], best: int | None, config: LossConfig
) -> Denominators:
    """Count what one group adds to the denominators; known before any forward pass."""
    ce = 0 if best is None else lengths[best] if config.ce_mean_over_tokens else 1
    return Denominators(pairs=len(pairs), ce=ce)


def group_terms(
    sum_N: Tensor,
    lengths: Sequence[int],
    pairs: Sequence[Pair],
    best: int | None,
    config: LossConfig,
) -> GroupTerms:
    """Return the sums of one group.

    `sum_N` holds the summed token log-probabilities of each response in fp32, `lengths` their
    tokens (at least one each). Without a `best` response there is no cross-entropy.
    """
    p_N = sum_N / sum_N.new_tensor(lengths) ** config.length_penalty
    better = torch.tensor([pair[0] for pair in pairs], device=p_N.device, dtype=torch.long)
    worse = torch.tensor([pair[1] for pair in pairs], device=p_N.device, dtype=torch.long)
    gap_P = p_N.new_tensor([pair[2] for pair in pairs])
    lead_P = p_N[better] - p_N[worse]
    cost_P = _pair_cost(lead_P, config)
    return GroupTerms(
        rank_sum=(gap_P * cost_P if config.gap_weights else cost_P).sum(),
        ce_sum=sum_N.new_zeros(()) if best is None else -sum_N[best],
        p_N=p_N.detach(),
        lead_P=lead_P.detach(),
        active_pairs=int((cost_P > 0).sum()),
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
