"""Policy gradients: responses that did better than others of their prompt become more probable.

Rewards are scores of programs that the policy wrote; A_i are advantages and q_t the ratio of the
probability of a token now and when it was sampled.

* RLOO (arXiv 2402.14740, section 3): A_i is the reward less the mean of the others', and the ratio
  is of whole responses; the divergence from the reference is part of the reward.
* GRPO (arXiv 2402.03300, equations 3 and 4): A_i is the reward less the group's mean, divided by
  its standard deviation; a token costs -min(q_t A_i, clip(q_t) A_i) + kl_weight * k_t with
  k_t = r_t - log r_t - 1, r_t = P_ref / P; a response costs the mean of its tokens.

Shape suffixes: N responses of one prompt, T tokens of a response.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_TINY = 1e-4
"""Added to a standard deviation before it divides, as TRL does."""


def advantages_of_others(reward_N: Tensor) -> Tensor:
    """Return what each reward exceeds the mean of the others by; 0 for a single one."""
    count = len(reward_N)
    if count < 2:
        return torch.zeros_like(reward_N)
    return (reward_N - reward_N.mean()) * count / (count - 1)


def advantages_in_group(reward_N: Tensor) -> Tensor:
    """Return rewards less their mean, divided by their standard deviation (of a sample)."""
    if len(reward_N) < 2:
        return torch.zeros_like(reward_N)
    return (reward_N - reward_N.mean()) / (reward_N.std() + _TINY)


def clipped_cost(logp: Tensor, sampled: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """Return -min(q A, clip(q) A), element by element; `sampled` are log-probabilities then."""
    ratio = (logp - sampled).exp()
    return -torch.minimum(ratio * advantage, ratio.clamp(1 - clip, 1 + clip) * advantage)


def is_clipped(logp: Tensor, sampled: Tensor, advantage: Tensor, clip: float) -> Tensor:
    """Tell, element by element, where the ratio is too far from 1 to teach."""
    ratio = (logp - sampled).exp()
    return ((ratio < 1 - clip) & (advantage < 0)) | ((ratio > 1 + clip) & (advantage > 0))


def divergence(logp_T: Tensor, reference_T: Tensor) -> Tensor:
    """Return k_t (T,), an estimate of the divergence from the reference that is never negative."""
    log_r = reference_T - logp_T
    return log_r.exp() - log_r - 1


def token_means(values_N: Sequence[Tensor]) -> Tensor:
    """Return the mean over the tokens of each response (N,)."""
    return torch.stack([value_T.mean() for value_T in values_N])
