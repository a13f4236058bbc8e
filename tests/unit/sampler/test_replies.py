"""What is made of a model server's answers, in each form that servers write them in."""

import json

import pytest

from sampler.servers.endpoints import Endpoint
from sampler.servers.refusals import CallFailed, Fault
from sampler.servers.replies import read_reply

ENDPOINT = Endpoint(name="large", url="http://host/v1/", model="large-2")
MESSAGES = Endpoint(name="large", url="http://host/v1/", model="large-2", form="messages")


def reply(**fields):
    given = {"choices": [{"index": 0, "message": {"content": "a"}, "finish_reason": "stop"}]}
    return json.dumps(given | fields).encode()


def answer_of(endpoint=ENDPOINT, choice=None, **message):
    body = reply(choices=[(choice or {}) | {"message": message}])
    (answer,) = read_reply(endpoint, 1, body).answers
    return answer


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
    assert read.answers[0][:2] == ("a\x00b", "stop")


@pytest.mark.parametrize(
    ("message", "text", "kept"),
    [
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "ab", {}),
        ({"content": [{"type": "refusal", "refusal": "No."}]}, "",
         {"content": [{"type": "refusal", "refusal": "No."}]}),
        ({"content": None, "refusal": "No."}, "", {"refusal": "No."}),
        ({"content": None, "tool_calls": [{"id": "1"}], "function_call": None}, "",
         {"tool_calls": [{"id": "1"}]}),
        ({"content": "a", "reasoning_content": "So."}, "a", {"reasoning_content": "So."}),
        ({"content": "a", "reasoning": "So."}, "a", {"reasoning": "So."}),
        ({"content": 3}, "", {}),
        ({}, "", {}),
    ],
)  # fmt: skip
def test_whatever_a_message_holds_its_text_is_read_and_the_rest_kept(message, text, kept):
    answer = answer_of(**message)

    assert answer.text == text
    assert answer.sampled.answer == kept
    assert answer.sampled.form == ENDPOINT.prompt_form


def test_what_is_said_of_a_choice_is_kept_if_postgres_can_store_it():
    answer = answer_of(choice={"stop_reason": 7, "matched": "\\u0000 \x00"}, content="a")
    assert answer.sampled.answer == {"stop_reason": 7, "matched": "\\u0000 \x00"}

    (answer,) = read_reply(ENDPOINT, 1, b'{"choices": [{"text": "a", "odd": 1e999}]}').answers
    assert answer.text == "a"
    assert answer.sampled.answer == {"left_out": "it holds a number that is none"}


def test_the_reasoning_of_a_thinking_policy_is_part_of_what_it_wrote():
    endpoint = Endpoint(name="p", url="http://host", model="m", prompt="thinking")

    answer = answer_of(endpoint, content="a", reasoning_content="\nSo.\n")

    assert answer.text == "<think>\nSo.\n</think>\n\na"


LOGPROBS = {"content": [{"token": "a", "logprob": -0.5}, {"token": "", "logprob": -1}]}


def test_token_ids_and_log_probabilities_are_read_in_the_words_of_both_forms():
    chat = reply(
        prompt_token_ids=[1, 2],
        choices=[{"message": {"content": "a"}, "token_ids": [3, 4], "logprobs": LOGPROBS}],
    )
    text = reply(
        choices=[
            {"text": "a", "prompt_token_ids": [1, 2], "token_ids": [3, 4],
             "logprobs": {"token_logprobs": [-0.5, -1.0]}}
        ]
    )  # fmt: skip

    for body in (chat, text):
        (answer,) = read_reply(ENDPOINT, 1, body).answers
        sampled = answer.sampled
        assert sampled.prompt_token_ids == (1, 2)
        assert sampled.token_ids == (3, 4)
        assert sampled.logps == (-0.5, -1.0)
        assert sampled.answer == {}


@pytest.mark.parametrize(
    ("ids", "logprobs", "kept"),
    [
        ([3], LOGPROBS, ((3,), ())),
        ([3, -1], None, ((), ())),
        ([3, True], None, ((), ())),
        ("34", {"content": [{"logprob": None}]}, ((), ())),
        (None, LOGPROBS, ((), (-0.5, -1.0))),
        ([3], {"token_logprobs": [float("nan")]}, ((3,), ())),
        ([3], 7, ((3,), ())),
    ],
)
def test_ids_that_are_none_and_numbers_of_other_tokens_are_left(ids, logprobs, kept):
    choice = {"prompt_token_ids": [1], "token_ids": ids, "logprobs": logprobs}

    sampled = answer_of(choice=choice, content="a").sampled

    assert (sampled.token_ids, sampled.logps) == kept


def test_an_answer_of_anthropics_form_is_read():
    body = {
        "model": "m-1",
        "content": [
            {"type": "thinking", "thinking": "So.", "signature": "x"},
            {"type": "text", "text": "a"},
            {"type": "tool_use", "id": "1", "input": {}},
        ],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 5,
                  "cache_creation_input_tokens": None},
    }  # fmt: skip

    read = read_reply(MESSAGES, 1, json.dumps(body).encode())

    (answer,) = read.answers
    assert (answer.text, answer.finish_reason, read.model) == ("a", "length", "m-1")
    assert (read.prompt_tokens, read.completion_tokens) == (7, 5)
    assert [part["type"] for part in answer.sampled.answer["content"]] == ["thinking", "tool_use"]


@pytest.mark.parametrize(
    ("said", "reason"),
    [("end_turn", "stop"), ("stop_sequence", "stop"), ("refusal", "refusal"), (None, None)],
)
def test_why_an_answer_of_anthropics_form_ended_is_told_in_one_way(said, reason):
    body = json.dumps({"content": [], "stop_reason": said}).encode()

    (answer,) = read_reply(MESSAGES, 1, body).answers

    assert (answer.text, answer.finish_reason) == ("", reason)
