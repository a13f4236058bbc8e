"""Which responses of a group are compared."""

import itertools
from collections.abc import Sequence

from trainer.modes.config import PairMode

Pair = tuple[int, int, float]
"""Indices of the better and the worse response, and the gap between their scores."""


def form_pairs(
    scores: Sequence[float],
    is_teacher: Sequence[bool],
    mode: PairMode,
    tie_bonus: float = 0.0,
    results: Sequence[object] | None = None,
) -> list[Pair]:
    """Compare responses by score; where results are equal, a teacher leads a student by the bonus.

    Without `results` those of equal score are equal.

    Raises:
        ValueError: the pairs are the ranker's to make.
    """
    if mode is PairMode.RANKED:
        raise ValueError("the ranker's pairs come with the group")
    results = scores if results is None else results
    pairs = []
    for better, worse in itertools.permutations(range(len(scores)), 2):
        over_student = is_teacher[better] and not is_teacher[worse]
        if results[better] == results[worse]:
            gap = tie_bonus if over_student else 0.0
        else:
            gap = scores[better] - scores[worse]
        if gap > 0 and (mode is PairMode.ALL or over_student):
            pairs.append((better, worse, gap))
    return pairs
