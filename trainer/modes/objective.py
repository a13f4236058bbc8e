"""The loss of a group in the mode that is configured, from the log-probabilities of its tokens.

Every mode is a function of one number for each token, so that a group of any size is trained in
bounded memory (`trainer/gradient.py`).

Shape suffixes: N responses of one prompt, T tokens of a response.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from infra.contracts.base import Label
from trainer.modes import policy, preference
from trainer.modes.config import POLICY_GRADIENT, LossConfig, Mode
from trainer.modes.groups import EncodedGroup
from trainer.modes.ranking import leads, ranking_terms
from trainer.modes.terms import Denominators, GroupTerms, Term


def denominators(group: EncodedGroup, config: LossConfig) -> Denominators:
    """Count what one group adds to the denominators; known before any forward pass."""
    best = group.best
    ce = 0 if best is None else group.lengths[best] if config.ce_mean_over_tokens else 1
    learnt = _own(group) if config.mode in POLICY_GRADIENT else range(len(group.responses))
    return Denominators(pairs=len(group.pairs), ce=ce, responses=len(learnt))


def group_terms(
    group: EncodedGroup, logp_N: Sequence[Tensor], config: LossConfig, kto_divergence: float = 0.0
) -> GroupTerms:
    """Return the sums of one group from one fp32 tensor (T,) for each response.

    Args:
        group: What the tokens belong to; with `reference` where the mode needs it.
        logp_N: Log-probabilities under the policy.
        config: The mode and its settings.
        kto_divergence: KTO's z, of the whole step.
    """
    match config.mode:
        case Mode.DPO:
            return _dpo(group, logp_N, config)
        case Mode.KTO:
            return _kto(group, logp_N, config, kto_divergence)
        case Mode.RLOO:
            return _rloo(group, logp_N, config)
        case Mode.GRPO:
            return _grpo(group, logp_N, config)
        case _:
            sum_N = _sums(logp_N)
            return ranking_terms(sum_N, group.lengths, group.pairs, group.best, config)


def total(terms: GroupTerms, counts: Denominators, config: LossConfig) -> Tensor:
    """Return one group's share of the step's loss; the shares add up to it."""
    parts = [config.weight(term) * terms.sums[term] / counts.of(term) for term in config.terms]
    return torch.stack(parts).sum()


def _dpo(group: EncodedGroup, logp_N: Sequence[Tensor], config: LossConfig) -> GroupTerms:
    lead_P = leads(_sums(logp_N) - _sums(_reference(group)), group.pairs)
    return GroupTerms(
        sums={Term.DPO: preference.dpo_costs(lead_P, config.beta).sum()},
        p_N=_means(logp_N),
        lead_P=lead_P.detach(),
        active_pairs=len(group.pairs),
    )


def _kto(
    group: EncodedGroup, logp_N: Sequence[Tensor], config: LossConfig, kto_divergence: float
) -> GroupTerms:
    h_N = _sums(logp_N) - _sums(_reference(group))
    is_good = [label is Label.ALL_PASS for label in group.labels]
    costs_N = preference.kto_costs(h_N, is_good, kto_divergence, config.beta)
    return GroupTerms(
        sums={Term.KTO: costs_N.sum()},
        p_N=_means(logp_N),
        lead_P=leads(h_N.detach(), group.pairs),
    )


def _rloo(group: EncodedGroup, logp_N: Sequence[Tensor], config: LossConfig) -> GroupTerms:
    own = _own(group)
    sum_N = _sums([logp_N[index] for index in own])
    sampled_N = _sums([_sampled(group, logp_N, index) for index in own])
    reward_N = _scores(group, own, sum_N)
    if config.kl_weight:
        reference_N = _sums([_reference(group)[index] for index in own])
        reward_N = reward_N - config.kl_weight * (sampled_N - reference_N)
    advantage_N = policy.advantages_of_others(reward_N)
    cost_N = policy.clipped_cost(sum_N, sampled_N, advantage_N, config.clip)
    clipped_N = policy.is_clipped(sum_N, sampled_N, advantage_N, config.clip)
    return GroupTerms(
        sums={Term.POLICY: cost_N.sum()},
        p_N=_means(logp_N),
        lead_P=leads(_means(logp_N), group.pairs),
        clipped=float(clipped_N.sum()),
    )


def _grpo(group: EncodedGroup, logp_N: Sequence[Tensor], config: LossConfig) -> GroupTerms:
    own = _own(group)
    advantage_N = policy.advantages_in_group(_scores(group, own, logp_N[0]))
    costs, clipped, divergences = [], 0.0, []
    for index, advantage in zip(own, advantage_N, strict=True):
        logp_T, sampled_T = logp_N[index], _sampled(group, logp_N, index)
        costs.append(policy.clipped_cost(logp_T, sampled_T, advantage, config.clip))
        clipped += float(policy.is_clipped(logp_T, sampled_T, advantage, config.clip).sum())
        if config.kl_weight:
            divergences.append(policy.divergence(logp_T, _reference(group)[index]))
    nothing = logp_N[0].new_zeros(())
    return GroupTerms(
        sums={
            Term.POLICY: policy.token_means(costs).sum() if costs else nothing,
            Term.KL: policy.token_means(divergences).sum() if divergences else nothing,
        },
        p_N=_means(logp_N),
        lead_P=leads(_means(logp_N), group.pairs),
        clipped=clipped,
    )


def _own(group: EncodedGroup) -> list[int]:
    """Return the responses that the policy wrote."""
    return [index for index, is_teacher in enumerate(group.is_teacher) if not is_teacher]


def _scores(group: EncodedGroup, chosen: Sequence[int], like: Tensor) -> Tensor:
    return like.new_tensor([group.scores[index] for index in chosen])


def _sampled(group: EncodedGroup, logp_N: Sequence[Tensor], index: int) -> Tensor:
    """Return the log-probabilities at the time of sampling; where unknown, those of now."""
    known = group.sampled[index] if group.sampled else None
    logp_T = logp_N[index]
    return logp_T.detach() if known is None else logp_T.new_tensor(known)


def _reference(group: EncodedGroup) -> Sequence[Tensor]:
    assert group.reference is not None
    return group.reference


def _sums(logp_N: Sequence[Tensor]) -> Tensor:
    if not logp_N:
        return torch.zeros(0)
    return torch.stack([logp_T.sum() for logp_T in logp_N])


def _means(logp_N: Sequence[Tensor]) -> Tensor:
    return torch.stack([logp_T.mean() for logp_T in logp_N]).detach()
