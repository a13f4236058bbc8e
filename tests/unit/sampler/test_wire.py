"""What is said to a model server, and what is made of its answers."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contracts.base import Language, new_id
from infra.prompting.wording import Message
from sampler.drawing import Question
from sampler.endpoints import Endpoint, Form
from sampler.wire import (
    Ask,
    CallFailed,
    Fault,
    ask_problem,
    body_of,
    path_of,
    policy_version_of,
    prompt_tokens_at_most,
    read_reply,
    refusal,
)

ENDPOINT = Endpoint(name="large", url="http://host/v1/", model="large-2")
NOW = 1_700_000_000.0


def ask(**fields):
    given = {"num_samples": 1, "temperature": 0.5, "top_p": 0.9, "max_tokens": 10, "seed": 7}
    return Ask(**given | fields)


def reply(**fields):
    given = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    return json.dumps(given | fields).encode()


def refused(status, body=b"", headers=None, secrets=()):
    return refusal(status, headers or {}, body, secrets, NOW)


def test_each_form_has_its_path_and_its_field():
    completion = ENDPOINT.model_copy(update={"form": Form.COMPLETION})
    chat_body = json.loads(body_of(ENDPOINT, ask(messages=(Message(role="user", content="x"),))))

    assert path_of(ENDPOINT) == "http://host/v1/chat/completions"
    assert path_of(completion) == "http://host/v1/completions"
    assert chat_body["messages"] == [{"role": "user", "content": "x"}]
    assert json.loads(body_of(completion, ask(prompt="x")))["prompt"] == "x"


def test_a_seed_is_sent_unless_the_server_knows_none():
    without = ENDPOINT.model_copy(update={"send_seed": False})

    assert json.loads(body_of(ENDPOINT, ask()))["seed"] == 7
    assert "seed" not in json.loads(body_of(without, ask()))


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


def test_completions_come_in_the_order_of_their_index():
    choices = [
        {"index": 1, "text": "second", "finish_reason": "length"},
        {"index": 0, "text": "first", "finish_reason": "stop"},
    ]

    read = read_reply(ENDPOINT, 2, reply(choices=choices, usage={"prompt_tokens": 3}))

    assert [one.text for one in read.answers] == ["first", "second"]
    assert [one.finish_reason for one in read.answers] == ["stop", "length"]
    assert (read.prompt_tokens, read.completion_tokens) == (3, 0)


def test_more_completions_than_asked_for_are_left_and_fewer_are_taken():
    choices = [{"index": number, "text": str(number)} for number in range(3)]

    assert len(read_reply(ENDPOINT, 2, reply(choices=choices)).answers) == 2
    assert len(read_reply(ENDPOINT, 5, reply(choices=choices)).answers) == 3


def test_a_chat_that_says_nothing_is_an_empty_completion():
    choices = [{"message": {"content": None}, "finish_reason": "length"}]

    (answer,) = read_reply(ENDPOINT, 1, reply(choices=choices)).answers

    assert answer.text == ""


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", reply(choices=[]), reply(choices=[{}]), reply(choices="x"),
     reply(usage={"prompt_tokens": -1}), reply(usage={"prompt_tokens": 2**31}),
     reply(usage={"prompt_tokens": 1, "completion_tokens": 10**23 - 1}),
     reply(usage={"prompt_tokens": 1e999}),
     b'{"choices": [{"text": "a"}], "usage": {"prompt_tokens": ' + b"9" * 5000 + b"}}",
     reply(model="\ud800"), b"\xff\xfe"],
)  # fmt: skip
def test_an_answer_of_another_shape_may_be_billed_and_is_asked_for_again(body):
    with pytest.raises(CallFailed) as caught:
        read_reply(ENDPOINT, 1, body)

    assert caught.value.fault is Fault.AGAIN
    assert caught.value.billed


def test_what_postgres_cannot_store_is_left_out_of_names():
    choices = [{"text": "a\x00b", "finish_reason": "st\x00op"}]

    read = read_reply(ENDPOINT, 1, reply(choices=choices, model="m\x00"))

    assert read.model == "m"
    assert read.answers[0] == ("a\x00b", "stop")


@pytest.mark.parametrize(
    ("status", "fault", "billed"),
    [
        (429, Fault.AGAIN, False),
        (503, Fault.AGAIN, False),
        (500, Fault.AGAIN, True),
        (502, Fault.AGAIN, True),
        (504, Fault.AGAIN, True),
        (400, Fault.NEVER, False),
        (401, Fault.NEVER, False),
        (404, Fault.NEVER, False),
        (301, Fault.NEVER, False),
    ],
)
def test_a_status_says_whether_to_ask_again_and_whether_it_may_be_billed(status, fault, billed):
    error = refused(status)

    assert (error.fault, error.billed) == (fault, billed)


def test_an_account_without_money_is_not_asked_again():
    body = json.dumps({"error": {"code": "insufficient_quota", "message": "pay"}}).encode()

    assert refused(429, body).fault is Fault.NEVER


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:30 GMT"}, 10),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:00 GMT"}, 0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"retry-after-ms": "-250"}, 0),
        ({"retry-after-ms": "9" * 400, "retry-after": "1"}, 1),
        ({"retry-after-ms": "9" * 5000}, None),
        ({"retry-after-ms": "9" * 300}, 3600),
        ({"retry-after": "86400"}, 3600),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e300"}, 3600),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 -9999"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0),
    ],
)
def test_the_wait_a_server_asks_for_is_read_in_every_form(headers, seconds):
    assert refused(429, headers=headers).retry_after == seconds


@given(st.text() | st.floats().map(str) | st.integers().map(str), st.text(max_size=20))
def test_whatever_wait_a_server_asks_for_ends(seconds, milliseconds):
    headers = {"retry-after": seconds, "retry-after-ms": milliseconds}

    wait = refused(429, headers=headers).retry_after

    assert wait is None or 0 <= wait <= 3600


def test_what_a_server_says_is_kept_short_and_without_keys():
    said = {"error": {"message": "bad key sk-1 \ud800 \x00" + "x" * 1000, "code": "invalid"}}

    error = refused(401, json.dumps(said).encode(), secrets=("sk-1",))

    assert error.detail.startswith("status 401: invalid bad key *** ?")
    assert "\x00" not in error.detail
    assert len(error.detail) < 400


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
