"""Files that other tools wrote: odd lines are named, and never end the run."""

import gzip
import json

import pytest

from infra import errors
from infra.contracts.base import Author
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Problem
from infra.records import importers, record_files
from infra.records.record_files import BadLine
from infra.records.samples import Written

HUMAN_EVAL = {"task_id": "a/0", "prompt": "p", "test": "assert 1", "entry_point": "f"}
MBPP = {"task_id": 2, "text": "t", "test_list": ["assert f()"]}
CANDIDATE = {"task_id": "a/0", "program": "x"}


def lines(*records):
    return b"".join(
        (record if isinstance(record, bytes) else json.dumps(record).encode()) + b"\n"
        for record in records
    )


@pytest.fixture
def write(tmp_path):
    def write_file(data, name="file.jsonl"):
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write_file


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ({**HUMAN_EVAL, "prompt": 1}, "prompt"),
        ({**HUMAN_EVAL, "prompt": None}, "prompt"),
        ({**HUMAN_EVAL, "test": []}, "test"),
        ({**HUMAN_EVAL, "entry_point": {}}, "entry_point"),
        ({**HUMAN_EVAL, "entry_point": "not a name"}, "entry_point"),
        ({**HUMAN_EVAL, "canonical_solution": 3}, "canonical_solution"),
        ({**HUMAN_EVAL, "task_id": None}, "task_id"),
        ({"prompt": "p", "test": "t", "entry_point": "f"}, "task_id"),
        ({**MBPP, "test_list": None}, "test_list"),
        ({**MBPP, "test_list": []}, "test_list"),
        ({**MBPP, "test_list": [1]}, "test_list"),
        ({**MBPP, "text": 5}, "text"),
        ({**MBPP, "code": ["x"]}, "code"),
        ({"slug": "a", "tests": [], "prompt": ""}, "tests"),
        ({"slug": "a b", "tests": [{"kind": "stdio", "expected_stdout": ""}]}, "slug"),
        ({"task_id": "a"}, "not a problem"),
        ({"task_id": "a"}, 'for example {"slug": "mine/add"'),
    ],
)
def test_a_problem_with_a_wrong_field_names_it(write, record, named):
    bad, good = importers.read_problems(write(lines(record, HUMAN_EVAL)))

    assert isinstance(bad, BadLine)
    assert bad.number == 1
    assert named in bad.reason
    assert isinstance(good, Problem)


@pytest.mark.parametrize(
    "record",
    [
        {**CANDIDATE, "program": 1},
        {**CANDIDATE, "program": None},
        {**CANDIDATE, "author": "somebody"},
        {**CANDIDATE, "author": ["student"]},
        {**CANDIDATE, "model": 7},
        {**CANDIDATE, "seed": "x"},
        {**CANDIDATE, "program": "x" * (MAX_SOURCE_CHARACTERS + 1)},
        {"program": "x"},
        {"task_id": "a"},
        *(
            {**CANDIDATE, "task_id": odd}
            for odd in (None, "", ["a"], {"a": 1}, "a b", "../a", "a\x00", "\ud800", "a" * 201)
        ),
        b'{"task_id": "a", "program": "x", "score": NaN}',
        b'{"task_id": "a", "program": "x", "score": -Infinity}',
        b"[" * 100_000,
        b'{"task_id": "a", "program": "x"',
        b"\xff\xff\xff",
        b"null",
    ],
)
def test_a_candidate_that_is_none_is_named_by_its_line(write, record):
    first, bad, last = importers.read_candidates(write(lines(CANDIDATE, record, CANDIDATE)))

    assert isinstance(bad, BadLine)
    assert bad.number == 2
    assert bad.reason
    assert (first.number, last.number) == (1, 3)


def test_a_line_that_is_too_long_is_named_and_passed_over(write, monkeypatch):
    monkeypatch.setattr(record_files, "MAX_LINE_BYTES", 200)
    long = {**CANDIDATE, "program": "x" * 1_000}
    exact = json.dumps({**CANDIDATE, "program": ""}).encode()
    exact = json.dumps({**CANDIDATE, "program": "y" * (200 - len(exact))}).encode()

    for data in (lines(long, exact, CANDIDATE), lines(long, exact) + lines(CANDIDATE)[:-1]):
        bad, full, last = importers.read_candidates(write(data))

        assert len(exact) == 200
        assert (bad.number, bad.reason) == (1, "longer than 200 bytes")
        assert (full.number, last.number) == (2, 3)
    (bad,) = importers.read_candidates(write(lines(long)[:-1]))
    assert bad.number == 1


def test_empty_lines_count_but_say_nothing(write):
    found = list(importers.read_candidates(write(b"\n  \n" + lines(CANDIDATE) + b"\r\n")))

    assert [item.number for item in found] == [3]
    assert list(importers.read_problems(write(b""))) == []


def test_a_byte_order_mark_is_no_part_of_the_record(write):
    (found,) = importers.read_candidates(write(b"\xef\xbb\xbf" + lines(CANDIDATE)))

    assert found.slug == "a/0"


def test_the_content_and_not_the_name_says_what_is_compressed(write):
    zipped = write(gzip.compress(lines(CANDIDATE)), "candidates.jsonl")
    plain = write(lines(CANDIDATE), "candidates.gz")

    assert [item.slug for item in importers.read_candidates(zipped)] == ["a/0"]
    assert [item.slug for item in importers.read_candidates(plain)] == ["a/0"]


@pytest.mark.parametrize("damage", ["truncated", "flipped", "not a stream"])
def test_a_damaged_archive_is_refused_by_name(write, damage):
    packed = bytearray(gzip.compress(lines(*[CANDIDATE] * 2_000)))
    if damage == "truncated":
        del packed[-20:]
    elif damage == "flipped":
        packed[20:40] = b"\xff" * 20
    else:
        packed = bytearray(b"\x1f\x8b" + b"\x00" * 50)
    path = write(bytes(packed), "damaged.gz")

    with pytest.raises(errors.InvalidInput, match=r"damaged\.gz"):
        list(importers.read_candidates(path))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(errors.InvalidInput, match="cannot read"):
        list(importers.read_problems(tmp_path))


@pytest.mark.parametrize(
    ("task_id", "slug"),
    [
        (11, "MBPP/11"),
        ("11", "MBPP/11"),
        ("MBPP/11", "MBPP/11"),
        ("Mbpp/11", "MBPP/11"),
        ("HumanEval/0", "HumanEval/0"),
    ],
)
def test_a_bare_number_is_a_problem_of_mbpp(task_id, slug):
    assert importers.slug_of(task_id) == slug


def test_what_is_left_out_of_a_candidate_has_a_default(write):
    record = {**CANDIDATE, "temperature": 0.2, "policy_version": 3}

    (found,) = importers.read_candidates(write(lines(record)))

    assert found.candidate.author is Author.STUDENT
    assert found.candidate.model == ""
    assert found.candidate.metadata == {"temperature": 0.2}
    assert found.candidate.policy_version == 3
    assert found.written is Written.PROGRAM


def test_a_program_wins_over_a_completion_beside_it(write):
    (found,) = importers.read_candidates(write(lines({**CANDIDATE, "completion": "raw"})))

    assert importers.complete(found, importers.to_problem(HUMAN_EVAL)).program == "x"


def test_a_completion_that_is_too_long_with_its_prompt_is_refused(write):
    record = {"task_id": "a", "completion": "x" * MAX_SOURCE_CHARACTERS}
    (found,) = importers.read_candidates(write(lines(record)))

    with pytest.raises(errors.InvalidInput, match="prompt and completion"):
        importers.complete(found, importers.to_problem(HUMAN_EVAL))


def test_mbpp_keeps_its_code_and_mends_only_its_tests():
    problem = importers.to_problem(
        {
            **MBPP,
            "code": "def f():\r\n    return 1\r\n",
            "test_setup_code": "import math\r\nx = 1",
            "test_list": ["assert f() == 1\r\n", "assert g() == 2"],
            "challenge_test_list": ["assert f() == 3"],
        }
    )

    assert problem.reference_program == "def f():\r\n    return 1\r\n"
    assert "\r" not in problem.tests[0].source
    assert problem.tests[0].source.startswith("import math\nx = 1\nassert f() == 1")
    assert problem.tests[0].check is None
    assert problem.entry_point == "f"
    assert problem.metadata["challenge_test_list"] == ["assert f() == 3"]
    assert "assert g() == 2" in problem.prompt
