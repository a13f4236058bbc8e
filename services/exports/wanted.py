"""What is exported, and a count of what is not, by reason."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from infra.contracts.base import Integrity, Label, SkipReason
from infra.contracts.ranking import ADVICE
from infra.contracts.views.api import RankedGroupView, RankedResponse
from infra.printable import counted
from ranker.ranking import is_good

_EVERY_LABEL = frozenset(Label)


class Wanted(NamedTuple):
    """Which groups, programs and pairs are exported; what is not said, leaves nothing out."""

    integrity: Integrity | None = None
    min_strength: float | None = None
    """Least share of mutants that the tests of the problem notice; unmeasured ones are left out."""
    since: datetime | None = None
    """When a group was ranked at the earliest."""
    labels: frozenset[Label] = _EVERY_LABEL
    models: frozenset[str] = frozenset()
    """One of which has written a completion, or either side of a pair; none: any."""
    min_best: Label = Label.PARTIAL_PASS
    """Lowest label of what is to be imitated, which passes a test unless this is lower yet."""
    min_gap: float = 0.0
    max_pairs_per_problem: int | None = None
    """Of all groups of a problem together: the first groups' pairs, the widest gaps first."""

    def refusal_of_group(self, group: RankedGroupView) -> str | None:
        """Tell why a group is left out, or None."""
        if group.skip_reason is SkipReason.UNSOUND_PROBLEM:
            return "tests found unsound"
        if self.integrity not in (None, group.integrity):
            return f"not `{self.integrity}`"
        if self.min_strength is not None and (
            group.strength is None or group.strength < self.min_strength
        ):
            return f"tests of strength below {self.min_strength:g} or unknown"
        if self.since is not None and group.created_at < self.since:
            return f"ranked before {self.since.isoformat()}"
        return None

    def refusal_of(self, *responses: RankedResponse) -> str | None:
        """Tell why what has these responses is left out, or None."""
        if not all(response.label in self.labels for response in responses):
            return "another label"
        if self.models and not any(response.model in self.models for response in responses):
            return "another model"
        if not all(response.completion.strip() for response in responses):
            return "nothing is written beyond the prompt"
        return None

    def refusal_to_imitate(self, response: RankedResponse) -> str | None:
        """Tell why a response is not to be imitated, or None."""
        fraction = response.pass_fraction or 0.0
        if is_good(response.label, fraction, self.min_best):
            return None
        if is_good(response.label, 1.0, self.min_best):
            return "what would be imitated passes no test"
        return f"what would be imitated is below `{self.min_best}`"

    def filters(self) -> str:
        """Say which filters there are."""
        given = {
            "integrity": self.integrity,
            "min_strength": self.min_strength,
            "since": self.since and self.since.isoformat(),
            "labels": self.labels != _EVERY_LABEL and ", ".join(sorted(self.labels)),
            "model": ", ".join(sorted(self.models)),
            "min_gap": self.min_gap,
            "max_pairs_per_problem": self.max_pairs_per_problem,
        }
        said = [f"`{name}` {value}" for name, value in given.items() if value]
        return "; ".join(said) or "none"

    def floor(self) -> str:
        """Say what may be imitated."""
        may_fail = is_good(self.min_best, 0.0, self.min_best)
        passes = "it may pass no test" if may_fail else "it passes at least one test"
        return f"`min_best` is `{self.min_best}`, and {passes}"


@dataclass
class LeftOut:
    """Counts of what was not exported."""

    groups: Counter[str] = field(default_factory=Counter)
    """Groups that were not wanted."""
    rows: Counter[str] = field(default_factory=Counter)
    """Rows that were not made of wanted groups."""
    no_pairs: Counter[SkipReason] = field(default_factory=Counter)
    """Wanted groups in which nothing was paired."""

    def lines(self) -> Iterator[str]:
        """Say what was left out, and what to do where there is nothing to leave out."""
        for reason, count in self.groups.items():
            yield f"left out, {reason}: {counted(count, 'group')}"
        for reason, count in self.rows.items():
            yield f"left out, {reason}: {counted(count, 'row')}"
        for skip, count in self.no_pairs.items():
            yield f"no pairs in {counted(count, 'group')}, {skip}: {ADVICE[skip]}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"groups": self.groups, "rows": self.rows, "no_pairs": self.no_pairs}
