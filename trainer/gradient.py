"""The gradient of a step, in memory that does not grow with the number of responses.

A group that fits into one forward pass is scored and differentiated at once. A larger one is
scored twice. The first time nothing is kept but one number for each response, the sum S_i of its
token log-probabilities. The loss L is a function of these numbers, so dL/dS_i is known before
any graph exists, and

    dL/dw = sum over i of dL/dS_i * dS_i/dw

can be added up pass by pass the second time. Responses whose coefficient is zero (under a hinge:
all that are in order and not imitated) are left out then.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from trainer.encoding import EncodedGroup
from trainer.layout import plan
from trainer.loss import Denominators, GroupTerms, LossConfig, group_terms, total
from trainer.processes import Processes
from trainer.scoring import Scorer


@dataclass(frozen=True, kw_only=True)
class _Pass:
    """Responses of one group that go through the model together."""

    group: int
    indices: list[int]
    weight_N: Tensor | None = None
    """What each response's sum is multiplied by; without it, the group's loss is used."""


P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Gradient:
    """Adds the gradient of groups to the parameters of a model."""

    scorer: Scorer
    config: LossConfig
    processes: Processes
    max_tokens: int
    """Most positions in one forward pass, unless a single response needs more."""

    def accumulate(self, groups: Sequence[EncodedGroup], counts: Denominators) -> list[GroupTerms]:
        """Add the gradient of this process's groups; return their terms, detached.

        `counts` are those of the whole step: all groups, of all processes.
        """
        plans = [
            plan(len(group.prompt), group.lengths, self.scorer.layout, self.max_tokens)
            for group in groups
        ]
        terms: dict[int, GroupTerms] = {}
        second = [
            _Pass(group=number, indices=passes[0])
            for number, passes in enumerate(plans)
            if len(passes) == 1
        ]
        for number, sum_N in self._without_graph(groups, plans).items():
            terms[number], weight_N = self._coefficients(groups[number], sum_N, counts)
            second += self._weighted(number, groups[number], weight_N)
        for item in self._in_step(second):
            share = self._share(item, groups, counts, terms)
            # Sharded gradients are averaged over processes, and a sum is wanted.
            (share * self.processes.count).backward()  # type: ignore[no-untyped-call] # torch's own
        return [terms[number] for number in range(len(groups))]

    def _without_graph(
        self, groups: Sequence[EncodedGroup], plans: Sequence[list[list[int]]]
    ) -> dict[int, Tensor]:
        first = [
            _Pass(group=number, indices=indices)
            for number, passes in enumerate(plans)
            for indices in passes
            if len(passes) > 1
        ]
        sums: dict[int, Tensor] = {}
        with torch.no_grad():
            for item in self._in_step(first):
                sum_n = self._sums(item, groups)
                if item is None:
                    continue
                empty = sum_n.new_zeros(len(groups[item.group].responses))
                sums.setdefault(item.group, empty)[item.indices] = sum_n
        return sums

    def _coefficients(
        self, group: EncodedGroup, sum_N: Tensor, counts: Denominators
    ) -> tuple[GroupTerms, Tensor]:
        leaf_N = sum_N.clone().requires_grad_()
        terms = group_terms(leaf_N, group.lengths, group.pairs, group.best, self.config)
        (weight_N,) = torch.autograd.grad(total(terms, counts, self.config), leaf_N)
        return terms.detached(), weight_N

    def _weighted(self, number: int, group: EncodedGroup, weight_N: Tensor) -> list[_Pass]:
        active: list[int] = weight_N.nonzero().flatten().tolist()
        if not active:
            return []
        lengths = [group.lengths[index] for index in active]
        passes = plan(len(group.prompt), lengths, self.scorer.layout, self.max_tokens)
        chosen = [[active[place] for place in places] for places in passes]
        return [
            _Pass(group=number, indices=indices, weight_N=weight_N[indices]) for indices in chosen
        ]

    def _share(
        self,
        item: _Pass | None,
        groups: Sequence[EncodedGroup],
        counts: Denominators,
        terms: dict[int, GroupTerms],
    ) -> Tensor:
        sum_N = self._sums(item, groups)
        if item is None:
            return 0.0 * sum_N.sum()
        if item.weight_N is not None:
            return (item.weight_N * sum_N).sum()
        group = groups[item.group]
        found = group_terms(sum_N, group.lengths, group.pairs, group.best, self.config)
        terms[item.group] = found.detached()
        return total(found, counts, self.config)

    def _sums(self, item: _Pass | None, groups: Sequence[EncodedGroup]) -> Tensor:
        if item is None:
            return self.scorer.sums([0], [[0]])
        group = groups[item.group]
        return self.scorer.sums(group.prompt, [group.responses[index] for index in item.indices])

    def _in_step(self, items: Sequence[P]) -> Iterator[P | None]:
        """Yield items, then None until every process has had as many.

        Sharded processes gather weights for every pass, so all must make the same number.
        """
        yield from items
        for _ in range(self.processes.most(len(items)) - len(items)):
            yield None
