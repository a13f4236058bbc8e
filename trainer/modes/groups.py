"""A ranked group as token ids, which every mode learns from."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from infra.contracts.base import Label
from trainer.modes.pairs import Pair


@dataclass(frozen=True)
class OwnPrograms:
    """How the policy's own programs of a group did, whether or not they are learnt from."""

    count: int = 0
    passed: int = 0
    """How many pass all tests."""
    shared: int = 0
    """How many of these were judged in one process with the tests, where they can cheat."""
    distinct: int = 0
    """How many differ in their text."""
    characters: int = 0
    """Length of all together."""


@dataclass(frozen=True, kw_only=True)
class EncodedGroup:
    """One prompt with its responses as token ids."""

    prompt: list[int]
    responses: list[list[int]]
    pairs: list[Pair]
    best: int | None
    """Response to imitate; None when its end was cut off, or nothing was written."""
    scores: list[float]
    labels: list[Label]
    is_teacher: list[bool]
    own: OwnPrograms = OwnPrograms()
    sampled: list[list[float] | None] | None = None
    """Log-probability of each token when the policy wrote it, where that is known."""
    reference: Sequence[Tensor] | None = None
    """Log-probabilities (T,) of each response under the policy's first weights, where needed."""

    @property
    def lengths(self) -> list[int]:
        """Tokens of each response, the end token included."""
        return [len(response) for response in self.responses]

    def only_best(self) -> "EncodedGroup | None":
        """Return the group reduced to what cross-entropy needs, or None without a target."""
        if self.best is None:
            return None
        return EncodedGroup(
            prompt=self.prompt,
            responses=[self.responses[self.best]],
            pairs=[],
            best=0,
            scores=[self.scores[self.best]],
            labels=[self.labels[self.best]],
            is_teacher=[self.is_teacher[self.best]],
        )
