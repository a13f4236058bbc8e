"""Published sets, as recorded: every row is taken or refused by name, and judged as recorded."""

import gzip
import json
import sys
from collections import Counter

import pytest

from infra.records import importers
from infra.records.record_files import BadLine
from tests import plain_python

pytestmark = pytest.mark.data
LOST = [
    f"the standard library of Python 3.{sys.version_info.minor} has no `cgi` any more",
]
"""What refuses rows of a set in a Python that lacks what they import."""


def records(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def taken(path):
    """Return the problems of a set, and why others are refused: only what this Python lacks."""
    found = list(importers.read_problems(path))
    refused = [item.reason.partition(";")[0] for item in found if isinstance(item, BadLine)]
    is_lacking = path.name.startswith("bigcodebench") and sys.version_info >= (3, 13)
    assert refused == (LOST if is_lacking else [])
    return [item for item in found if not isinstance(item, BadLine)], refused


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
    found, refused = taken(path)

    assert {item.metadata["source"] for item in found} == {source}
    assert len(found) + len(refused) == count
    assert all(item.reference_program for item in found)
    slugs = [item.slug for item in found]
    assert slugs == [row["task_id"] for row in records(path) if row["task_id"] in slugs]


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
    known = {p.slug: p for p in taken(suites / f"{problems}.jsonl.gz")[0]}
    every = records(suites / f"{candidates}.candidates.jsonl.gz")
    # A reference that failed there wanted what that machine had not.
    sample = [one for one in every if one["kind"] != "ref" or one["plain"] == "pass"][1::29]
    passed = {}
    for number, record in enumerate(one for one in sample if one["task_id"] in known):
        problem = known[record["task_id"]]
        program = importers.program_of(record, problem)
        passed[record["id"]] = plain_python.run(problem, program, tmp_path / str(number)) is None

    recorded = {record["id"]: record["plain"] == "pass" for record in sample}
    assert passed == {identifier: recorded[identifier] for identifier in passed}
    assert len(passed) > 0.9 * len(sample)


def test_references_of_leetcode_pass_after_its_header(data_dir, tmp_path):
    problems = list(importers.read_problems(data_dir / "suites" / "leetcode.as_published.jsonl.gz"))

    for problem in problems[::15]:
        program = importers.program_of(
            {"task_id": problem.slug, "completion": problem.reference_program}, problem
        )
        assert plain_python.run(problem, program, tmp_path / problem.slug) is None
