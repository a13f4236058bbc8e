"""Problems of contest data sets."""

import base64
import json
import pickle
import zlib

import pytest

from infra import errors
from infra.contests import packed
from infra.contracts.problems import MAX_TESTS, Problem, TextComparator, ValueComparator
from infra.records import importers
from infra.records.record_files import BadLine
from tests import contest_records as records


def test_a_record_of_apps_is_a_program_that_reads_and_prints():
    problem = importers.to_problem(records.apps())

    assert (problem.slug, problem.entry_point) == ("APPS/7", None)
    assert [(test.stdin, test.expected_stdout) for test in problem.tests] == [
        ("2\n3 4\n", "7\n"),
        ("1\n5\n", "5\n"),
    ]
    assert {test.comparator for test in problem.tests} == {TextComparator.TOKENS}
    assert problem.prompt.startswith("Read n and n numbers, print their sum.\n\nWrite a Python")
    assert "sum(map" in problem.reference_program, "Python 2 is no reference"
    assert problem.metadata == {
        "source": "APPS",
        "url": "https://contest.invalid/7",
        "difficulty": "interview",
        "completion": {},
    }


def test_a_record_of_taco_is_named_by_its_question():
    taco = {key: value for key, value in records.apps(skill_types="[]").items()}
    del taco["problem_id"]

    problem, other = (importers.to_problem(taco | change) for change in ({}, {"question": "?"}))

    assert problem.slug.startswith("TACO/")
    assert problem.slug == importers.to_problem(taco).slug != other.slug


def test_a_function_is_called_as_its_starter_has_it():
    problem = importers.to_problem(records.apps_call([[1, 1], [2, 2]]))
    plain = importers.to_problem(records.apps_call([[1, 1], [2, 2]], starter="def twice(x):\n"))

    assert (problem.entry_point, plain.entry_point) == ("Solution.twice", "twice")
    assert [test.args for test in problem.tests] == [([1],), ([2],)]
    assert [test.expected for test in problem.tests] == [[1, 1], [2, 2]]
    assert {(t.comparator, t.tolerance) for t in problem.tests} == {(ValueComparator.TOLERANCE, 0)}
    assert "```python\nfrom typing import List\n\nclass Solution:\n" in problem.prompt


def test_where_there_is_no_starter_the_solutions_show_what_is_asked_for():
    solution = "class Solution:\n    def twice(self, x):\n        return x * 2\n"
    method = records.apps_call([[1, 1], [2, 2]], starter="") | {"solutions": [solution]}
    function = method | {"solutions": json.dumps(["def twice(x):\n    return x * 2\n"])}

    assert importers.to_problem(method).entry_point == "Solution.twice"
    assert importers.to_problem(function).entry_point == "twice"


def test_fractions_alone_are_compared_with_tolerance():
    halves = importers.to_problem(records.code_contests())
    floats = importers.to_problem(records.apps_call([[1.5, 2], [2, 2]]))

    assert {test.comparator for test in halves.tests} == {TextComparator.TOLERANCE}
    assert [test.tolerance for test in floats.tests] == [1e-6, 0]


def test_a_record_of_code_contests_has_all_its_tests_and_limits():
    problem = importers.to_problem(records.code_contests())

    assert problem.slug == "CodeContests/76_B-Mice-Co"
    assert [test.stdin for test in problem.tests] == ["3\n", "4\n", "10\n"]
    assert problem.limits.cpu_seconds == 6.5
    assert problem.limits.memory_bytes == 512_000_000
    assert problem.reference_program == "print(int(input()) / 2)\n"


def test_records_of_live_code_bench_have_their_private_tests():
    problem = importers.to_problem(records.live_code_bench())
    method = importers.to_problem(records.live_code_bench_call())

    assert (problem.slug, method.slug) == ("LiveCodeBench/abc301_a", "LiveCodeBench/2837")
    assert [test.stdin for test in problem.tests] == ["2 3\n", "4 5\n"]
    assert method.entry_point == "Solution.shift"
    assert [(test.args, test.expected) for test in method.tests] == [
        (([1, 2], 3), [4, 5]),
        (([], 1), []),
    ]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (pickle.dumps(print), "no single text"),
        (pickle.dumps(["[]"]), "no single text"),
        (pickle.dumps("[]")[:-3], "cannot be unpacked"),
        (b"cos\nsystem\n(S'echo 1'\ntR.", "no single text"),
        (b"", "cannot be unpacked"),
    ],
)
def test_a_pickle_of_anything_but_a_text_is_refused_and_not_run(value, reason):
    text = base64.b64encode(zlib.compress(value)).decode()

    with pytest.raises(errors.InvalidInput, match=reason):
        importers.to_problem(records.live_code_bench(private_test_cases=text))


def test_what_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(packed, "_MAX_UNPACKED_BYTES", 1000)
    value = records.packed([{"input": "1" * 2000, "output": "", "testtype": "stdin"}])

    with pytest.raises(errors.InvalidInput, match="over 1000 bytes"):
        importers.to_problem(records.live_code_bench(private_test_cases=value))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (records.apps(input_output=""), "not JSON"),
        (records.apps(input_output="[]"), "expected an object"),
        (records.apps(input_output='{"inputs": ["1"], "outputs": []}'), "as many outputs as"),
        (records.apps(input_output='{"inputs": [], "outputs": []}'), "there are none"),
        (records.apps(input_output='{"inputs": [1], "outputs": [1]}'), "are text"),
        (records.apps(input_output='{"inputs": ["\\ud800"], "outputs": ["1"]}'), "tests"),
        (records.apps(input_output="[" * 100_000 + "]" * 100_000), "not JSON"),
        (records.apps_call([{"$tuple": [1]}, [2]]), "begins with"),
        (records.apps(question=5), "question"),
        (records.code_contests(input_file="input.txt"), "files"),
        (records.live_code_bench(private_test_cases="???"), "private_test_cases"),
        (records.live_code_bench_call(metadata="{}"), "func_name"),
        (records.live_code_bench(public_test_cases="[{}]"), "input"),
        (
            records.live_code_bench_call(
                private_test_cases='[{"input": "", "output": "", "testtype": "stdin"}]'
            ),
            "not known together",
        ),
    ],
)
def test_a_record_without_usable_tests_is_a_bad_line(tmp_path, record, reason):
    path = tmp_path / "problems.jsonl"
    path.write_text(json.dumps(record) + "\n" + json.dumps(records.apps()) + "\n")

    bad, good = importers.read_problems(path)

    assert isinstance(bad, BadLine)
    assert reason in bad.reason
    assert isinstance(good, Problem)


def test_tests_that_no_executor_takes_are_left_out_and_counted():
    inputs = ["1\n", "1" * 1_000_001, *["2\n"] * MAX_TESTS]
    data = {"inputs": inputs, "outputs": ["1\n"] * len(inputs)}

    problem = importers.to_problem(records.apps(input_output=json.dumps(data)))
    huge = json.dumps({"inputs": ["1" * 1_000_001], "outputs": [""]})

    assert len(problem.tests) == MAX_TESTS
    assert importers.tests_left_out(problem) == 2
    assert importers.tests_left_out(importers.to_problem(records.apps())) == 0
    with pytest.raises(errors.InvalidInput, match="each test"):
        importers.to_problem(records.apps(input_output=huge))


def test_the_tests_of_one_problem_are_no_longer_than_an_execution_carries():
    data = {"inputs": ["1" * 999_999] * 9, "outputs": ["1"] * 9}

    problem = importers.to_problem(records.apps(input_output=json.dumps(data)))

    assert len(problem.tests) == 8
    assert importers.tests_left_out(problem) == 1
