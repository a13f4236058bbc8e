"""Files of records: JSON lines, JSON arrays, Parquet."""

import datetime
import gzip
import json
import subprocess
import sys

import pyarrow
import pytest
from pyarrow import parquet

from infra import errors
from infra.records import importers, record_files
from infra.records.record_files import BadLine
from infra.records.samples import Written
from tests.form_records import APPS, CLASS_EVAL, CODER_EVAL, SAMPLES, leetcode

RECORDS = [APPS, CLASS_EVAL]
SLUGS = ["APPS/900", "ClassEval_900"]


def slugs(path):
    return [
        item if isinstance(item, BadLine) else item.slug for item in importers.read_problems(path)
    ]


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
@pytest.mark.parametrize("text", [json.dumps(RECORDS), "\n " + json.dumps(RECORDS, indent=1)])
def test_an_array_is_read_row_by_row(tmp_path, name, text):
    path = tmp_path / name
    path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())

    assert slugs(path) == SLUGS


def test_a_row_of_an_array_that_is_no_object_is_named(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([APPS, 1, {"what": 1}, CLASS_EVAL]))

    first, second, third, last = slugs(path)

    assert (first, last) == tuple(SLUGS)
    assert second == BadLine(2, "not a JSON object")
    assert third.number == 3


def test_the_records_of_coder_eval_stand_in_an_object(tmp_path):
    path = tmp_path / "CoderEval4Python.json"
    path.write_text(json.dumps({"RECORDS": [CODER_EVAL]}))

    assert slugs(path) == ["CoderEval/62e60f43d76274f8a4026e28"]


@pytest.mark.parametrize("text", ["[1, 2", '{"RECORDS": ', "[" * 200_000])
def test_an_array_that_is_cut_off_is_refused_with_the_files_name(tmp_path, text):
    path = tmp_path / "cut.json"
    path.write_text(text)

    with pytest.raises(errors.InvalidInput, match=r"cut\.json"):
        list(importers.read_problems(path))


def test_an_array_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(record_files, "MAX_DOCUMENT_BYTES", 200)
    path = tmp_path / "large.json"
    path.write_text(json.dumps(RECORDS))

    with pytest.raises(errors.InvalidInput, match=r"large\.json.*200 bytes"):
        list(importers.read_problems(path))


def test_candidates_may_come_as_an_array(tmp_path):
    path = tmp_path / "candidates.json"
    path.write_text(json.dumps([{"task_id": "APPS/900", "solution": "x = 1"}]))

    (found,) = importers.read_candidates(path)

    assert (found.slug, found.candidate.program, found.written) == (
        "APPS/900",
        "x = 1",
        Written.PROGRAM,
    )


def write(path, rows, **options):
    parquet.write_table(pyarrow.Table.from_pylist(rows), path, **options)
    return path


def test_parquet_is_read_as_the_same_rows(tmp_path):
    names = ["HumanEval", "MBPP", "LeetCodeDataset", "KodCode"]
    rows = [SAMPLES[name].record for name in names]
    columns = sorted({key for row in rows for key in row if key != "metadata"})
    table = {
        key: [row.get(key) if key != "task_id" else str(row.get(key, "x")) for row in rows]
        for key in columns
    }
    path = tmp_path / "rows.parquet"
    parquet.write_table(pyarrow.table(table), path, row_group_size=2)

    found = list(importers.read_problems(path))

    wanted = [importers.to_problem(row) for row in rows]
    assert [problem.slug for problem in found] == [problem.slug for problem in wanted]
    assert [problem.tests for problem in found] == [problem.tests for problem in wanted]


def test_dates_in_parquet_are_texts(tmp_path):
    row = {
        "question_id": "abc",
        "question_content": "Print.",
        "contest_date": datetime.datetime(2023, 5, 13, tzinfo=datetime.UTC),
        "public_test_cases": '[{"input": "", "output": "1", "testtype": "stdin"}]',
        "metadata": "{}",
    }

    (problem,) = importers.read_problems(write(tmp_path / "rows.parquet", [row]))

    assert problem.metadata["contest_date"].startswith("2023-05-13")


def test_parquet_that_is_broken_is_refused_with_its_name(tmp_path):
    path = write(tmp_path / "rows.parquet", [leetcode()])
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(errors.InvalidInput, match=r"rows\.parquet"):
        list(importers.read_problems(path))


def test_a_row_group_that_is_too_large_is_refused(tmp_path, monkeypatch):
    from infra.forms import parquet as reading

    path = write(tmp_path / "rows.parquet", [leetcode(), leetcode()], row_group_size=1)
    monkeypatch.setattr(reading, "_MAX_GROUP_BYTES", 100)

    with pytest.raises(errors.InvalidInput, match="row group 0 has"):
        list(importers.read_problems(path))


def test_without_pyarrow_the_extra_is_named(tmp_path):
    path = write(tmp_path / "rows.parquet", [leetcode()])
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from pathlib import Path\nfrom infra import errors\nfrom infra.records import importers\n"
        f"try:\n    list(importers.read_problems(Path({str(path)!r})))\n"
        "except errors.InvalidInput as error:\n    print(error.detail)\n"
    )

    said = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "the extra `export`: pip install 'rrtf-suite[export]'" in said.stdout
