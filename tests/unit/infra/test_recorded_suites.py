"""Published sets, as recorded: every row is taken or refused by name, and judged as recorded."""

import gzip
import json
from collections import Counter

import pytest

from infra.records import importers
from infra.records.record_files import BadLine
from tests import plain_python

pytestmark = pytest.mark.data


def records(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


@pytest.mark.parametrize(
    ("name", "source", "count"),
    [
        ("bigcodebench_std.as_published", "BigCodeBench", 149),
        ("leetcode.as_published", "LeetCodeDataset", 107),
        ("humanevalpack_python.problems", "HumanEvalPack", 92),
        ("mbxp_python.problems", "MBXP", 137),
        ("mathqa_python.problems", "MathQA", 30),
    ],
)
def test_every_row_is_taken_with_its_reference(data_dir, name, source, count):
    path = data_dir / "suites" / f"{name}.jsonl.gz"
    found = list(importers.read_problems(path))

    assert Counter(getattr(item, "metadata", {}).get("source") for item in found) == {source: count}
    assert all(item.reference_program for item in found)
    assert [item.slug for item in found] == [row["task_id"] for row in records(path)]


def test_every_row_is_read_in_its_language_or_refused_by_its_name(data_dir):
    found = list(importers.read_problems(data_dir / "suites" / "wronglang.as_published.jsonl.gz"))

    refused = [item.reason for item in found if isinstance(item, BadLine)]
    read = Counter(item.language.value for item in found if not isinstance(item, BadLine))
    assert len(refused) == 4
    assert all(reason.startswith("the row is in Kotlin;") for reason in refused)
    assert read == {
        "cpp": 3, "go": 5, "java": 9, "javascript": 13, "php": 3, "rust": 3, "typescript": 4,
    }  # fmt: skip


def test_prompts_of_coder_eval_are_refused_for_want_of_tests(data_dir):
    for name in ("CEPythonRaw", "CEPythonHumanLabel"):
        found = list(importers.read_problems(data_dir / "codereval" / f"{name}.jsonl.gz"))
        assert all("have no tests" in item.reason for item in found)


@pytest.mark.parametrize(
    ("problems", "candidates"),
    [
        ("bigcodebench_std.as_published", "bigcodebench_std_conv"),
        ("humanevalpack_python.problems", "humanevalpack_python"),
        ("mbxp_python.problems", "mbxp_python"),
        ("mathqa_python.problems", "mathqa_python"),
    ],
)
def test_recorded_programs_are_judged_as_recorded(data_dir, tmp_path, problems, candidates):
    suites = data_dir / "suites"
    known = {p.slug: p for p in importers.read_problems(suites / f"{problems}.jsonl.gz")}
    every = records(suites / f"{candidates}.candidates.jsonl.gz")
    # A reference that failed there wanted what that machine had not.
    sample = [one for one in every if one["kind"] != "ref" or one["plain"] == "pass"][1::29]
    passed = {}
    for number, record in enumerate(sample):
        problem = known[record["task_id"]]
        program = importers.program_of(record, problem)
        passed[record["id"]] = plain_python.run(problem, program, tmp_path / str(number)) is None

    assert passed == {record["id"]: record["plain"] == "pass" for record in sample}


def test_references_of_leetcode_pass_after_its_header(data_dir, tmp_path):
    problems = list(importers.read_problems(data_dir / "suites" / "leetcode.as_published.jsonl.gz"))

    for problem in problems[::15]:
        program = importers.program_of(
            {"task_id": problem.slug, "completion": problem.reference_program}, problem
        )
        assert plain_python.run(problem, program, tmp_path / problem.slug) is None
