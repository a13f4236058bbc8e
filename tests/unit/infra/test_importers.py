"""Files of problems and candidates."""

import gzip
import json

import pytest

from infra import errors
from infra.contracts.base import Author
from infra.contracts.problems import Problem
from infra.records import importers
from infra.records.record_files import BadLine

HUMAN_EVAL = {
    "task_id": "HumanEval/0",
    "prompt": "import math\n\ndef helper(x):\n    return x * 2\n\ndef f(x):\n    '''Double.'''\n",
    "canonical_solution": "    return helper(x)\n",
    "test": "def check(candidate):\n    assert candidate(2) == helper(2)\n",
    "entry_point": "f",
}
MBPP = {
    "task_id": 126,
    "text": "Sum the common divisors.",
    "code": "def sum(a, b):\r\n    return a + b\r\n",
    "test_list": ["assert sum(10, 15) == 25", "assert sum(1, 2) == 3"],
    "test_setup_code": "",
    "challenge_test_list": [],
}


def write(path, *records):
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    data = "\n".join(lines).encode() + b"\n"
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return path


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz"])
def test_problems_are_told_apart_by_their_fields(tmp_path, name):
    own = {"slug": "own/1", "prompt": "", "tests": [{"kind": "stdio", "expected_stdout": "1"}]}

    found = list(importers.read_problems(write(tmp_path / name, HUMAN_EVAL, MBPP, own)))

    assert [problem.slug for problem in found] == ["HumanEval/0", "MBPP/126", "own/1"]


def test_helpers_of_a_prompt_belong_to_the_test():
    problem = importers.to_problem(HUMAN_EVAL)

    assert problem.tests[0].source.startswith("import math\ndef helper(x):\n    return x * 2\n")
    assert "def f(" not in problem.tests[0].source
    assert problem.tests[0].check == "check"
    assert problem.reference_program == HUMAN_EVAL["prompt"] + HUMAN_EVAL["canonical_solution"]


def test_the_function_under_test_is_found_even_if_it_has_a_built_in_name():
    problem = importers.to_problem(MBPP)

    assert problem.entry_point == "sum"
    assert problem.tests[0].source == "assert sum(10, 15) == 25\nassert sum(1, 2) == 3"


def test_a_bad_line_is_reported_with_its_number_and_the_rest_goes_on(tmp_path):
    path = write(tmp_path / "p.jsonl", HUMAN_EVAL, "{not json", {"what": 1}, "[1]", MBPP)

    found = list(importers.read_problems(path))

    assert [item.number for item in found if isinstance(item, BadLine)] == [2, 3, 4]
    assert [item.slug for item in found if isinstance(item, Problem)] == ["HumanEval/0", "MBPP/126"]


def test_a_value_that_is_none_is_reported_with_the_test(tmp_path):
    test = {"kind": "call", "function": "f", "expected": {"$range": [0, 1, 0]}}
    path = write(tmp_path / "p.jsonl", {"slug": "a", "prompt": "", "tests": [test]}, MBPP)

    bad, good = importers.read_problems(path)

    assert (bad.number, good.slug) == (1, "MBPP/126")
    assert "tests[0].expected: no valid value: malformed $range" in bad.reason


def test_candidates_are_programs_or_completions(tmp_path):
    path = write(
        tmp_path / "c.jsonl",
        {"task_id": "HumanEval/0", "program": "x = 1", "author": "teacher", "extra": [1]},
        {"task_id": 11, "completion": "    return 1\n", "model": "m"},
        {"task_id": "HumanEval/0"},
        {"task_id": "HumanEval/0", "program": "x", "author": "nobody"},
        {"task_id": "HumanEval/0", "program": "\ud800"},
    )

    program, completion, *bad, odd = importers.read_candidates(path)

    assert program.candidate.author is Author.TEACHER
    assert program.candidate.metadata == {"extra": [1]}
    assert completion.slug == "MBPP/11"
    problem = importers.to_problem({**HUMAN_EVAL, "prompt": "def f():\n"})
    whole = importers.complete(completion, problem)
    assert (whole.program, whole.completion) == ("def f():\n    return 1\n", "    return 1\n")
    assert [item.number for item in bad] == [3, 4]
    assert odd.candidate.program == "\ud800"


def test_a_missing_or_broken_file_is_refused_with_its_name(tmp_path):
    broken = tmp_path / "broken.gz"
    broken.write_bytes(gzip.compress(b"{}" * 1000)[:-10])

    with pytest.raises(errors.InvalidInput, match=r"absent\.jsonl"):
        list(importers.read_problems(tmp_path / "absent.jsonl"))
    with pytest.raises(errors.InvalidInput, match=r"broken\.gz"):
        list(importers.read_problems(broken))


@pytest.mark.slow
@pytest.mark.data
def test_every_recorded_problem_and_candidate_is_read(data_dir):
    human_eval = list(importers.read_problems(data_dir / "HumanEval.jsonl.gz"))
    mbpp = list(importers.read_problems(data_dir / "mbpp.jsonl.gz"))
    candidates = list(importers.read_candidates(data_dir / "humaneval_candidates.jsonl.gz"))

    for items, number in ((human_eval, 164), (mbpp, 974), (candidates, 2624)):
        assert len(items) == number
        assert not [item for item in items if isinstance(item, BadLine)]
    assert {item.slug for item in candidates} == {problem.slug for problem in human_eval}
