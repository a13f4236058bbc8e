"""What a model server's answers mean, in each of its forms: pure."""

import json
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from infra.contracts.base import JsonValue
from infra.contracts.problems import MAX_SOURCE_CHARACTERS
from infra.contracts.prompting import MAX_TOKENS, PromptStyle, Sampled
from infra.prompting.wording import THOUGHT_MARKS
from sampler.servers.endpoints import Endpoint, Form
from sampler.servers.refusals import CallFailed, Fault, storable

_MOST_TOKENS = 2**31
"""More is no count, and might not fit where it is stored: the answers of others, which are written
with this one, would be lost as well."""
_ENDED: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
}
"""Anthropic's words for why an answer ended, where OpenAI has others."""
_READ: Final = frozenset(
    {"index", "text", "message", "finish_reason", "token_ids", "prompt_token_ids", "logprobs"}
)
"""Fields of a completion that are read; the others are kept as they are."""


class Answer(NamedTuple):
    """One completion of a reply."""

    text: str
    finish_reason: str | None
    sampled: Sampled


class Reply(NamedTuple):
    """What a server answered."""

    answers: tuple[Answer, ...]
    """At least one, at most as many as were asked for."""
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Choice(_Lenient):
    model_config = ConfigDict(extra="allow")

    index: int = 0
    text: str | None = None
    message: dict[str, Any] | None = None
    finish_reason: str | None = Field(None, max_length=50)
    token_ids: Any = None
    prompt_token_ids: Any = None
    logprobs: Any = None


class _Usage(_Lenient):
    prompt_tokens: int = Field(ge=0, lt=_MOST_TOKENS)
    completion_tokens: int = Field(0, ge=0, lt=_MOST_TOKENS)


class _Body(_Lenient):
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None
    prompt_token_ids: Any = None


class _MessagesUsage(_Lenient):
    input_tokens: int = Field(ge=0, lt=_MOST_TOKENS)
    cache_creation_input_tokens: int = Field(0, ge=0, lt=_MOST_TOKENS)
    cache_read_input_tokens: int = Field(0, ge=0, lt=_MOST_TOKENS)
    output_tokens: int = Field(0, ge=0, lt=_MOST_TOKENS)

    @field_validator("cache_creation_input_tokens", "cache_read_input_tokens", mode="before")
    @classmethod
    def _none_is_zero(cls, value: Any) -> Any:
        return 0 if value is None else value

    @property
    def prompt_tokens(self) -> int:
        """All that was read, from a cache or not."""
        cached = self.cache_creation_input_tokens + self.cache_read_input_tokens
        return self.input_tokens + cached


class _Messages(_Lenient):
    model: str | None = None
    content: list[dict[str, Any]]
    stop_reason: str | None = Field(None, max_length=50)
    usage: _MessagesUsage | None = None


def read_reply(endpoint: Endpoint, num_samples: int, body: bytes) -> Reply:
    """Read the body of a successful answer; of more completions than asked for, the first.

    Raises:
        CallFailed: it is no JSON of the right shape, or holds no completion.
    """
    try:
        if endpoint.form is Form.MESSAGES:
            return _of_messages(endpoint, _Messages.model_validate_json(body))
        read = _Body.model_validate_json(body)
    except ValidationError as error:
        what = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise CallFailed(f"malformed answer: {what}", Fault.AGAIN, billed=True) from None
    choices = sorted(read.choices, key=lambda choice: choice.index)
    answers = [
        _answer(endpoint, choice, read.prompt_token_ids)
        for choice in choices
        if choice.message is not None or choice.text is not None
    ]
    if not answers:
        raise CallFailed("an answer without a completion", Fault.AGAIN, billed=True)
    usage = read.usage
    return Reply(
        answers=tuple(answers[:num_samples]),
        model=storable(read.model or endpoint.model)[:200],
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
    )


def _answer(endpoint: Endpoint, choice: _Choice, prompt_token_ids: Any) -> Answer:
    message = choice.message or {}
    text = choice.text if choice.message is None else _text_of(message.get("content"))
    reasoning = message.get("reasoning_content") or message.get("reasoning")
    if endpoint.prompt_form.style is PromptStyle.THINKING and isinstance(reasoning, str):
        # The server has taken apart what the model wrote as one.
        begins, ends = THOUGHT_MARKS
        text = f"{begins}\n{reasoning.strip()}\n{ends}\n\n{text}"
    rest = choice.model_dump(exclude=set(_READ)) | _beside_text(message)
    prompt, written = _ids(choice.prompt_token_ids or prompt_token_ids), _ids(choice.token_ids)
    logps = _logps(choice.logprobs)
    if not prompt or not written:
        prompt = written = ()
    elif len(logps) != len(written):
        logps = ()  # Of other tokens than these.
    return Answer(
        (text or "")[:MAX_SOURCE_CHARACTERS],
        choice.finish_reason and storable(choice.finish_reason),
        Sampled(
            form=endpoint.prompt_form,
            prompt_token_ids=prompt,
            token_ids=written,
            logps=logps,
            answer=_kept(rest),
        ),
    )


def _text_of(content: Any) -> str:
    """Return the text of a message: one string, or parts of which some are text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = (part.get("text") for part in parts if isinstance(part, dict))
    return "".join(text for text in texts if isinstance(text, str))


def _beside_text(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a message says that is no text of the answer."""
    rest = {name: value for name, value in message.items() if name not in ("content", "role")}
    content = message.get("content")
    parts = content if isinstance(content, list) else []
    others = [part for part in parts if not (isinstance(part, dict) and "text" in part)]
    return rest | ({"content": others} if others else {})


def _of_messages(endpoint: Endpoint, read: _Messages) -> Reply:
    message = {"content": read.content}
    ended = None if read.stop_reason is None else _ENDED.get(read.stop_reason, read.stop_reason)
    answer = Answer(
        _text_of(read.content)[:MAX_SOURCE_CHARACTERS],
        ended and storable(ended),
        Sampled(form=endpoint.prompt_form, answer=_kept(_beside_text(message))),
    )
    usage = read.usage
    return Reply(
        answers=(answer,),
        model=storable(read.model or endpoint.model)[:200],
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.output_tokens if usage else None,
    )


def _ids(value: Any) -> tuple[int, ...]:
    """Read token ids; of what is none, or too many, nothing."""
    if not isinstance(value, list) or len(value) > MAX_TOKENS:
        return ()
    good = all(type(one) is int and 0 <= one < _MOST_TOKENS for one in value)
    return tuple(value) if good else ()


def _logps(value: Any) -> tuple[float, ...]:
    """Read the log-probabilities of a chat's tokens, or of a completion's."""
    if not isinstance(value, dict):
        return ()
    found = value.get("token_logprobs")
    if isinstance(value.get("content"), list):
        found = [one.get("logprob") if isinstance(one, dict) else None for one in value["content"]]
    if not isinstance(found, list) or len(found) > MAX_TOKENS:
        return ()
    good = all(
        isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
        for one in found
    )
    return tuple(float(one) for one in found) if good else ()


def _kept(said: Mapping[str, Any]) -> dict[str, JsonValue]:
    """Return what else a server said, as Postgres stores it; what says nothing is left out."""
    rest = {name: value for name, value in said.items() if value not in (None, "", [], {})}
    try:
        text = storable(json.dumps(rest, ensure_ascii=False, allow_nan=False))
    except ValueError:
        return {"left_out": "it holds a number that is none"}
    if len(text) > MAX_SOURCE_CHARACTERS:
        return {"left_out": f"{len(text)} characters"}
    kept: dict[str, JsonValue] = json.loads(text)
    return kept
