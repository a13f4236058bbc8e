"""What is worth watching in a step, as sums that can be added over groups and processes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Self

from infra.contracts.base import JsonValue, Label
from trainer.encoding import EncodedGroup
from trainer.loss import Denominators, GroupTerms, LossConfig


@dataclass
class Moments:
    """Sums from which a correlation follows."""

    count: float = 0.0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    yy: float = 0.0
    xy: float = 0.0

    def add(self, x: float, y: float) -> None:
        """Count one more point."""
        self.count += 1
        self.x += x
        self.y += y
        self.xx += x * x
        self.yy += y * y
        self.xy += x * y

    def correlation(self) -> float:
        """Return Pearson's correlation; 0 where one of the two never varies."""
        spread_x = self.count * self.xx - self.x**2
        spread_y = self.count * self.yy - self.y**2
        # Sums of squares lose a few digits; what is left of a constant is not a spread.
        if spread_x <= 1e-9 * self.count * self.xx or spread_y <= 1e-9 * self.count * self.yy:
            return 0.0
        return (self.count * self.xy - self.x * self.y) / math.sqrt(spread_x * spread_y)


@dataclass
class Tally:
    """What the groups of a step add up to."""

    rank: float = 0.0
    ce: float = 0.0
    active: float = 0.0
    ordered: float = 0.0
    lead: float = 0.0
    tokens: float = 0.0
    groups: float = 0.0
    without_target: float = 0.0
    score_length: Moments = field(default_factory=Moments)
    p_length: Moments = field(default_factory=Moments)
    labels: Counter[Label] = field(default_factory=Counter)

    def add(self, group: EncodedGroup, terms: GroupTerms) -> None:
        """Count one group."""
        self.rank += terms.rank_sum.item()
        self.ce += terms.ce_sum.item()
        self.active += terms.active_pairs
        self.ordered += int((terms.lead_P > 0).sum())
        self.lead += terms.lead_P.sum().item()
        self.tokens += sum(group.lengths)
        self.groups += 1
        self.without_target += group.best is None
        self.labels.update(group.labels)
        for length, score, p in zip(group.lengths, group.scores, terms.p_N.tolist(), strict=True):
            self.score_length.add(score, length)
            self.p_length.add(p, length)

    def numbers(self) -> list[float]:
        """Return all sums in a fixed order, to be added up over processes."""
        plain = [getattr(self, name) for name in _PLAIN]
        labels = [float(self.labels[label]) for label in Label]
        return [*plain, *astuple(self.score_length), *astuple(self.p_length), *labels]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Self:
        """Build a tally from what `numbers` returned."""
        rest = list(numbers)
        plain = {name: rest.pop(0) for name in _PLAIN}
        moments = [Moments(*(rest.pop(0) for _ in range(6))) for _ in range(2)]
        labels = Counter({label: int(rest.pop(0)) for label in Label})
        return cls(**plain, score_length=moments[0], p_length=moments[1], labels=labels)

    def loss(self, counts: Denominators, config: LossConfig) -> float:
        """Return the loss of the step."""
        return self._rank_loss(counts, config) + self._ce_loss(counts, config)

    def _rank_loss(self, counts: Denominators, config: LossConfig) -> float:
        return config.rank_weight * self.rank / max(1, counts.pairs)

    def _ce_loss(self, counts: Denominators, config: LossConfig) -> float:
        return config.ce_weight * self.ce / max(1, counts.ce)

    def metrics(self, counts: Denominators, config: LossConfig) -> dict[str, JsonValue]:
        """Return the step's metrics by name."""
        pairs = max(1, counts.pairs)
        responses = max(1, self.labels.total())
        return {
            "loss": self.loss(counts, config),
            "rank_loss": self._rank_loss(counts, config),
            "ce_loss": self._ce_loss(counts, config),
            "pairs": counts.pairs,
            "active_pairs": self.active / pairs,
            "pair_accuracy": self.ordered / pairs,
            "margin": self.lead / pairs,
            "groups": int(self.groups),
            "groups_without_target": int(self.without_target),
            "response_tokens": int(self.tokens),
            "score_length_correlation": self.score_length.correlation(),
            "p_length_correlation": self.p_length.correlation(),
            **{f"label_{label}": self.labels[label] / responses for label in Label},
        }


_PLAIN = ("rank", "ce", "active", "ordered", "lead", "tokens", "groups", "without_target")
