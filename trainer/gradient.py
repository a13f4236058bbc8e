"""The gradient of a step, in memory that does not grow with the number of responses.

Groups that fit into one forward pass, as many together as do, are scored and differentiated at
once. One that does not fit is scored twice. The first time nothing is kept but one number for each
token, its log-probability l_t. The loss L is a function of these numbers, so dL/dl_t is known
before any graph exists, and

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
from trainer.passes import Part, Passes


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
        second = [parts[0] for parts in plans if len(parts) == 1]
        first = [part for parts in plans if len(parts) > 1 for part in parts]
        for number, logps in self.passes.without_graph(groups, first).items():
            terms[number], weights = self._coefficients(groups[number], logps, counts)
            second += self._weighted(number, groups[number], weights)
        for together in self.passes.in_step(self.passes.pack(groups, second)):
            scored = self.passes.logps(together, groups)
            # It always leads to the weights, also where a mode learns nothing from a group.
            share = 0.0 * torch.stack([logp_T.sum() for logps in scored for logp_T in logps]).sum()
            for part, logps in zip(together or [], scored, strict=False):
                share = share + self._share(part, logps, groups, counts, terms)
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

    def _weighted(self, number: int, group: EncodedGroup, weights: Sequence[Tensor]) -> list[Part]:
        active = [index for index, weight_T in enumerate(weights) if bool(weight_T.any())]
        if not active:
            return []
        return [
            replace(part, weights=[weights[index] for index in part.indices])
            for part in self.passes.plan(number, group, active)
        ]

    def _share(
        self,
        part: Part,
        logps: Sequence[Tensor],
        groups: Sequence[EncodedGroup],
        counts: Denominators,
        terms: dict[int, GroupTerms],
    ) -> Tensor:
        if part.weights is not None:
            weighted = zip(part.weights, logps, strict=True)
            return torch.stack([(weight_T * logp_T).sum() for weight_T, logp_T in weighted]).sum()
        found = group_terms(groups[part.group], logps, self.config, self.kto_divergence)
        terms[part.group] = found.detached()
        return total(found, counts, self.config)
