"""Model servers that a sampler may ask: read from one file, keys from the environment alone."""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator

from infra import errors
from infra.contracts.base import Contract, JsonValue
from infra.contracts.candidates import PolicyName
from infra.contracts.prompting import FormOption, PromptForm, PromptStyle
from sampler.servers.weights import Weights

_MILLION = 1_000_000
Price = Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=6)]


class Form(StrEnum):
    """Which of the forms of a server is used."""

    CHAT = "chat"
    """OpenAI's `/chat/completions`."""
    COMPLETION = "completion"
    """OpenAI's `/completions`."""
    MESSAGES = "messages"
    """Anthropic's `/messages`."""


_OURS = frozenset({"model", "messages", "prompt", "n", "stream", "system"})
"""Fields of a request that say what is asked, and that nothing may change."""


class Endpoint(Contract):
    """One model server, and how it may be used."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,99}$")]
    """What plans call it."""
    url: str
    """Address before `/completions`, `/chat/completions` or `/messages`, such as
    `http://host:8000/v1`."""
    model: Annotated[str, Field(min_length=1, max_length=200)]
    form: Form = Form.CHAT
    key: Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]*$")] | None = None
    """Name of the environment variable that holds the key; none for a server without one."""
    concurrency: int = Field(64, ge=1, le=1024)
    """Requests under way at once, for each sampler worker."""
    samples_per_request: int = Field(1, ge=1, le=128)
    """Completions asked for in one request (`n`); they share a seed, and the prompt's price."""
    timeout_seconds: float = Field(120.0, gt=0, le=240)
    """For one request, from its start to the last byte of the answer; a sampler sends none that may
    take longer than its task."""
    tries: int = Field(8, ge=1, le=50)
    """Times one request is sent before the endpoint counts as away."""
    requests_per_minute: float | None = Field(None, gt=0)
    tokens_per_minute: float | None = Field(None, gt=0)
    """Both over all sampler workers; tokens of prompt and of the longest answer."""
    input_price: Price = Decimal(0)
    output_price: Price = Decimal(0)
    """For a million tokens, in the currency of `budget`."""
    budget: Price | None = None
    """The most that all requests ever made under this name may cost."""
    max_tokens_field: Annotated[str, Field(pattern=r"^max_[a-z_]+$")] = "max_tokens"
    """How the server calls the limit; newer hosted models want `max_completion_tokens`."""
    prompt: FormOption | None = None
    """How the model is shown problems; by default `instruct` in a chat, and `raw` for a completion.
    A policy of this suite wants what its trainer has, by default `paper`."""
    omit: frozenset[Literal["temperature", "top_p", "top_k", "min_p", "seed", "stop"]] = frozenset()
    """What this server refuses, and is not told even where a plan says it."""
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """More fields for each request, in the server's own words."""
    token_ids: bool = False
    """Whether to ask for token ids with their log-probabilities, as vLLM gives them; a trainer then
    learns exactly these."""
    logprobs: bool = False
    """Whether to ask for log-probabilities alone."""
    policy: PolicyName | None = None
    """Policy of this suite that the server serves; then `model` is what it serves before the first
    checkpoint."""
    weights: Weights | None = None
    """How checkpoints of the policy get there."""

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an http or https address")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no user, password, query or fragment; name a `key`")
        return value.rstrip("/")

    @property
    def prompt_form(self) -> PromptForm:
        """How the model is shown problems."""
        usual = PromptStyle.RAW if self.form is Form.COMPLETION else PromptStyle.INSTRUCT
        return PromptForm(style=usual) if self.prompt is None else self.prompt

    def shown(self, form: PromptForm) -> "Endpoint":
        """Return the same endpoint with its model shown problems in another form.

        Raises:
            errors.InvalidInput: what the server takes cannot carry it.
        """
        try:
            return Endpoint.model_validate(self.model_dump() | {"prompt": form})
        except ValidationError as error:
            reason = error.errors(include_input=False, include_url=False)[0]["msg"]
            raise errors.InvalidInput(f"the endpoint {self.name!r}: {reason}") from None

    @model_validator(mode="after")
    def _form_carries_the_prompt(self) -> Self:
        if self.prompt_form.is_chat == (self.form is Form.COMPLETION):
            raise ValueError(f"prompts of {self.prompt_form} cannot be sent as {self.form.value}")
        if self.form is Form.MESSAGES and (
            self.samples_per_request > 1 or self.token_ids or self.logprobs
        ):
            raise ValueError("one of `messages` gives one sample, and neither ids nor logprobs")
        return self

    @field_validator("extra_body")
    @classmethod
    def _changes_nothing_that_is_asked(cls, value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if taken := sorted(_OURS & value.keys()):
            raise ValueError(f"must not hold {', '.join(taken)}")
        return value

    @model_validator(mode="after")
    def _budget_has_prices(self) -> Self:
        if self.budget is not None and not (self.input_price or self.output_price):
            raise ValueError("a `budget` needs `input_price` or `output_price`")
        return self

    @model_validator(mode="after")
    def _policy_has_weights(self) -> Self:
        if (self.policy is None) != (self.weights is None):
            raise ValueError("`policy` needs `weights`, and `weights` a `policy`")
        return self

    def asking(self) -> dict[str, JsonValue]:
        """Return what of it has a part in what the model writes; its address may change."""
        omitted: list[JsonValue] = [*sorted(self.omit)]
        return {
            "model": self.model,
            "form": self.form.value,
            "extra_body": self.extra_body,
            "omit": omitted,
        }

    def cost(self, prompt_tokens: int, completion_tokens: int) -> Decimal:
        """Return the price of so many tokens."""
        return (self.input_price * prompt_tokens + self.output_price * completion_tokens) / _MILLION

    def secret(self, environment: Mapping[str, str] = os.environ) -> SecretStr | None:
        """Read the key.

        Raises:
            errors.ConfigurationError: the variable is not set.
        """
        if self.key is None:
            return None
        value = environment.get(self.key, "").strip()
        if not value:
            raise errors.ConfigurationError(
                f"the endpoint {self.name!r} needs its key in the variable {self.key}"
            )
        return SecretStr(value)


def read_endpoints(path: Path) -> list[Endpoint]:
    """Read a TOML file with one table for each endpoint, named as plans name it.

    Raises:
        errors.ConfigurationError: it cannot be read, or an entry is wrong; a value is not repeated,
            for it might be a key.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise errors.ConfigurationError(f"cannot read {path}: {error}") from None
    found = []
    for name, table in tables.items():
        if not isinstance(table, dict):
            raise errors.ConfigurationError(f"{path}: {name!r} stands outside every table")
        try:
            found.append(Endpoint.model_validate({"name": name, **table}))
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "table"
            raise errors.ConfigurationError(f"{path}, [{name}], {field}: {first['msg']}") from None
    return found
