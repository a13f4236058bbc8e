"""From labelled candidates of one group to scores, an order and training pairs: pure.

PanGu-Coder2 (arXiv 2307.14936), section 3.4, step 2: four situations with scores from low to high;
of two candidates in the same situation the teacher's ranks higher; a teacher below a student is
left out. The paper gives no numbers; ours are the presets here. "The same situation" is the same
label and the same share of tests passed: who passes fewer never ranks above who passes more. Only
the preset `linear` takes the paper at its word, by which the same label is enough.
"""

from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from pydantic import Field

from infra.contracts.base import Author, Contract, Label, SkipReason
from infra.contracts.ranking import Judged, Pair, RankedCandidate, Ranking, exact_share
from ranker.written import has_code

RULE_VERSION = 3
"""Of what is decided here, stored with each ranking. In version 1 a teacher's bonus was part of its
score, and outweighed a test where there were more than six. In version 2 the best response might
pass no test, and `linear` told shares of tests apart."""

_ORDER = tuple(Label)


class Preset(StrEnum):
    """How labels become scores."""

    RRTF = "rrtf"
    """Compile 0, runtime 1, partial 2 + 0.9 x pass fraction, all 3; divided by 3."""
    LINEAR = "linear"
    """0, 1, 2, 3; divided by 3. The paper's own rule: within a label the teacher is first, however
    many tests it passes."""
    CODERL = "coderl"
    """-1, -0.6, -0.3, 1 (CodeRL)."""
    RLTF = "rltf"
    """-1, -0.6, -0.3 + 1.3 x pass fraction, 1 (RLTF's adaptive score)."""


class Rules(Contract):
    """Everything that decides a ranking."""

    preset: Preset = Preset.RRTF
    tie_bonus: float = Field(0.05, ge=0, lt=0.1)
    """Gap between a teacher and a student in the same situation."""
    all_pairs: bool = False
    """Pair every two candidates that differ, not only teacher over student."""
    min_best: Label = Label.PARTIAL_PASS
    """Lowest label of the best response, which the cross-entropy term imitates; with `partial_pass`
    it passes a test."""


def score_of(label: Label, pass_fraction: float, preset: Preset) -> float:
    """Score a label and a share of tests passed; who wrote the program does not matter."""
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


def is_good(label: Label, pass_fraction: float, min_best: Label) -> bool:
    """Tell whether a program may be imitated.

    One that passes no test may only where `min_best` is a label of programs that pass none.
    """
    if _ORDER.index(label) < _ORDER.index(min_best):
        return False
    return pass_fraction > 0 or _ORDER.index(min_best) < _ORDER.index(Label.PARTIAL_PASS)


class _Placed(NamedTuple):
    """A candidate with what it came to."""

    judged: Judged
    situation: tuple[int, Fraction]
    """Place of the label, and what else is told apart within it; greater is better."""
    passed: Fraction
    score: float

    @property
    def is_teacher(self) -> bool:
        return self.judged.author is Author.TEACHER


def rank(candidates: Sequence[Judged], rules: Rules) -> Ranking:
    """Rank one group; the result does not depend on the order of the candidates."""
    ordered = sorted((_placed(c, rules.preset) for c in candidates), key=_best_first)
    # Where nothing was written there is no text to learn or to avoid.
    responses = [c for c in ordered if is_response(c.judged)]
    pairs, dropped = _pairs(responses, rules)
    best = responses[0].judged if responses else None
    return Ranking(
        preset=rules.preset.value,
        rule_version=RULE_VERSION,
        order=tuple(
            RankedCandidate(
                candidate_id=c.judged.candidate_id,
                author=c.judged.author,
                label=c.judged.label,
                score=c.score,
            )
            for c in ordered
        ),
        pairs=tuple(pairs),
        best_id=best.candidate_id if best else None,
        dropped_pairs=dropped,
        skip_reason=_skip_reason([c.judged for c in responses], pairs, dropped, best, rules),
    )


def is_response(candidate: Judged) -> bool:
    """Tell whether there is code in what was written, and so something to learn or to avoid.

    Of a completion only the completion counts: the program may be all the prompt's.
    """
    text = candidate.program if candidate.completion is None else candidate.completion
    return has_code(candidate.program, candidate.language) and has_code(text, candidate.language)


def _placed(candidate: Judged, preset: Preset) -> _Placed:
    passed = exact_share(candidate.pass_fraction)
    told_apart = Fraction(0) if preset is Preset.LINEAR else passed
    return _Placed(
        judged=candidate,
        situation=(_ORDER.index(candidate.label), told_apart),
        passed=passed,
        score=score_of(candidate.label, float(passed), preset),
    )


def _best_first(candidate: _Placed) -> tuple[int, Fraction, bool, Fraction, int, str]:
    # In one situation the teacher is first. What follows makes the order total.
    label, told_apart = candidate.situation
    judged = candidate.judged
    beyond = -candidate.passed, len(judged.program), str(judged.candidate_id)
    return -label, -told_apart, not candidate.is_teacher, *beyond


def _pairs(ordered: Sequence[_Placed], rules: Rules) -> tuple[list[Pair], int]:
    """Pair the better with the worse; count the teachers left out because a student is better."""
    pairs: list[Pair] = []
    dropped = 0
    seen: set[tuple[str, str]] = set()
    for first, second in combinations(ordered, 2):
        if not rules.all_pairs:
            if first.judged.author is second.judged.author:
                continue
            if not first.is_teacher:
                dropped += 1
                continue
        gap = _gap(first, second, rules)
        # A program written twice teaches once, and never against itself.
        texts = (first.judged.program, second.judged.program)
        if gap > 0 and texts[0] != texts[1] and texts not in seen:
            seen.add(texts)
            better, worse = first.judged.candidate_id, second.judged.candidate_id
            pairs.append(Pair(better_id=better, worse_id=worse, gap=gap))
    return pairs, dropped


def _gap(better: _Placed, worse: _Placed, rules: Rules) -> float:
    if better.situation != worse.situation:
        return better.score - worse.score
    return rules.tie_bonus if better.is_teacher and not worse.is_teacher else 0.0


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
    if not is_good(best.label, best.pass_fraction, rules.min_best):
        return SkipReason.BEST_BELOW_MINIMUM
    return None
