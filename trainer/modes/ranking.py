"""The RRTF loss, in fp32.

PanGu-Coder2 (arXiv 2307.14936), section 3.4, step 3:

    p_i    = sum_t log P(y_it | x, y_i<t) / |y_i|
    L_rank = sum over pairs of (r_better - r_worse) * max(0, p_worse - p_better)
    L_ft   = - sum_t log P(y_best,t | x, y_best,<t)
    L      = L_rank + L_ft

RRHF (arXiv 2304.05302) is the same without the gaps of the scores.

Shape suffixes: N responses of one prompt, P pairs.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from trainer.modes.config import LossConfig, PairLoss
from trainer.modes.pairs import Pair
from trainer.modes.terms import GroupTerms, Term


def ranking_terms(
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
    gap_P = p_N.new_tensor([pair[2] for pair in pairs])
    lead_P = leads(p_N, pairs)
    cost_P = _pair_cost(lead_P, config)
    return GroupTerms(
        sums={
            Term.RANK: (gap_P * cost_P if config.gap_weights else cost_P).sum(),
            Term.CE: sum_N.new_zeros(()) if best is None else -sum_N[best],
        },
        p_N=p_N.detach(),
        lead_P=lead_P.detach(),
        active_pairs=int((cost_P > 0).sum()),
    )


def leads(value_N: Tensor, pairs: Sequence[Pair]) -> Tensor:
    """Return by how much the better response's value exceeds the worse one's, for each pair."""
    better = torch.tensor([pair[0] for pair in pairs], device=value_N.device, dtype=torch.long)
    worse = torch.tensor([pair[1] for pair in pairs], device=value_N.device, dtype=torch.long)
    return value_N[better] - value_N[worse]


def _pair_cost(lead_P: Tensor, config: LossConfig) -> Tensor:
    match config.pair_loss:
        case PairLoss.HINGE:
            return (config.margin - lead_P).clamp_min(0)
        case PairLoss.BRADLEY_TERRY:
            return functional.softplus(-config.beta * lead_P)
