"""The policy's first weights, which preference and policy-gradient modes compare it with.

Shape suffix: T tokens of one response.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from peft import PeftModel
from torch import Tensor

from trainer.modes.config import LossConfig, Mode
from trainer.modes.groups import EncodedGroup
from trainer.passes import Passes


@dataclass(frozen=True, kw_only=True)
class Reference:
    """Scores responses under the first weights."""

    passes: Passes
    """Through the reference; with adapters, through the policy itself, which they are taken off."""

    def annotated(self, groups: Sequence[EncodedGroup]) -> list[EncodedGroup]:
        """Return the groups with the log-probabilities of their responses."""
        scored = self._scored(groups)
        return [replace(group, reference=scored[number]) for number, group in enumerate(groups)]

    def divergence(
        self, policy: Passes, groups: Sequence[EncodedGroup], config: LossConfig
    ) -> float:
        """Estimate KTO's z for the groups of a step: the mean over prompts of how much more
        probable the policy makes a response to another prompt, at least 0.

        Each prompt gets the first response of the next group; a single group tells nothing, and
        gives 0. `groups` are this process's part of the step.
        """
        if config.mode is not Mode.KTO:
            return 0.0
        others = [*groups[1:], *groups[:1]] if len(groups) > 1 else []
        crossed = [
            replace(group, responses=other.responses[:1])
            for group, other in zip(groups, others, strict=False)
        ]
        now = _all(policy, crossed)
        then = self._scored(crossed)
        leads = [
            float(now[number][0].sum() - then[number][0].sum()) for number in range(len(crossed))
        ]
        total, count = self.passes.processes.sum([sum(leads), len(leads)])
        return max(0.0, total / count) if count else 0.0

    def _scored(self, groups: Sequence[EncodedGroup]) -> dict[int, list[Tensor]]:
        with _without_adapters(self.passes.scorer.model):
            return _all(self.passes, groups)


def _all(passes: Passes, groups: Sequence[EncodedGroup]) -> dict[int, list[Tensor]]:
    parts = [
        part
        for number, group in enumerate(groups)
        for part in passes.plan(number, group, range(len(group.responses)))
    ]
    return passes.without_graph(groups, parts)


@contextmanager
def _without_adapters(model: Any) -> Iterator[None]:
    if not isinstance(model, PeftModel):
        yield
        return
    with model.disable_adapter():
        yield
