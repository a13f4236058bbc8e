"""What is said to an OpenAI-compatible server and what its answers mean: pure."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from infra import errors
from infra.contracts.base import Contract
from infra.contracts.problems import MAX_SOURCE_CHARACTERS
from infra.prompting.wording import Message, messages_of, plain_text
from sampler.drawing import Question
from sampler.endpoints import Endpoint, Form

_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
"""Statuses after which the same request may succeed."""
_NO_MONEY = ("insufficient_quota", "billing")
_LONGEST_REASON = 300
_LONGEST_REST = 3600.0
"""Most seconds that an endpoint is left alone at its word; a server that means more says so again,
and what it refuses is not billed."""
_MOST_TOKENS = 2**31
"""More is no count, and might not fit where it is stored: the answers of others, which are written
with this one, would be lost as well."""
_TEMPLATE_TOKENS = 64
"""Tokens that a server's chat template may add, at most."""


class Ask(Contract):
    """One request to a server, in the words of neither form."""

    messages: tuple[Message, ...] = ()
    """For the chat form."""
    prompt: str = ""
    """For the completion form."""
    num_samples: int
    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...] = ()
    seed: int


class Answer(NamedTuple):
    """One completion of a reply."""

    text: str
    finish_reason: str | None


class Reply(NamedTuple):
    """What a server answered."""

    answers: tuple[Answer, ...]
    """At least one, at most as many as were asked for."""
    model: str
    prompt_tokens: int | None
    completion_tokens: int | None


class Fault(StrEnum):
    """What a failed request says about the next."""

    AGAIN = "again"
    """The same request may succeed later."""
    NEVER = "never"
    """The server refuses it, and will again."""


class CallFailed(errors.SuiteError):
    """A request to a model server brought no completion."""

    code = "call_failed"
    status = 502

    def __init__(
        self, detail: str, fault: Fault, *, billed: bool, retry_after: float | None = None
    ) -> None:
        super().__init__(detail)
        self.fault = fault
        self.billed = billed
        """Whether it may have to be paid: the server did not say that it refused."""
        self.retry_after = retry_after
        """Seconds the server wants to be left alone."""


def ask_problem(question: Question, endpoint: Endpoint) -> tuple[tuple[Message, ...], str]:
    """Put a problem into the words of the endpoint's form: messages for a chat, or a prompt."""
    form = endpoint.prompt_form
    if form.is_chat:
        return messages_of(form, question), ""
    return (), plain_text(form, question.prompt)


def policy_version_of(model: str) -> int | None:
    """Read the version off the name under which a policy's checkpoint is served: `policy@12`."""
    found = re.search(r"@([0-9]{1,9})\Z", model)
    return int(found[1]) if found else None


def prompt_tokens_at_most(ask: Ask) -> int:
    """Return a number of tokens that no tokenizer exceeds: one for each byte."""
    texts = [ask.prompt, *(part for one in ask.messages for part in (one.role, one.content))]
    return _TEMPLATE_TOKENS + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def path_of(endpoint: Endpoint) -> str:
    """Return the full address of the endpoint's form."""
    return endpoint.url + ("/chat/completions" if endpoint.form is Form.CHAT else "/completions")


def body_of(endpoint: Endpoint, ask: Ask) -> bytes:
    """Write a request's body."""
    body: dict[str, Any] = {
        "model": endpoint.model,
        "n": ask.num_samples,
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        endpoint.max_tokens_field: ask.max_tokens,
    }
    if endpoint.form is Form.CHAT:
        body["messages"] = [one.model_dump() for one in ask.messages]
    else:
        body["prompt"] = ask.prompt
    if ask.stop:
        body["stop"] = list(ask.stop)
    if endpoint.send_seed:
        body["seed"] = ask.seed
    return json.dumps(body).encode()


class _Lenient(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Text(_Lenient):
    content: str | None = None


class _Choice(_Lenient):
    index: int = 0
    text: str | None = None
    message: _Text | None = None
    finish_reason: str | None = Field(None, max_length=50)


class _Usage(_Lenient):
    prompt_tokens: int = Field(ge=0, lt=_MOST_TOKENS)
    completion_tokens: int = Field(0, ge=0, lt=_MOST_TOKENS)


class _Body(_Lenient):
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def read_reply(endpoint: Endpoint, num_samples: int, body: bytes) -> Reply:
    """Read the body of a successful answer; of more completions than asked for, the first.

    Raises:
        CallFailed: it is no JSON of the right shape, or holds no completion.
    """
    try:
        read = _Body.model_validate_json(body)
    except ValidationError as error:
        what = error.errors(include_input=False, include_url=False)[0]["msg"]
        raise CallFailed(f"malformed answer: {what}", Fault.AGAIN, billed=True) from None
    answers = [
        Answer(
            text[:MAX_SOURCE_CHARACTERS], choice.finish_reason and _storable(choice.finish_reason)
        )
        for choice in sorted(read.choices, key=lambda choice: choice.index)
        if (text := _text_of(choice)) is not None
    ]
    if not answers:
        raise CallFailed("an answer without a completion", Fault.AGAIN, billed=True)
    usage = read.usage
    return Reply(
        answers=tuple(answers[:num_samples]),
        model=_storable(read.model or endpoint.model)[:200],
        prompt_tokens=usage.prompt_tokens if usage else None,
        completion_tokens=usage.completion_tokens if usage else None,
    )


def _text_of(choice: _Choice) -> str | None:
    if choice.message is not None:
        return choice.message.content or ""
    return choice.text


def refusal(
    status: int, headers: Mapping[str, str], body: bytes, secrets: Sequence[str], now: float
) -> CallFailed:
    """Read an answer that is no success; keys are struck out of what the server says.

    Args:
        status: Status of the answer.
        headers: Its headers, by small letters.
        body: Its body, or the beginning of it.
        secrets: Texts that must not be repeated.
        now: Seconds since 1970, for a date in `Retry-After`.
    """
    said = _said(body)
    for secret in secrets:
        said = said.replace(secret, "***")
    again = status in _AGAIN and not any(word in said for word in _NO_MONEY)
    # A server that broke down, or a gateway before it, may have finished the work.
    billed = again and status in (500, 502, 504, 520, 522, 524)
    return CallFailed(
        f"status {status}: {said[:_LONGEST_REASON]}".rstrip(": "),
        Fault.AGAIN if again else Fault.NEVER,
        billed=billed,
        retry_after=_retry_after(headers, now) if again else None,
    )


def _storable(text: str) -> str:
    """Leave out what Postgres has no text for."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def _said(body: bytes) -> str:
    return _storable(" ".join(_words(body).split()))


def _words(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    try:
        read = json.loads(text)
    except (ValueError, RecursionError):
        return text
    error = read.get("error", read) if isinstance(read, dict) else read
    if not isinstance(error, dict):
        return str(error)
    parts = [str(error[key]) for key in ("code", "type", "message", "detail") if error.get(key)]
    return " ".join(parts)


def _retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds for which a server wants to be left alone, at most an hour."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    value = headers.get("retry-after", "")
    seconds = _number(value) if milliseconds is None else milliseconds / 1000
    if seconds is None:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - now
        except (ValueError, OverflowError):
            return None
    return min(max(seconds, 0.0), _LONGEST_REST)


def _number(text: str) -> float | None:
    """Read a number that is one: not `inf`, `nan`, or what is as good as infinite."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
