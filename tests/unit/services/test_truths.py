"""Ground truths in the shapes that data sets of others have them."""

import json

import numpy as np
import pyarrow as pa
import pytest

from infra import errors
from infra.contracts.problems import CallTest, StdioTest
from services.scoring import truths
from services.scoring.completions import program_in, text_of

OURS = {"tests": [{"kind": "call", "args": [1, 2], "expected": 3}], "entry_point": "add"}
CASES = [{"input": "1\n2", "output": "3", "fn_name": "add", "type": "function_call"}]


def read(truth):
    return truths.read(truths.name_of(truth), 5.0)


@pytest.mark.parametrize(
    "truth",
    [
        OURS,
        json.dumps(OURS),
        json.dumps(json.dumps(OURS)),
        {**OURS, "tests": json.dumps(OURS["tests"])},
        {"inputs": ["1\n2"], "outputs": ["3"], "fn_name": "add"},
        {"inputs": ["1\n2"], "outputs": ["3"], "fn_name": "add", "difficulty": "easy"},
        {"inputs": [[1, 2]], "outputs": [3], "fn_name": "add"},
        {
            "inputs": np.array(["1\n2"], object),
            "outputs": np.array(["3"], object),
            "fn_name": "add",
        },
        CASES,
        {"language": "python", "test_cases": CASES},
        [{"input": "1\n2", "output": "3", "metadata": {"func_name": "add"}}],
        pa.array([OURS]).to_pylist()[0],
        pa.array([OURS])[0],
    ],
)
def test_a_call_is_read_from_every_shape(truth):
    question = read(truth)

    (test,) = question.request.tests
    assert isinstance(test, CallTest)
    assert (test.args, test.expected, question.entry_point) == ((1, 2), 3, "add")


@pytest.mark.parametrize(
    "truth",
    [
        {"inputs": ["1 2\n"], "outputs": ["3\n"]},
        '{"inputs": ["1 2\\n"], "outputs": ["3\\n"], "fn_name": null}',
        [{"input": "1 2\n", "output": "3\n", "testtype": "stdin"}],
        {"tests": [{"kind": "stdio", "stdin": "1 2\n", "expected_stdout": "3\n"}]},
    ],
)
def test_a_programs_input_and_output_are_read_from_every_shape(truth):
    (test,) = read(truth).request.tests

    assert isinstance(test, StdioTest)
    assert (test.stdin, test.expected_stdout) == ("1 2\n", "3\n")


def test_no_input_is_an_empty_one():
    program = read({"inputs": [None, "x"], "outputs": ["3", "4"]})
    call = read({"inputs": [None], "outputs": ["3"], "fn_name": "f"})

    assert [test.stdin for test in program.request.tests] == ["", "x"]
    assert [test.args for test in call.request.tests] == [()]


@pytest.mark.parametrize(
    "truth",
    [
        ["assert add(1, 2) == 3", "assert add(0, 0) == 0"],
        {"assert_case": ["assert add(1, 2) == 3", "assert add(0, 0) == 0"]},
        {"assert_case": ["assert add(1, 2) == 3"] * 2, "inputs": ["", ""], "outputs": [None, None]},
    ],
)
def test_asserts_are_tests(truth):
    assert [test.kind for test in read(truth).request.tests] == ["assert", "assert"]


def test_rows_of_arrow_lose_the_keys_of_other_rows_and_keep_their_values():
    column = pa.array(
        [
            [{"kind": "call", "args": ["a"], "expected": None}],
            [{"kind": "stdio", "stdin": "1", "expected_stdout": "2"}],
            [{"kind": "assert", "source": "assert True"}],
        ]
    )
    call, stdio, own = ({"tests": row, "entry_point": "f", "limits": None} for row in column)

    assert read(call).request.tests[0] == CallTest(args=("a",), expected=None)
    assert read(stdio).request.tests[0] == StdioTest(stdin="1", expected_stdout="2")
    assert read(own).request.tests[0].source == "assert True"


@pytest.mark.parametrize(
    "truth",
    ["{}", "[]", "[1]", "{", {"tests": []}, {"inputs": ["1"], "outputs": []}, {"answer": "42"},
     {"assert_case": ["assert f()"], "inputs": ["1"], "outputs": ["2"]}, 7,
     [{"input": "1", "output": "1", "testtype": "functional"}], {**OURS, "no_such_field": 1},
     {"tests": [{"kind": "call", "args": [], "expected": 1}]}],
)  # fmt: skip
def test_what_is_no_truth_is_refused(truth):
    with pytest.raises(errors.InvalidInput, match="ground truth"):
        read(truth)


def test_a_refusal_shows_what_would_be_taken():
    with pytest.raises(errors.InvalidInput) as caught:
        read({"answer": "42"})

    assert "answer" in caught.value.detail
    assert '"entry_point": "add"' in caught.value.detail


@pytest.mark.parametrize(
    "truth", ["mine/add", {"problem": "mine/add", "tests": None}, np.str_("mine/add")]
)
def test_a_name_is_a_stored_problems(truth):
    assert read(truth) == "mine/add"


@pytest.mark.parametrize(
    "completion",
    ["x", {"role": "assistant", "content": "x"}, [{"content": "no"}, {"content": "x"}],
     [{"content": [{"type": "text", "text": "x"}]}]],
)  # fmt: skip
def test_the_text_of_a_completion_is_its_last_message(completion):
    assert text_of(completion) == "x"


@pytest.mark.parametrize("completion", [None, "", [], [{"content": None}], {"tool_calls": []}])
def test_what_has_no_text_is_empty(completion):
    assert text_of(completion) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n",
        "# I cannot.",
        "```python\n```",
        "Sorry",
        "42",
        "'''No.'''",
        "pass",
        "```\nadd\n```",
    ],
)
def test_nobody_wrote_a_program_there(text):
    assert program_in(text, read(OURS)) is None


@pytest.mark.parametrize(
    "text", ["def add(a, b):\n    pass", "print(1)", "import os", "x = 1", "def add("]
)
def test_a_program_is_one_however_bad(text):
    assert program_in(text, read(OURS)) is not None
