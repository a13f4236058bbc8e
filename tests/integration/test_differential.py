"""The same candidates in a warm cell, in strict jails, and with no sandbox at all: one decision."""

import subprocess
import sys
from itertools import islice

import pytest

from executor import label
from infra.contracts.base import Label, Outcome
from infra.records import importers

_SECONDS = 3.0


@pytest.fixture(params=[107, pytest.param(16, marks=pytest.mark.thorough)])
def recorded(data_dir, request):
    """The problems, and one in so many of the recorded candidates."""
    problems = {p.slug: p for p in importers.read_problems(data_dir / "HumanEval.jsonl.gz")}
    records = [r for _, r in importers.read_records(data_dir / "humaneval_candidates.jsonl.gz")]
    assert len(records) > 2000
    return problems, list(islice(records, 3, None, request.param))


def labelled(recorded, open_directory, monkeypatch, strict):
    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(open_directory / "executor"))
    problems, records = recorded
    found = list(label(problems.values(), records, slots=3, strict=strict))
    assert [item.error for item in found if item.verdict is None] == []
    return [item.verdict for item in found]


def bare(problem, record):
    """Whether the program passes in a bare interpreter; None when it does not end in time."""
    (test,) = problem.tests
    program = f"{record['program']}\n{test.source}\n{test.check}({problem.entry_point})\n"
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-c", program], capture_output=True, timeout=_SECONDS,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        return None
    return ended.returncode == 0


@pytest.mark.slow
def test_cell_strict_and_no_sandbox_decide_alike(recorded, open_directory, monkeypatch):
    problems, records = recorded
    cell, strict = (
        labelled(recorded, open_directory, monkeypatch, strict=mode) for mode in (False, True)
    )

    assert len({verdict.label for verdict in cell}) == len(Label)
    for record, in_cell, in_strict in zip(records, cell, strict, strict=True):
        assert in_cell.label is in_strict.label, record["task_id"]
        outcomes = [[test.outcome for test in v.tests] for v in (in_cell, in_strict)]
        assert outcomes[0] == outcomes[1], record["task_id"]
        passes = bare(problems[record["task_id"]], record)
        timed_out = any(test.outcome is Outcome.TIME_LIMIT_EXCEEDED for test in in_cell.tests)
        if passes is not None and not timed_out:
            assert passes == (in_cell.label is Label.ALL_PASS), record["task_id"]
