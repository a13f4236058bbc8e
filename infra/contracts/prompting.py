"""Prompt forms: how a problem is shown to a model, and what was sampled from it."""

import json
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from infra.contracts.base import Contract, JsonValue

MAX_TOKENS = 131_072
"""Most token ids of a prompt, and of a completion."""
TokenIds = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=2**31)], ...], Field(max_length=MAX_TOKENS)
]


class PromptStyle(StrEnum):
    """What stands around a problem's text."""

    RAW = "raw"
    """Nothing: the model goes on from it."""
    PAPER = "paper"
    """Triple quotes, as in PanGu-Coder2, section 3.1."""
    INSTRUCT = "instruct"
    """The tokenizer's own chat template: a system prompt, the problem, and the model's turn."""
    THINKING = "thinking"
    """The same, for a model that reasons before it answers."""


class Reasoning(StrEnum):
    """What becomes of a thinking model's reasoning where its answer is learnt."""

    KEPT = "kept"
    """It is learnt with the answer, as it was sampled."""
    CUT = "cut"
    """The answer alone is learnt, behind reasoning that is empty."""


class PromptForm(Contract):
    """How problems are shown to a model and how its answers are read: a style and its options."""

    style: PromptStyle = PromptStyle.PAPER
    system: Annotated[str, Field(max_length=20_000)] | None = None
    """System prompt of a chat; null: what the suite asks of a problem; empty: none."""
    prefill: Annotated[str, Field(max_length=20_000)] = ""
    """Beginning of the answer that a chat's model is given, such as an opened block of code."""
    template: dict[str, JsonValue] = Field(default_factory=dict)
    """Options of the chat template, such as `{"enable_thinking": false}`."""
    reasoning: Reasoning = Reasoning.KEPT
    """Of a thinking model."""

    @property
    def is_chat(self) -> bool:
        """Whether a chat template makes the prompt."""
        return self.style in (PromptStyle.INSTRUCT, PromptStyle.THINKING)

    @model_validator(mode="after")
    def _options_belong_to_the_style(self) -> Self:
        if not self.is_chat and (self.system is not None or self.prefill or self.template):
            raise ValueError("`system`, `prefill` and `template` are of a chat's forms")
        if self.reasoning is Reasoning.CUT and self.style is not PromptStyle.THINKING:
            raise ValueError("only of the form `thinking` is the reasoning cut")
        if self.style is PromptStyle.THINKING and self.prefill:
            raise ValueError("a thinking model begins with its reasoning, so it takes no `prefill`")
        return self

    def __str__(self) -> str:
        """Name it: the style, and the options that were set."""
        options = self.model_dump(mode="json", exclude_defaults=True, exclude={"style"})
        return self.style.value + (f" {json.dumps(options)}" if options else "")


def read_form(value: Any) -> Any:
    """Read a form from a setting: the name of a style, or JSON with its options.

    Raises:
        ValueError: it begins like JSON and is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    return json.loads(text) if text.startswith("{") else {"style": text}


def parse_form(text: str) -> PromptForm:
    """Return the form that a setting names.

    Raises:
        ValueError: it names none.
    """
    return PromptForm.model_validate(read_form(text))


FormOption = Annotated[PromptForm, BeforeValidator(read_form)]
"""A form as a setting: the name of a style, or an object with its options."""
PAPER = PromptForm()


class Sampled(Contract):
    """What a completion was sampled from, token by token where that is known."""

    form: PromptForm
    prompt_token_ids: TokenIds = ()
    """What the model went on from; empty where the server did not say."""
    token_ids: TokenIds = ()
    """What it wrote, with the end token if it wrote one; empty where the server did not say."""
    logps: Annotated[tuple[float, ...], Field(max_length=MAX_TOKENS)] = ()
    """Log-probability of each token it wrote, before temperature and any cut; empty likewise."""
    answer: dict[str, JsonValue] = Field(default_factory=dict)
    """What else a server said of the completion: reasoning, a refusal, calls of tools."""

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.token_ids and not self.prompt_token_ids:
            raise ValueError("`token_ids` need the `prompt_token_ids` that they were sampled from")
        if self.token_ids and self.logps and len(self.token_ids) != len(self.logps):
            raise ValueError("`logps` must have one number for each of `token_ids`")
        return self
