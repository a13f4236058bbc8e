"""What rounds of RRTF are to do, and what one has done."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from infra.contracts.base import Author, Pairing
from infra.contracts.candidates import SamplePlan
from infra.contracts.views.api import CheckpointView
from services import statistics
from services.statistics import Estimate


class Mode(StrEnum):
    """Which policy writes the candidates of a round."""

    ITERATIVE = "iterative"
    """The newest checkpoint."""
    OVERLAPPING = "overlapping"
    """The newest checkpoint when the round before begins to be trained: a round older."""
    OFFLINE = "offline"
    """The policy as it was before the first round, as in the paper."""


class Teacher(NamedTuple):
    """A model server that is asked for programs beside the policy."""

    endpoint: str
    num_samples: int
    """For each problem."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is done in how many rounds."""

    policy: str
    rounds: int = 1
    mode: Mode = Mode.ITERATIVE
    problems_per_round: int = 0
    """0 takes every problem in every round."""
    samples: int = 8
    """Of the student, for each problem."""
    temperature: float = 1.0
    max_tokens: int = 512
    seed: int = 0
    patience: int = 0
    """Rounds without a better checkpoint after which to stop; 0 for none."""
    policy_endpoint: str | None = None
    """Model server that the policy is sampled from; without one, the sampler loads it itself."""
    teachers: tuple[Teacher, ...] = ()
    teacher_tokens: int = 1024
    """Most that a teacher may write for one program."""
    pairs: Pairing | None = None
    """Which candidates are paired; `all` needs no teacher."""

    @property
    def held_out_policy(self) -> str:
        """Name that evaluation's groups carry: nobody trains it."""
        return f"{self.policy}.held-out"

    def of_policy(
        self, checkpoint: CheckpointView | None, number: int, count: int, temperature: float
    ) -> SamplePlan:
        """Ask the policy, as it was at a checkpoint or before the first, for so many programs."""
        served = self.policy_endpoint
        first = f"{self.policy}/{0:08d}" if served else ""
        return SamplePlan(
            author=Author.STUDENT,
            backend=served or "transformers",
            # The sampler knows checkpoints by policy and version.
            model="/".join(Path(checkpoint.path).parts[-2:]) if checkpoint else first,
            num_samples=count,
            temperature=temperature,
            top_p=1.0,
            max_tokens=self.max_tokens,
            seed=self._seed(number),
        )

    def of_teachers(self, number: int) -> list[SamplePlan]:
        """Ask each teacher for its programs."""
        return [
            SamplePlan(
                author=Author.TEACHER,
                backend=teacher.endpoint,
                num_samples=teacher.num_samples,
                max_tokens=self.teacher_tokens,
                seed=self._seed(number),
            )
            for teacher in self.teachers
        ]

    def _seed(self, number: int) -> int:
        return self.seed * 1_000_003 + number


@dataclass(frozen=True, kw_only=True)
class Round:
    """What a round did; the one of number 0 only evaluates."""

    number: int
    version: int
    """Of the policy that was evaluated."""
    groups: int
    trained_groups: int
    staleness: tuple[int, int] | None
    """Least and most that a student's candidate of this round had."""
    teachers_missing: int
    """Programs of teachers that were asked for and could not be had."""
    greedy: Estimate
    """Share of held-out problems that the greedy completion solves."""
    solved: tuple[bool, ...]
    seconds: float


def difference(before: Round, after: Round) -> Estimate:
    """Return how much the share of solved held-out problems rose, with its interval."""
    return statistics.difference(before.solved, after.solved)
