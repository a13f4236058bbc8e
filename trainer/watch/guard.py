"""Notices that a run goes wrong while every number in it is still finite.

A step is suspect when its loss, its gradient norm or its surprise lies far above the lowest running
median so far. Surprise, how improbable programs are that pass, tells of runs whose loss is bounded
or near zero whatever happens, as that of KTO and of policy gradients is, and whose gradient
vanishes once every probability is 0 or 1. A run whose steps are suspect three times in a row has
diverged; so has one whose policy solves far fewer problems than it did.
"""

import math
import statistics
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

WINDOW: Final = 20
"""Steps of a running median."""
PATIENCE: Final = 3
"""Suspect steps in a row that end a run."""
_FACTOR: Final = {"loss": 2.0, "grad_norm": 20.0, "surprise": 2.0}
"""How many times the median a value may lie above it; norms vary much more than losses."""
_SPREAD: Final = 6.0
"""How many spreads of the newest values (robust standard deviations) it may lie above it."""
_FLOOR: Final = {"loss": 1.0, "grad_norm": 100.0, "surprise": 1.0}
"""What it may lie above a median near zero. The norm of a policy gradient is 0 in a step whose
groups teach nothing; healthy steps of the small student had norms of up to 50 (`rrhf`), 29
(`paper`), 12 (`grpo`) and 4 (the others)."""
_FEWEST: Final = 200
"""Programs of the policy that a rate of passes is of."""
_ERRORS: Final = 4.0
"""Standard errors between two rates that are no chance."""


@dataclass
class History:
    """What a guard remembers; saved with a checkpoint, so that a new start knows it too."""

    recent: dict[str, list[float]] = field(default_factory=dict)
    """The newest values of each measure that were not suspect."""
    lowest: dict[str, float] = field(default_factory=dict)
    """The lowest running median of each."""
    suspect: int = 0
    """Suspect steps in a row, up to now."""
    best_rate: tuple[float, int] | None = None
    """Highest share of programs that pass all tests, and of how many."""
    at_first: dict[str, list[float]] = field(default_factory=dict)
    """The first values of each measure of what the policy writes."""
    written: dict[str, list[float]] = field(default_factory=dict)
    """The newest of them."""


class Guard:
    """Judges each step by those before it."""

    def __init__(self, history: History) -> None:
        """Go on from what is remembered, and keep it up to date."""
        self.history = history
        self._programs: deque[tuple[float, float]] = deque(maxlen=5 * WINDOW)

    @property
    def is_calm(self) -> bool:
        """Whether the newest step was not suspect."""
        return self.history.suspect == 0

    def look(self, measures: dict[str, float], passed: float, programs: float) -> str | None:
        """Take in a step; return why the run has diverged, or None.

        Args:
            measures: `loss` and `grad_norm`, and `surprise` where a program passes; all finite.
            passed: How many programs of the policy in this step pass all tests.
            programs: How many programs of the policy there are.
        """
        far = [name for name, value in measures.items() if self._is_far(name, value)]
        if far:
            self.history.suspect += 1
        else:
            # A step that does not tell all leaves open what those before it said.
            if self.history.lowest.keys() <= measures.keys():
                self.history.suspect = 0
            for name, value in measures.items():
                self._remember(name, value)
        if self.history.suspect >= PATIENCE:
            shown = ", ".join(
                f"{name} {measures[name]:.4g} where its median was {self.history.lowest[name]:.4g}"
                for name in far
            )
            return f"{PATIENCE} steps in a row were far off: {shown}"
        return self._fallen(passed, programs)

    def drift(self, measures: Mapping[str, float]) -> dict[str, float]:
        """Take in measures of what the policy writes; return by what factor each has moved.

        A factor is the median of the newest values over that of the first, by name with `_drift`
        behind it. Programs that grow longer or alike while more of them pass are a sign that tests
        are cheated rather than problems solved.
        """
        factors = {}
        for name, value in measures.items():
            first = self.history.at_first.setdefault(name, [])
            if len(first) < WINDOW:
                first.append(value)
            newest = self.history.written.setdefault(name, [])
            newest.append(value)
            del newest[:-WINDOW]
            start = statistics.median(first)
            factors[f"{name}_drift"] = statistics.median(newest) / start if start else 1.0
        return factors

    def _is_far(self, name: str, value: float) -> bool:
        lowest = self.history.lowest.get(name)
        if lowest is None:
            return False
        recent = self.history.recent[name]
        middle = statistics.median(recent)
        # For a normal distribution, 1.48 times the median distance is the standard deviation.
        spread = 1.48 * statistics.median(abs(one - middle) for one in recent)
        return value > lowest + max(_FACTOR[name] * abs(lowest), _SPREAD * spread, _FLOOR[name])

    def _remember(self, name: str, value: float) -> None:
        recent = self.history.recent.setdefault(name, [])
        recent.append(value)
        del recent[:-WINDOW]
        median = statistics.median(recent)
        # The first steps alone would set it by chance; until there are some, it only follows.
        settled = len(recent) >= WINDOW // 4 and name in self.history.lowest
        self.history.lowest[name] = min(median, self.history.lowest[name]) if settled else median

    def _fallen(self, passed: float, programs: float) -> str | None:
        """Say that far fewer of the policy's programs pass than once, if that is so."""
        self._programs.append((passed, programs))
        count = sum(number for _, number in self._programs)
        if count < _FEWEST:
            return None
        rate = sum(number for number, _ in self._programs) / count
        best, of = self.history.best_rate or (rate, int(count))
        if rate >= best:
            self.history.best_rate = (rate, int(count))
            return None
        error = math.sqrt(best * (1 - best) / of + rate * (1 - rate) / count)
        if rate < best / 2 and best - rate > _ERRORS * error:
            return f"{rate:.1%} of the policy's programs pass all tests, and {best:.1%} did"
        return None
