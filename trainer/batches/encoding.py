"""From a ranked group to token ids."""

from collections.abc import Sequence
from fractions import Fraction

from infra.contracts.base import Author, Integrity, Label
from infra.contracts.prompting import PAPER, PromptForm
from infra.contracts.ranking import RankedGroup, Response, exact_share
from trainer.batches.responses import ResponseEncoder
from trainer.models.tokenizer import TextTokenizer
from trainer.modes.config import (
    POLICY_GRADIENT,
    Imitated,
    LossConfig,
    Mode,
    PairMode,
    Scores,
)
from trainer.modes.groups import EncodedGroup, OwnPrograms
from trainer.modes.pairs import Pair, form_pairs
from trainer.modes.terms import Term


def encode_group(
    group: RankedGroup,
    tokenizer: TextTokenizer,
    max_prompt: int,
    max_response: int,
    config: LossConfig | None = None,
    form: PromptForm = PAPER,
) -> EncodedGroup:
    """Encode a group: what the policy sampled as it was sampled, other programs as texts.

    The prompt is token for token what is sampled from; one that is too long loses its beginning,
    but not what stands before every problem. A text ends in the end token if it is complete and
    fits. A cut one must not teach the model to stop there, so it gets none, and is never imitated;
    it is ranked all the same. Responses that the mode learns nothing from are left out: they would
    only cost time.

    Raises:
        errors.PromptMismatch: a student's candidate was sampled from another prompt.
    """
    config = config or LossConfig()
    encoder = ResponseEncoder(group, tokenizer, form, max_response)
    scores = _scores_of(group, config)
    pairs = _pairs_of(group, scores, config)
    imitated = _imitated(group, config)
    used = _used(group, pairs, imitated, config)
    place = {index: number for number, index in enumerate(used)}
    responses = [group.responses[index] for index in used]
    encoded = [encoder.encode(response) for response in responses]
    best = None if imitated is None else place[imitated]
    is_whole = best is not None and encoded[best][1] and responses[best].program.strip()
    return EncodedGroup(
        prompt=encoder.prompt(max_prompt),
        responses=[ids for ids, _ in encoded],
        pairs=[(place[better], place[worse], gap) for better, worse, gap in pairs],
        best=best if is_whole else None,
        scores=[scores[index] for index in used],
        labels=[response.label for response in responses],
        is_teacher=[response.author is Author.TEACHER for response in responses],
        own=_own_programs(group),
        sampled=[
            _when_sampled(response, ids)
            for response, (ids, _) in zip(responses, encoded, strict=True)
        ],
    )


def _when_sampled(response: Response, ids: list[int]) -> list[float] | None:
    """Return the log-probabilities of the very ids that are learnt, if the sampler told them."""
    sampled = response.sampled
    if sampled is None or not sampled.logps:
        return None
    if list(sampled.token_ids[: len(ids)]) != ids:
        return None  # Its reasoning is cut off, which changes what the rest depends on.
    return list(sampled.logps[: len(ids)])


def _own_programs(group: RankedGroup) -> OwnPrograms:
    own = [one for one in group.responses if one.author is not Author.TEACHER]
    passed = sum(one.label is Label.ALL_PASS for one in own)
    return OwnPrograms(
        count=len(own),
        passed=passed,
        shared=passed if group.integrity is Integrity.SHARED else 0,
        distinct=len({one.program for one in own}),
        characters=sum(len(one.program) for one in own),
    )


def _scores_of(group: RankedGroup, config: LossConfig) -> list[float]:
    if config.scores is Scores.LABELS:
        ranks = {label: float(rank) for rank, label in enumerate(Label)}
        return [ranks[response.label] for response in group.responses]
    return [response.score for response in group.responses]


def _imitated(group: RankedGroup, config: LossConfig) -> int | None:
    """Return the response that cross-entropy imitates, if the mode has one."""
    if Term.CE not in config.terms:
        return None
    if config.imitated is Imitated.BEST:
        return group.best
    # The ranker's order: of equally good ones its first.
    teachers = [
        (response.score, -index)
        for index, response in enumerate(group.responses)
        if response.author is Author.TEACHER
    ]
    return -max(teachers)[1] if teachers else None


def _used(
    group: RankedGroup, pairs: Sequence[Pair], imitated: int | None, config: LossConfig
) -> list[int]:
    """Return the responses that the mode learns something from; one at least."""
    if config.mode is Mode.KTO:
        return list(range(len(group.responses)))
    if config.mode in POLICY_GRADIENT:
        own = [
            index
            for index, response in enumerate(group.responses)
            if response.author is not Author.TEACHER
        ]
        return own or [group.best]
    used = set() if imitated is None else {imitated}
    return sorted(used.union(*(pair[:2] for pair in pairs))) or [group.best]


def _pairs_of(group: RankedGroup, scores: Sequence[float], config: LossConfig) -> list[Pair]:
    """Return the ranker's pairs, or those that the configuration makes instead."""
    if not {Term.RANK, Term.DPO} & set(config.terms):
        return []
    if config.pairs is PairMode.RANKED:
        return list(group.pairs)
    teachers = [response.author is Author.TEACHER for response in group.responses]
    pairs: dict[tuple[str, str], Pair] = {}
    results = [_result_of(response, config) for response in group.responses]
    for pair in form_pairs(scores, teachers, config.pairs, config.tie_bonus, results):
        better, worse = (group.responses[index].program for index in pair[:2])
        # As in the ranker's: a program written twice teaches once, and never against itself.
        if better.strip() and worse.strip() and better != worse:
            pairs.setdefault((better, worse), pair)
    return list(pairs.values())


def _result_of(response: Response, config: LossConfig) -> tuple[Label, Fraction] | Label | float:
    if config.scores is Scores.LABELS:
        return response.label
    # By tests where they are known: in some presets several shares have one score.
    share = response.pass_fraction
    return response.score if share is None else (response.label, exact_share(share))
