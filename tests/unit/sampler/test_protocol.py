"""What is said to a model server, and what is made of its answers."""

import json

import pytest
from pydantic import SecretStr

from infra.contracts.base import Language, new_id
from infra.prompting.wording import Message
from sampler.draws import Question
from sampler.servers.endpoints import Endpoint, Form
from sampler.servers.protocol import (
    ModelRequest,
    ask_problem,
    body_of,
    headers_of,
    path_of,
    policy_version_of,
    prompt_tokens_at_most,
)

ENDPOINT = Endpoint(name="large", url="http://host/v1/", model="large-2")


def ask(**fields):
    given = {"num_samples": 1, "temperature": 0.5, "top_p": 0.9, "max_tokens": 10, "seed": 7}
    return ModelRequest(**given | fields)


def test_each_form_has_its_path_and_its_field():
    completion = ENDPOINT.model_copy(update={"form": Form.COMPLETION})
    chat_body = json.loads(body_of(ENDPOINT, ask(messages=(Message(role="user", content="x"),))))

    assert path_of(ENDPOINT) == "http://host/v1/chat/completions"
    assert path_of(completion) == "http://host/v1/completions"
    assert chat_body["messages"] == [{"role": "user", "content": "x"}]
    assert json.loads(body_of(completion, ask(prompt="x")))["prompt"] == "x"


BARE = {"model": "large-2", "max_tokens": 10, "messages": [{"role": "user", "content": "x"}]}
USER = (Message(role="user", content="x"),)


def body(endpoint=ENDPOINT, **fields):
    asked = {"num_samples": 1, "max_tokens": 10, "seed": 7, "messages": USER} | fields
    return json.loads(body_of(endpoint, ModelRequest(**asked)))


def endpoint(**fields):
    return Endpoint(**{"name": "large", "url": "http://host/v1", "model": "large-2"} | fields)


def test_only_what_was_asked_for_is_sent():
    decoding = {"temperature": 0.0, "top_p": 0.5, "top_k": 4, "min_p": 0.1}

    assert body() == BARE | {"seed": 7}
    assert body(**decoding, num_samples=2) == BARE | decoding | {"seed": 7, "n": 2}
    omitting = endpoint(omit=[*decoding, "seed", "stop"])
    assert body(omitting, **decoding, stop=("x",)) == BARE


def test_a_server_is_told_what_it_is_to_be_told_in_its_own_words():
    extra = {"reasoning_effort": "low", "provider": {"order": ["a"]}}
    found = body(endpoint(extra_body=extra, max_tokens_field="max_completion_tokens"), stop=("x",))

    assert found == {
        "model": "large-2", "max_completion_tokens": 10, "messages": BARE["messages"], "seed": 7,
        "stop": ["x"], **extra,
    }  # fmt: skip


def test_a_server_is_asked_for_ids_and_log_probabilities_in_each_forms_words():
    completion = endpoint(form="completion", token_ids=True)

    assert body(endpoint(token_ids=True)).items() >= {
        "return_token_ids": True, "logprobs": True
    }.items()  # fmt: skip
    assert body(completion, messages=(), prompt="x").items() >= {
        "return_token_ids": True, "logprobs": 0, "prompt": "x"
    }.items()  # fmt: skip
    only = body(endpoint(logprobs=True))
    assert only["logprobs"] is True
    assert "return_token_ids" not in only


def test_a_chat_begins_the_answer_and_sets_up_its_template_as_its_form_says():
    form = {
        "style": "instruct", "system": "Be brief.", "prefill": "```python\n",
        "template": {"enable_thinking": False},
    }  # fmt: skip
    question = Question(scope=new_id(), slug="p", prompt="Say it.", until=0)

    messages, _ = ask_problem(question, endpoint(prompt=form))
    found = body(endpoint(prompt=form), messages=messages)

    assert [one["role"] for one in found["messages"]] == ["system", "user", "assistant"]
    assert found["messages"][0]["content"] == "Be brief."
    assert found["messages"][-1]["content"] == "```python\n"
    assert found["continue_final_message"] is True
    assert found["add_generation_prompt"] is False
    assert found["chat_template_kwargs"] == {"enable_thinking": False}
    bare, _ = ask_problem(question, endpoint(prompt={"style": "instruct", "system": ""}))
    assert [one.role for one in bare] == ["user"]


def test_anthropics_form_has_its_own_fields_and_key():
    messages = endpoint(form="messages")
    turns = (Message(role="system", content="s"), *USER)

    found = body(messages, messages=turns, stop=("x",), top_k=3)

    assert found == BARE | {"system": "s", "stop_sequences": ["x"], "top_k": 3}
    begun = body(messages, messages=(*USER, Message(role="assistant", content="```python\n")))
    assert begun["messages"][-1] == {"role": "assistant", "content": "```python"}
    assert "continue_final_message" not in begun
    assert path_of(messages) == "http://host/v1/messages"
    headers = headers_of(messages, SecretStr("key"))
    assert headers.items() >= {"x-api-key": "key", "anthropic-version": "2023-06-01"}.items()
    assert "Authorization" not in headers
    assert headers_of(ENDPOINT, SecretStr("key"))["Authorization"] == "Bearer key"


@pytest.mark.parametrize("language", Language)
def test_a_chat_names_the_language_and_what_is_wanted(language):
    question = Question(
        scope=new_id(), slug="p", prompt="Say it.", language=language, entry_point=None, until=0
    )

    (system, user), prompt = ask_problem(question, ENDPOINT)

    assert prompt == ""
    assert "reads standard input" in user.content
    assert language is not Language.RUST or "Rust" in system.content


@pytest.mark.parametrize(
    ("form", "prompt"), [(None, "Say it."), ("raw", "Say it."), ("paper", '"""\nSay it.\n"""\n')]
)
def test_a_completion_is_given_the_prompt_alone_in_quotes_if_the_endpoint_says_so(form, prompt):
    endpoint = Endpoint(name="x", url="http://host", model="m", form="completion", prompt=form)
    question = Question(scope=new_id(), slug="p", prompt="Say it.", until=0)

    assert ask_problem(question, endpoint) == ((), prompt)


def test_a_bound_of_tokens_is_no_smaller_than_the_bytes_that_are_sent():
    text = "é" * 100 + "\ud800"

    assert prompt_tokens_at_most(ask(prompt=text)) >= 203


@pytest.mark.parametrize(
    ("model", "version"),
    [("policy@12", 12), ("a/b@0", 0), ("policy", None), ("x@12b", None), ("@3@4", 4)],
)
def test_a_policys_version_is_what_follows_the_last_at(model, version):
    assert policy_version_of(model) == version


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("std", "Python 3. Answer"),
        ("numpy", "Python 3, with numpy if it helps. Answer"),
        ("mine", "Python 3, with the packages of 'mine' if it helps. Answer"),
    ],
)
def test_a_chat_names_the_packages_that_a_program_may_import(image, told):
    question = Question(scope=new_id(), slug="p", prompt="Say it.", image=image, until=0)

    (system, _), _ = ask_problem(question, ENDPOINT)

    assert told in system.content
