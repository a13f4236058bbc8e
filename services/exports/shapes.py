"""The shapes of exported rows, by the columns that TRL's trainers read."""

from enum import StrEnum
from typing import Any

from infra.contracts.base import Label
from infra.contracts.prompting import PromptForm
from infra.contracts.views.api import RankedGroupView, RankedResponse
from infra.prompting.wording import answer_of, learnt_text, plain_text, turns_of


class Shape(StrEnum):
    """What a row is."""

    COMPLETION = "completion"
    """A prompt with its best completion: for SFTTrainer."""
    PREFERENCE = "preference"
    """A training pair, `chosen` over `rejected`: for DPOTrainer and RewardTrainer."""
    RANKED = "ranked"
    """A ranked group, as the API lists it: for `trainer.offline`, `rrtf submit`, or your own."""
    UNPAIRED = "unpaired"
    """A completion and whether it passes every test: for KTOTrainer."""
    PROMPT = "prompt"
    """A prompt alone, once for each problem: for GRPOTrainer and `services.reward`."""


class Columns:
    """Makes the columns of rows."""

    def __init__(self, conversational: bool, form: PromptForm | None = None) -> None:
        """Texts are plain or messages, of the bare problem or in a prompt form."""
        self._conversational = conversational or (form is not None and form.is_chat)
        self._form = form

    def _text(self, role: str, text: str) -> str | list[dict[str, str]]:
        return [{"role": role, "content": text}] if self._conversational else text

    def _prompt(self, group: RankedGroupView) -> str | list[dict[str, str]]:
        if self._form is None:
            return self._text("user", group.prompt)
        if self._form.is_chat:
            return [turn.model_dump() for turn in turns_of(self._form, group)]
        return self._text("user", plain_text(self._form, group.prompt))

    def _answer(
        self, group: RankedGroupView, response: RankedResponse
    ) -> str | list[dict[str, str]]:
        form, sampled = self._form, response.sampled
        text = response.completion
        if form is not None:
            text = answer_of(form, group, response.program)
            if sampled is not None and sampled.form == form and response.written is not None:
                text = learnt_text(form, response.written)
        return self._text("assistant", text)

    def prompt(self, group: RankedGroupView) -> dict[str, Any]:
        """Make what every row has."""
        return {
            "prompt": self._prompt(group),
            "problem": group.problem_slug,
            "problem_id": str(group.problem_id),
            "group_id": str(group.group_id),
            "policy": group.policy,
        }

    def response(
        self, name: str, group: RankedGroupView, response: RankedResponse
    ) -> dict[str, Any]:
        """Make the columns of one response, whose text is the one called `name`."""
        facts = {f"{name}_{fact}": value for fact, value in _facts(response).items()}
        return {name: self._answer(group, response)} | facts


def _facts(response: RankedResponse) -> dict[str, Any]:
    # Nothing is null, for a column of nulls has no type: what is not known is an empty text.
    return {
        "id": str(response.candidate_id),
        "author": response.author.value,
        "model": response.model,
        "checkpoint_id": str(response.checkpoint_id or ""),
        "label": response.label.value,
        "pass_fraction": 0.0 if response.pass_fraction is None else response.pass_fraction,
        "score": response.score,
    }


def is_desirable(response: RankedResponse) -> bool:
    """Tell what an unpaired completion is an example of: the aim is to pass every test."""
    return response.label is Label.ALL_PASS
