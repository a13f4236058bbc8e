"""What is said to a model server: pure."""

import json
import re
from typing import Any, Final

from pydantic import SecretStr

from infra.contracts.base import Contract
from infra.prompting.wording import Message, plain_text, turns_of
from sampler.draws import Question
from sampler.servers.endpoints import Endpoint, Form

_PATHS: Final = {
    Form.CHAT: "/chat/completions",
    Form.COMPLETION: "/completions",
    Form.MESSAGES: "/messages",
}
_MESSAGES_VERSION: Final = "2023-06-01"
_TEMPLATE_TOKENS = 64
"""Tokens that a server's chat template may add, at most."""


class ModelRequest(Contract):
    """One request to a server, in the words of neither form."""

    messages: tuple[Message, ...] = ()
    """For the chat form."""
    prompt: str = ""
    """For the completion form."""
    num_samples: int
    temperature: float | None = None
    """This and the next three: None leaves it to the server."""
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    max_tokens: int
    stop: tuple[str, ...] = ()
    seed: int


def ask_problem(question: Question, endpoint: Endpoint) -> tuple[tuple[Message, ...], str]:
    """Put a problem into the words of the endpoint's form: messages for a chat, or a prompt."""
    form = endpoint.prompt_form
    if form.is_chat:
        return turns_of(form, question), ""
    return (), plain_text(form, question.prompt)


def policy_version_of(model: str) -> int | None:
    """Read the version off the name under which a policy's checkpoint is served: `policy@12`."""
    found = re.search(r"@([0-9]{1,9})\Z", model)
    return int(found[1]) if found else None


def prompt_tokens_at_most(ask: ModelRequest) -> int:
    """Return a number of tokens that no tokenizer exceeds: one for each byte."""
    texts = [ask.prompt, *(part for one in ask.messages for part in (one.role, one.content))]
    return _TEMPLATE_TOKENS + sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def path_of(endpoint: Endpoint) -> str:
    """Return the full address of the endpoint's form."""
    return endpoint.url + _PATHS[endpoint.form]


def headers_of(endpoint: Endpoint, secret: SecretStr | None) -> dict[str, str]:
    """Return what every request says beside its body, the key in the form's own way."""
    # What comes packed could be of any size; a server that packs unasked is not understood.
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if endpoint.form is Form.MESSAGES:
        headers["anthropic-version"] = _MESSAGES_VERSION
        return headers | ({"x-api-key": secret.get_secret_value()} if secret else {})
    return headers | ({"Authorization": f"Bearer {secret.get_secret_value()}"} if secret else {})


def body_of(endpoint: Endpoint, ask: ModelRequest) -> bytes:
    """Write a request's body: what was asked for, and nothing that was not."""
    stop = "stop_sequences" if endpoint.form is Form.MESSAGES else "stop"
    told = {
        "temperature": ask.temperature,
        "top_p": ask.top_p,
        "top_k": ask.top_k,
        "min_p": ask.min_p,
        "stop": list(ask.stop) or None,
        "seed": None if endpoint.form is Form.MESSAGES else ask.seed,
    }
    body: dict[str, Any] = {"model": endpoint.model, endpoint.max_tokens_field: ask.max_tokens}
    if ask.num_samples > 1:
        body["n"] = ask.num_samples
    body |= {
        stop if name == "stop" else name: value
        for name, value in told.items()
        if value is not None and name not in endpoint.omit
    }
    return json.dumps(body | _question(endpoint, ask) | endpoint.extra_body).encode()


def _question(endpoint: Endpoint, ask: ModelRequest) -> dict[str, Any]:
    """Return the fields that hold what is asked, and which tokens are to come with the answer."""
    wants_logprobs = endpoint.token_ids or endpoint.logprobs
    tokens: dict[str, Any] = {"return_token_ids": True} if endpoint.token_ids else {}
    if endpoint.form is Form.COMPLETION:
        # Of the chosen tokens alone, without others that were likely.
        return {"prompt": ask.prompt} | tokens | ({"logprobs": 0} if wants_logprobs else {})
    turns = [one.model_dump() for one in ask.messages]
    if endpoint.form is Form.MESSAGES:
        system = "\n\n".join(one["content"] for one in turns if one["role"] == "system")
        said = [one for one in turns if one["role"] != "system"]
        # Refused where it ends in blanks; the answer begins with them.
        said[-1]["content"] = said[-1]["content"].rstrip()
        return {"messages": said} | ({"system": system} if system else {})
    body = {"messages": turns} | tokens | ({"logprobs": True} if wants_logprobs else {})
    if turns[-1]["role"] == "assistant":
        body |= {"continue_final_message": True, "add_generation_prompt": False}
    template = endpoint.prompt_form.template
    return body | ({"chat_template_kwargs": template} if template else {})
