"""From a ranked group to token ids."""

from dataclasses import dataclass
from fractions import Fraction

from infra.contracts.base import Author, Label
from infra.contracts.prompting import PAPER, PromptForm
from infra.contracts.ranking import RankedGroup, Response, exact_share
from trainer.loss import LossConfig, Pair, PairMode, form_pairs
from trainer.responses import ResponseEncoder
from trainer.tokenizer import TextTokenizer


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
        )


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
    it is ranked all the same. Responses that are neither imitated nor compared are left out: they
    would only cost time.

    Raises:
        errors.PromptMismatch: a student's candidate was sampled from another prompt.
    """
    config = config or LossConfig()
    encoder = ResponseEncoder(group, tokenizer, form, max_response)
    pairs = _pairs_of(group, config)
    used = sorted({group.best}.union(*(pair[:2] for pair in pairs)))
    place = {index: number for number, index in enumerate(used)}
    responses = [group.responses[index] for index in used]
    encoded = [encoder.encode(response) for response in responses]
    best = place[group.best]
    return EncodedGroup(
        prompt=encoder.prompt(max_prompt),
        responses=[ids for ids, _ in encoded],
        pairs=[(place[better], place[worse], gap) for better, worse, gap in pairs],
        best=best if encoded[best][1] and responses[best].program.strip() else None,
        scores=[response.score for response in responses],
        labels=[response.label for response in responses],
    )


def _pairs_of(group: RankedGroup, config: LossConfig) -> list[Pair]:
    """Return the ranker's pairs, or those that the configuration makes instead."""
    if config.pairs is PairMode.RANKED:
        return list(group.pairs)
    scores = [response.score for response in group.responses]
    teachers = [response.author is Author.TEACHER for response in group.responses]
    pairs: dict[tuple[str, str], Pair] = {}
    results = [_result_of(response) for response in group.responses]
    for pair in form_pairs(scores, teachers, config.pairs, config.tie_bonus, results):
        better, worse = (group.responses[index].program for index in pair[:2])
        # As in the ranker's: a program written twice teaches once, and never against itself.
        if better.strip() and worse.strip() and better != worse:
            pairs.setdefault((better, worse), pair)
    return list(pairs.values())


def _result_of(response: Response) -> tuple[Label, Fraction] | float:
    # By tests where they are known: in some presets several shares have one score.
    share = response.pass_fraction
    return response.score if share is None else (response.label, exact_share(share))
