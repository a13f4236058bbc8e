"""What is worth watching in a step, as sums that can be added over groups and processes."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field
from typing import Self

from infra.contracts.base import JsonValue, Label
from trainer.modes.config import LossConfig
from trainer.modes.groups import EncodedGroup
from trainer.modes.terms import Denominators, GroupTerms, Term


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

    active: float = 0.0
    ordered: float = 0.0
    lead: float = 0.0
    tokens: float = 0.0
    groups: float = 0.0
    clipped: float = 0.0
    own: float = 0.0
    own_passed: float = 0.0
    own_shared: float = 0.0
    own_distinct: float = 0.0
    own_characters: float = 0.0
    right: float = 0.0
    right_nats: float = 0.0
    without_target: float = 0.0
    sums: dict[Term, float] = field(default_factory=dict)
    score_length: Moments = field(default_factory=Moments)
    p_length: Moments = field(default_factory=Moments)
    labels: Counter[Label] = field(default_factory=Counter)

    def add(self, group: EncodedGroup, terms: GroupTerms) -> None:
        """Count one group."""
        for term, value in terms.sums.items():
            self.sums[term] = self.sums.get(term, 0.0) + value.item()
        self.clipped += terms.clipped
        self.own += group.own.count
        self.own_passed += group.own.passed
        self.own_shared += group.own.shared
        self.own_distinct += group.own.distinct
        self.own_characters += group.own.characters
        self.active += terms.active_pairs
        self.ordered += int((terms.lead_P > 0).sum())
        self.lead += terms.lead_P.sum().item()
        self.tokens += sum(group.lengths)
        self.groups += 1
        self.without_target += group.best is None
        self.labels.update(group.labels)
        found = zip(group.lengths, group.scores, group.labels, terms.p_N.tolist(), strict=True)
        for length, score, label, p in found:
            self.score_length.add(score, length)
            self.p_length.add(p, length)
            if label is Label.ALL_PASS:
                self.right += 1
                self.right_nats -= p

    def numbers(self) -> list[float]:
        """Return all sums in a fixed order, to be added up over processes."""
        plain = [getattr(self, name) for name in _PLAIN]
        labels = [float(self.labels[label]) for label in Label]
        sums = [self.sums.get(term, 0.0) for term in Term]
        return [*plain, *sums, *astuple(self.score_length), *astuple(self.p_length), *labels]

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Self:
        """Build a tally from what `numbers` returned."""
        rest = list(numbers)
        plain = {name: rest.pop(0) for name in _PLAIN}
        sums = {term: rest.pop(0) for term in Term}
        moments = [Moments(*(rest.pop(0) for _ in range(6))) for _ in range(2)]
        labels = Counter({label: int(rest.pop(0)) for label in Label})
        return cls(**plain, sums=sums, score_length=moments[0], p_length=moments[1], labels=labels)

    def written(self) -> dict[str, float]:
        """Return what the policy's own programs look like; nothing where it wrote none."""
        if not self.own:
            return {}
        return {
            "own_distinct_share": self.own_distinct / self.own,
            "own_length": self.own_characters / self.own,
        }

    def surprise(self, vocabulary: int) -> dict[str, float]:
        """Return how improbable programs that pass all tests are, by token; nothing where the step
        has none. 1 is what a policy gives them that knows nothing."""
        if not self.right:
            return {}
        return {"surprise": self.right_nats / self.right / math.log(vocabulary)}

    def loss(self, counts: Denominators, config: LossConfig) -> float:
        """Return the loss of the step."""
        return sum(self._losses(counts, config).values())

    def _losses(self, counts: Denominators, config: LossConfig) -> dict[Term, float]:
        return {
            term: config.weight(term) * self.sums.get(term, 0.0) / counts.of(term)
            for term in config.terms
        }

    def metrics(self, counts: Denominators, config: LossConfig) -> dict[str, JsonValue]:
        """Return the step's metrics by name."""
        pairs = max(1, counts.pairs)
        responses = max(1, self.labels.total())
        return {
            "loss": self.loss(counts, config),
            **{f"{term}_loss": value for term, value in self._losses(counts, config).items()},
            "pairs": counts.pairs,
            "active_pairs": self.active / pairs,
            "pair_accuracy": self.ordered / pairs,
            "margin": self.lead / pairs,
            "clipped": self.clipped,
            "own_pass_rate": self.own_passed / max(1, self.own),
            "own_shared_pass_share": self.own_shared / max(1, self.own_passed),
            **self.written(),
            "groups": int(self.groups),
            "groups_without_target": int(self.without_target),
            "response_tokens": int(self.tokens),
            "score_length_correlation": self.score_length.correlation(),
            "p_length_correlation": self.p_length.correlation(),
            **{f"label_{label}": self.labels[label] / responses for label in Label},
        }


_PLAIN = (
    "active", "ordered", "lead", "tokens", "groups", "clipped", "own", "own_passed",
    "own_shared", "own_distinct", "own_characters", "right", "right_nats",
    "without_target",
)  # fmt: skip
