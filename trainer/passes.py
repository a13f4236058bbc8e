"""Forward passes of groups, in step with the other processes.

Shape suffix: T tokens of one response.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from trainer.modes.groups import EncodedGroup
from trainer.processes import Processes
from trainer.rows.layout import Asked, Extent, pack, plan
from trainer.rows.scoring import Scorer


@dataclass(frozen=True, kw_only=True)
class Part:
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

    def plan(self, number: int, group: EncodedGroup, chosen: Sequence[int]) -> list[Part]:
        """Divide some responses of a group into parts that each fit into a pass."""
        extent = Extent(len(group.prompt), [group.lengths[index] for index in chosen])
        found = plan(extent, self.scorer.layout, self.max_tokens)
        return [Part(group=number, indices=[chosen[place] for place in places]) for places in found]

    def pack(self, groups: Sequence[EncodedGroup], parts: Sequence[Part]) -> list[list[Part]]:
        """Put parts into as few passes as they fit into."""
        extents = [
            Extent(
                len(groups[part.group].prompt),
                [groups[part.group].lengths[n] for n in part.indices],
            )
            for part in parts
        ]
        found = pack(extents, self.scorer.layout, self.max_tokens)
        return [[parts[place] for place in places] for places in found]

    def logps(
        self, together: Sequence[Part] | None, groups: Sequence[EncodedGroup]
    ) -> list[list[Tensor]]:
        """Make one pass; return a tensor (T,) for each response of each part."""
        if together is None:
            return self.scorer.score([Asked([0], [[0]])])
        asked = [
            Asked(
                groups[part.group].prompt, [groups[part.group].responses[n] for n in part.indices]
            )
            for part in together
        ]
        return self.scorer.score(asked)

    def without_graph(
        self, groups: Sequence[EncodedGroup], parts: Sequence[Part]
    ) -> dict[int, list[Tensor]]:
        """Make passes that keep nothing for a backward pass; return the tensors of each group.

        The parts of a group must hold each of its responses once.
        """
        found: dict[int, dict[int, Tensor]] = {}
        with torch.no_grad():
            for together in self.in_step(self.pack(groups, parts)):
                scored = self.logps(together, groups)
                for part, logps in zip(together or [], scored, strict=False):
                    pairs = zip(part.indices, logps, strict=True)
                    found.setdefault(part.group, {}).update(pairs)
        return {
            number: [by_index[index] for index in range(len(by_index))]
            for number, by_index in found.items()
        }

    def in_step(self, items: Sequence[P]) -> Iterator[P | None]:
        """Yield items, then None until every process has had as many.

        Sharded processes gather weights for every pass, so all must make the same number.
        """
        # Asked before the first pass: one that has none would ask while others gather weights.
        missing = self.processes.most(len(items)) - len(items)
        yield from items
        for _ in range(missing):
            yield None
