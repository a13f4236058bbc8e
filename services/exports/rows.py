"""Rows of ranked groups, each text of a problem once."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from infra.contracts.prompting import PromptForm
from infra.contracts.views.api import RankedGroupView
from infra.printable import counted
from services.exports.features import as_told, kinds_of
from services.exports.shapes import Columns, Shape, is_desirable
from services.exports.wanted import LeftOut, Wanted

Row = dict[str, Any]


class Rows:
    """Makes rows of one shape, and counts what it leaves out."""

    def __init__(
        self,
        shape: Shape,
        wanted: Wanted,
        conversational: bool = False,
        prompt_form: PromptForm | None = None,
    ) -> None:
        """Make rows of `shape`, with texts as `Columns` makes them."""
        self._shape = shape
        self._wanted = wanted
        self._columns = Columns(conversational, prompt_form)
        self._seen: set[bytes] = set()
        self._pairs_of: Counter[str] = Counter()
        self.groups = 0
        """Groups that were used so far."""
        self.left_out = LeftOut()

    def of(self, groups: Iterable[RankedGroupView]) -> Iterator[Row]:
        """Yield the rows of groups, in their order."""
        for group in groups:
            refusal = self._wanted.refusal_of_group(group)
            if refusal is not None:
                self.left_out.groups[refusal] += 1
                continue
            self.groups += 1
            yield from self._of_group(group)

    def _of_group(self, group: RankedGroupView) -> Iterator[Row]:
        match self._shape:
            case Shape.COMPLETION:
                yield from self._completion(group)
            case Shape.PREFERENCE:
                yield from self._preferences(group)
            case Shape.RANKED:
                yield from self._ranked(group)
            case Shape.UNPAIRED:
                yield from self._unpaired(group)
            case Shape.PROMPT:
                if self._is_new(group):
                    yield self._columns.prompt(group)

    def _completion(self, group: RankedGroupView) -> Iterator[Row]:
        refusals: list[str] = []
        for response in group.responses:
            refusal = self._wanted.refusal_of(response)
            refusal = refusal or self._wanted.refusal_to_imitate(response)
            if refusal is None:
                if self._is_new(group, response.completion):
                    columns = self._columns.response("completion", group, response)
                    yield self._columns.prompt(group) | columns
                return
            refusals.append(refusal)
        self.left_out.rows[refusals[0]] += 1

    def _preferences(self, group: RankedGroupView) -> Iterator[Row]:
        if not group.pairs:
            assert group.skip_reason is not None, "a group without pairs says why"
            self.left_out.no_pairs[group.skip_reason] += 1
        pairs = list(group.pairs)
        if self._wanted.max_pairs_per_problem is not None:
            pairs.sort(key=lambda pair: -pair[2])
        for pair in pairs:
            refusal = self._refusal_of_pair(group, *pair)
            if refusal is not None:
                self.left_out.rows[refusal] += 1
                continue
            better, worse, gap = pair
            chosen, rejected = group.responses[better], group.responses[worse]
            if self._is_new(group, chosen.completion, rejected.completion):
                self._pairs_of[group.problem_slug] += 1
                yield (
                    self._columns.prompt(group)
                    | self._columns.response("chosen", group, chosen)
                    | self._columns.response("rejected", group, rejected)
                    # The same by the name that RewardTrainer reads.
                    | {"gap": gap, "margin": gap}
                )

    def _refusal_of_pair(
        self, group: RankedGroupView, better: int, worse: int, gap: float
    ) -> str | None:
        chosen, rejected = group.responses[better], group.responses[worse]
        refusal = self._wanted.refusal_of(chosen, rejected)
        refusal = refusal or self._wanted.refusal_to_imitate(chosen)
        if refusal is not None:
            return refusal
        if gap < self._wanted.min_gap:
            return f"gap below {self._wanted.min_gap:g}"
        if chosen.completion == rejected.completion:
            return "both say the same beyond the prompt"
        most = self._wanted.max_pairs_per_problem
        if most is not None and self._pairs_of[group.problem_slug] >= most:
            return f"more than {counted(most, 'pair')} of a problem"
        return None

    def _ranked(self, group: RankedGroupView) -> Iterator[Row]:
        kept: list[int] = []
        for place, response in enumerate(group.responses):
            refusal = self._wanted.refusal_of(response)
            if refusal is None:
                kept.append(place)
            else:
                self.left_out.rows[f"a response, {refusal}"] += 1
        found = [group.responses[place] for place in kept]
        if found and self._is_new(group, *(response.completion for response in found)):
            row = _of_these(group, kept).model_dump(mode="json")
            yield as_told(row, kinds_of(RankedGroupView))

    def _unpaired(self, group: RankedGroupView) -> Iterator[Row]:
        for response in group.responses:
            refusal = self._wanted.refusal_of(response)
            if refusal is not None:
                self.left_out.rows[refusal] += 1
            elif self._is_new(group, response.completion):
                columns = self._columns.response("completion", group, response)
                yield self._columns.prompt(group) | columns | {"label": is_desirable(response)}

    def _is_new(self, group: RankedGroupView, *texts: str) -> bool:
        """Tell whether a row of these texts is the first of its problem; count it if it is not."""
        digest = hashlib.blake2b(digest_size=16)
        for text in (group.problem_slug, *texts):
            digest.update(len(text).to_bytes(8) + text.encode())
        if digest.digest() in self._seen:
            self.left_out.rows["there already"] += 1
            return False
        self._seen.add(digest.digest())
        return True


def _of_these(group: RankedGroupView, kept: Sequence[int]) -> RankedGroupView:
    """Return a ranked group of some of its responses, of which there is at least one."""
    place = {old: new for new, old in enumerate(kept)}
    return group.model_copy(
        update={
            "responses": tuple(group.responses[old] for old in kept),
            "pairs": tuple(
                (place[better], place[worse], gap)
                for better, worse, gap in group.pairs
                if better in place and worse in place
            ),
            # Responses are in their order: without the best, the first is.
            "best": place.get(group.best, 0),
        }
    )
