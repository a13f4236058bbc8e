"""Candidates in the files that evaluation harnesses and batches of models write."""

import gzip
import json

import pyarrow
import pytest
from pyarrow import parquet

from infra import errors
from infra.records import importers
from infra.records.record_files import BadLine
from infra.records.samples import Names

HUMAN_EVAL = ["HumanEval/0", "HumanEval/1"]
MBPP = [f"MBPP/{number}" for number in range(1, 975)]
KNOWN = Names({*HUMAN_EVAL, *MBPP, "abc301_a"}.__contains__, HUMAN_EVAL)


def batch(custom_id="HumanEval/0", body=None, status=200, **more):
    choice = {"message": {"role": "assistant", "content": "an answer"}, "finish_reason": "stop"}
    body = {"model": "m", "choices": [choice]} if body is None else body
    response = {"status_code": status, "request_id": "r", "body": body}
    return {"id": "b", "custom_id": custom_id, "response": response, "error": None, **more}


@pytest.fixture
def found(tmp_path):
    def read(text, names=KNOWN, name="file.json"):
        path = tmp_path / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return list(importers.read_candidates(path, names))

    return read


def seen(items):
    return [(item.slug, item.written, item.candidate.program) for item in items]


RESULTS = {
    "date": "2026-01-01", "hash": "h",
    "eval": {
        name: [{"task_id": name, "solution": f"s{n}", "base_status": "pass"} for n in (0, 1)]
        for name in HUMAN_EVAL
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"task_id": "HumanEval/0", "solution": "s"}, [("HumanEval/0", "program", "s")]),
        ({"task_id": "HumanEval/0", "completion": "c"}, [("HumanEval/0", "completion", "c")]),
        ({"task_id": "HumanEval/0", "answer": "a"}, [("HumanEval/0", "answer", "a")]),
        (
            {"task_id": "Mbpp/2", "all_samples": ["s", "t"]},
            [("MBPP/2", "program", "s"), ("MBPP/2", "program", "t")],
        ),
        (
            {"task_id": "HumanEval/0", "solution": ["s", "t"]},
            [("HumanEval/0", "program", "s"), ("HumanEval/0", "program", "t")],
        ),
        (
            {"question_id": "abc301_b", "output_list": ["o"], "code_list": ["s"], "pass@1": 1.0},
            [("LiveCodeBench/abc301_b", "program", "s")],
        ),
        ({"question_id": "abc301_a", "output_list": ["o"]}, [("abc301_a", "answer", "o")]),
        (
            {"HumanEval/0": ["s"], "2": "t"},
            [("HumanEval/0", "program", "s"), ("MBPP/2", "program", "t")],
        ),
        (RESULTS, [(name, "program", f"s{n}") for name in HUMAN_EVAL for n in (0, 1)]),
        (batch(), [("HumanEval/0", "answer", "an answer")]),
        (batch("HumanEval/0-3"), [("HumanEval/0", "answer", "an answer")]),
        (batch("HumanEval/0#sample_3"), [("HumanEval/0", "answer", "an answer")]),
        (
            batch(body={"choices": [{"text": "c"}, {"text": "d"}]}),
            [("HumanEval/0", "answer", "c"), ("HumanEval/0", "answer", "d")],
        ),
        (
            batch(body={"output": [{"type": "reasoning"},
                {"type": "message", "content": [{"type": "output_text", "text": "r"}]}]}),
            [("HumanEval/0", "answer", "r")],
        ),
        (
            batch(body={"choices": [{"message": {"content": None}}]}),
            [("HumanEval/0", "answer", "")],
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("layout", ["a line", "an array", "over lines"])
def test_a_record_of_every_form_is_read_in_every_layout(found, record, expected, layout):
    text = json.dumps(record, indent=2 if layout == "over lines" else None)

    assert seen(found(f"[{text}]" if layout == "an array" else text)) == expected


@pytest.mark.parametrize("text", ['[["a", "b"], ["c"]]', '["a", "b"]\n["c"]\n'])
def test_lists_without_names_belong_to_the_problems_in_their_order(found, text):
    assert seen(found(text)) == [
        ("HumanEval/0", "program", "a"),
        ("HumanEval/0", "program", "b"),
        ("HumanEval/1", "program", "c"),
    ]


def test_programs_for_mbpp_are_those_of_its_test_split(found):
    first, *_, last = found([["x"]] * 500, KNOWN._replace(ordered=MBPP))

    assert (first.slug, last.slug) == ("MBPP/11", "MBPP/510")


@pytest.mark.parametrize(("ordered", "said"), [((), "no file of problems"), (["a"], "1 problems")])
def test_lists_are_given_to_nobody_where_their_number_does_not_fit(found, ordered, said):
    with pytest.raises(errors.InvalidInput, match=f"2 lists of programs.*{said}"):
        found([["a"], ["b"]], KNOWN._replace(ordered=ordered))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({"pass@1": 0.5, "config": {}}, "fields config, pass@1; expected for example"),
        ({"task_id": "HumanEval/0", "code": "x"}, "fields code, task_id; expected for example"),
        (["x", 1], "it has list; expected for example"),
        ({"task_id": "HumanEval/0", "solution": [{"code": "x"}]}, "solution must be a string"),
        ({"eval": {"HumanEval/0": {"nfiles": 1, "base": [["success", [True]]]}}}, "early release"),
        (
            batch(status=429, body={"error": {"message": "too many"}}),
            "HumanEval/0 failed: too many",
        ),
        (batch(error={"code": "expired", "message": "it expired"}), "failed: it expired"),
        ({"custom_id": "HumanEval/0", "method": "POST", "url": "/v1", "body": {}}, "a request"),
        ("program", "it has str; expected for example"),
        (batch(body={"data": []}), "neither `choices` nor `output`, but data"),
    ],
)
def test_what_is_not_understood_is_named_and_the_rest_goes_on(found, record, said):
    good = {"task_id": "HumanEval/1", "solution": "s"}

    bad, last = found("\n".join(map(json.dumps, (record, good))))

    assert isinstance(bad, BadLine)
    assert said in bad.reason
    assert seen([last]) == [("HumanEval/1", "program", "s")]


def test_a_folder_of_programs_is_read_by_its_folders(tmp_path):
    for name in ("HumanEval_0/0.py", "HumanEval_0/10.py", "HumanEval_0/2.py", "abc301_a/0.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    items = list(importers.read_candidates(tmp_path, KNOWN))

    assert [(slug, text) for slug, _, text in seen(items)] == [
        ("HumanEval/0", "HumanEval_0/0.py"),
        ("HumanEval/0", "HumanEval_0/2.py"),
        ("HumanEval/0", "HumanEval_0/10.py"),
        ("abc301_a", "abc301_a/0.py"),
    ]


def test_parquet_and_packed_files_hold_the_same_forms(tmp_path):
    record = {"task_id": "HumanEval/0", "all_samples": ["s", "t"]}
    parquet.write_table(pyarrow.Table.from_pylist([record]), tmp_path / "rows.parquet")
    (tmp_path / "rows.json.gz").write_bytes(gzip.compress(json.dumps(RESULTS, indent=1).encode()))

    texts = [
        [item.candidate.program for item in importers.read_candidates(path, KNOWN)]
        for path in (tmp_path / "rows.parquet", tmp_path / "rows.json.gz")
    ]

    assert texts == [["s", "t"], ["s0", "s1", "s0", "s1"]]


def test_what_a_batch_says_of_an_answer_is_kept(found):
    (item,) = found(batch())

    assert (item.candidate.model, item.candidate.finish_reason) == ("m", "stop")
