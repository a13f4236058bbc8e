"""The gradient of a step, in memory that does not grow with the number of responses.

A group that fits into one forward pass is scored and differentiated at once. A larger one is
scored twice. The first time nothing is kept but one number for each token, its log-probability
l_t. The loss L is a function of these numbers, so dL/dl_t is known before any graph exists, and

    dL/dw = sum over t of dL/dl_t * dl_t/dw

can be added up pass by pass the second time. Responses whose coefficients are all zero (under a
hinge: all that are in order and not imitated) are left out then.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainer.modes.config import LossConfig
from trainer.modes.groups import EncodedGroup
from trainer.modes.objective import group_terms, total
from trainer.modes.terms import Denominators, GroupTerms
from trainer.passes import Pass, Passes


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Adds the gradient of groups to the parameters of a model."""

    passes: Passes
    config: LossConfig
    kto_divergence: float = 0.0

    def accumulate(self, groups: Sequence[EncodedGroup], counts: Denominators) -> list[GroupTerms]:
        """Add the gradient of this process's groups; return their terms, detached.

        `counts` are those of the whole step: all groups, of all processes.
        """
        plans = [
            self.passes.plan(number, group, range(len(group.responses)))
            for number, group in enumerate(groups)
        ]
        terms: dict[int, GroupTerms] = {}
        second = [items[0] for items in plans if len(items) == 1]
        first = [item for items in plans if len(items) > 1 for item in items]
        for number, logps in self.passes.without_graph(groups, first).items():
            terms[number], weights = self._coefficients(groups[number], logps, counts)
            second += self._weighted(number, groups[number], weights)
        for item in self.passes.in_step(second):
            share = self._share(item, groups, counts, terms)
            # Sharded gradients are averaged over processes, and a sum is wanted.
            (share * self.passes.processes.count).backward()  # type: ignore[no-untyped-call] # torch's own
        return [terms[number] for number in range(len(groups))]

    def _coefficients(
        self, group: EncodedGroup, logps: Sequence[Tensor], counts: Denominators
    ) -> tuple[GroupTerms, list[Tensor]]:
        leaves = [logp_T.clone().requires_grad_() for logp_T in logps]
        terms = group_terms(group, leaves, self.config, self.kto_divergence)
        share = total(terms, counts, self.config)
        if not share.requires_grad:
            return terms.detached(), [torch.zeros_like(leaf_T) for leaf_T in leaves]
        found = torch.autograd.grad(share, leaves, allow_unused=True, materialize_grads=True)
        return terms.detached(), list(found)

    def _weighted(self, number: int, group: EncodedGroup, weights: Sequence[Tensor]) -> list[Pass]:
        active = [index for index, weight_T in enumerate(weights) if bool(weight_T.any())]
        if not active:
            return []
        return [
            replace(item, weights=[weights[index] for index in item.indices])
            for item in self.passes.plan(number, group, active)
        ]

    def _share(
        self,
        item: Pass | None,
        groups: Sequence[EncodedGroup],
        counts: Denominators,
        terms: dict[int, GroupTerms],
    ) -> Tensor:
        logps = self.passes.logps(item, groups)
        # It always leads to the weights, also where a mode learns nothing from a group.
        nothing = 0.0 * torch.stack([logp_T.sum() for logp_T in logps]).sum()
        if item is None:
            return nothing
        if item.weights is not None:
            weighted = zip(item.weights, logps, strict=True)
            return torch.stack([(weight_T * logp_T).sum() for weight_T, logp_T in weighted]).sum()
        found = group_terms(groups[item.group], logps, self.config, self.kto_divergence)
        terms[item.group] = found.detached()
        return nothing + total(found, counts, self.config)
