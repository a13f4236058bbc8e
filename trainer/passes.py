"""Forward passes of groups, in step with the other processes.

Shape suffix: T tokens of one response.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from trainer.layout import plan
from trainer.modes.groups import EncodedGroup
from trainer.processes import Processes
from trainer.scoring import Scorer


@dataclass(frozen=True, kw_only=True)
class Pass:
    """Responses of one group that go through the model together."""

    group: int
    indices: list[int]
    weights: list[Tensor] | None = None
    """What the log-probability of each token is multiplied by; without it, the group's loss is
    used."""


P = TypeVar("P")


@dataclass(frozen=True, kw_only=True)
class Passes:
    """Divides groups into forward passes of bounded length, and makes them."""

    scorer: Scorer
    processes: Processes
    max_tokens: int
    """Most positions in one forward pass, unless a single response needs more."""

    def plan(self, number: int, group: EncodedGroup, chosen: Sequence[int]) -> list[Pass]:
        """Divide some responses of a group."""
        lengths = [group.lengths[index] for index in chosen]
        found = plan(len(group.prompt), lengths, self.scorer.layout, self.max_tokens)
        return [Pass(group=number, indices=[chosen[place] for place in places]) for places in found]

    def logps(self, item: Pass | None, groups: Sequence[EncodedGroup]) -> list[Tensor]:
        """Make one pass; return a tensor (T,) for each response of it."""
        if item is None:
            return self.scorer.score([0], [[0]])
        group = groups[item.group]
        return self.scorer.score(group.prompt, [group.responses[index] for index in item.indices])

    def without_graph(
        self, groups: Sequence[EncodedGroup], items: Sequence[Pass]
    ) -> dict[int, list[Tensor]]:
        """Make passes that keep nothing for a backward pass; return the tensors of each group.

        The items of a group must hold each of its responses once.
        """
        found: dict[int, dict[int, Tensor]] = {}
        with torch.no_grad():
            for item in self.in_step(items):
                scored = self.logps(item, groups)
                if item is not None:
                    pairs = zip(item.indices, scored, strict=True)
                    found.setdefault(item.group, {}).update(pairs)
        return {
            number: [by_index[index] for index in range(len(by_index))]
            for number, by_index in found.items()
        }

    def in_step(self, items: Sequence[P]) -> Iterator[P | None]:
        """Yield items, then None until every process has had as many.

        Sharded processes gather weights for every pass, so all must make the same number.
        """
        yield from items
        for _ in range(self.processes.most(len(items)) - len(items)):
            yield None
