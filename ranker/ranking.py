"""From labelled candidates of one group to scores, an order and training pairs: pure.

PanGu-Coder2 (arXiv 2307.14936), section 3.4, step 2: four situations with scores from low to high;
of two candidates in the same situation the teacher's ranks higher; a teacher below a student is
left out. The paper gives no numbers; ours are the presets here.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import combinations
from uuid import UUID

from pydantic import Field

from infra.contracts.base import Author, Contract, Label, SkipReason
from infra.contracts.ranking import Judged, Pair, RankedCandidate, Ranking

_ORDER = tuple(Label)


class Preset(StrEnum):
    """How labels become scores."""

    RRTF = "rrtf"
    """Compile 0, runtime 1, partial 2 + 0.9 x pass fraction, all 3; divided by 3."""
    LINEAR = "linear"
    """0, 1, 2, 3; divided by 3."""
    CODERL = "coderl"
    """-1, -0.6, -0.3, 1 (CodeRL)."""
    RLTF = "rltf"
    """-1, -0.6, -0.3 + 1.3 x pass fraction, 1 (RLTF's adaptive score)."""


class Rules(Contract):
    """Everything that decides a ranking."""

    preset: Preset = Preset.RRTF
    tie_bonus: float = Field(0.05, ge=0, lt=0.1)
    """Added to a teacher's score, as far as it does not lift it to the next label's scores."""
    all_pairs: bool = False
    """Pair every two candidates of different score, not only teacher over student."""
    min_best: Label = Label.PARTIAL_PASS
    """Lowest label of the best response, which the cross-entropy term imitates."""


def score_of(label: Label, pass_fraction: float, preset: Preset) -> float:
    """Score a label, without the tie bonus."""
    position = _ORDER.index(label)
    partial = label is Label.PARTIAL_PASS
    match preset:
        case Preset.RRTF:
            return (position + (0.9 * pass_fraction if partial else 0.0)) / 3
        case Preset.LINEAR:
            return position / 3
        case Preset.CODERL:
            return (-1.0, -0.6, -0.3, 1.0)[position]
        case Preset.RLTF:
            return -0.3 + 1.3 * pass_fraction if partial else (-1.0, -0.6, -0.3, 1.0)[position]


def rank(candidates: Sequence[Judged], rules: Rules) -> Ranking:
    """Rank one group; the result does not depend on the order of the candidates."""
    scores = {c.candidate_id: _score(c, rules) for c in candidates}
    ordered = sorted(candidates, key=lambda c: _best_first(c, scores[c.candidate_id]))
    # An empty program has no text to learn or to avoid.
    responses = [c for c in ordered if c.program.strip()]
    pairs, dropped = _pairs(responses, scores, rules)
    best = responses[0] if responses else None
    return Ranking(
        preset=rules.preset.value,
        order=tuple(
            RankedCandidate(
                candidate_id=c.candidate_id,
                author=c.author,
                label=c.label,
                score=scores[c.candidate_id],
            )
            for c in ordered
        ),
        pairs=tuple(pairs),
        best_id=best.candidate_id if best else None,
        dropped_pairs=dropped,
        skip_reason=_skip_reason(responses, pairs, dropped, best, rules),
    )


def _score(candidate: Judged, rules: Rules) -> float:
    score = score_of(candidate.label, candidate.pass_fraction, rules.preset)
    if candidate.author is Author.STUDENT:
        return score
    if candidate.label is _ORDER[-1]:
        return score + rules.tie_bonus
    # Nineteen tests of twenty plus the whole bonus would outrank a student that passes them all.
    above = score_of(_ORDER[_ORDER.index(candidate.label) + 1], 0.0, rules.preset)
    return score + max(0.0, min(rules.tie_bonus, (above - score) / 2))


def _best_first(candidate: Judged, score: float) -> tuple[float, bool, int, str]:
    # Equal scores: the teacher, then the shorter program, then the id, so that the order is total.
    student = candidate.author is Author.STUDENT
    return -score, student, len(candidate.program), str(candidate.candidate_id)


def _pairs(
    ordered: Sequence[Judged], scores: Mapping[UUID, float], rules: Rules
) -> tuple[list[Pair], int]:
    """Pair the better with the worse; count the teachers left out because a student is better."""
    pairs: list[Pair] = []
    dropped = 0
    seen: set[tuple[str, str]] = set()
    for first, second in combinations(ordered, 2):
        # The order is best first, so `first` never scores below `second`.
        gap = scores[first.candidate_id] - scores[second.candidate_id]
        if not rules.all_pairs:
            if first.author is second.author:
                continue
            if first.author is Author.STUDENT:
                dropped += 1
                continue
        # A program written twice teaches once, and never against itself.
        texts = (first.program, second.program)
        if gap > 0 and texts[0] != texts[1] and texts not in seen:
            seen.add(texts)
            pairs.append(Pair(better_id=first.candidate_id, worse_id=second.candidate_id, gap=gap))
    return pairs, dropped


def _skip_reason(
    ordered: Sequence[Judged],
    pairs: Sequence[Pair],
    dropped: int,
    best: Judged | None,
    rules: Rules,
) -> SkipReason | None:
    if len(ordered) < 2 or best is None:
        return SkipReason.TOO_FEW_CANDIDATES
    if not rules.all_pairs:
        authors = {candidate.author for candidate in ordered}
        if Author.TEACHER not in authors:
            return SkipReason.NO_TEACHER
        if Author.STUDENT not in authors:
            return SkipReason.NO_STUDENT
    if not pairs:
        return SkipReason.TEACHER_BELOW_STUDENT if dropped else SkipReason.NO_POSITIVE_GAP
    if _ORDER.index(best.label) < _ORDER.index(rules.min_best):
        return SkipReason.BEST_BELOW_MINIMUM
    return None
