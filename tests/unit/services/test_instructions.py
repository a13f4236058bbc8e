"""Records of training data in the forms that they are published in."""

import json

import pytest

from infra.records.record_files import BadLine
from services.decontamination import instructions

F = "def f(a):\n    return a\n"


@pytest.mark.parametrize(
    ("row", "task", "programs"),
    [
        ({"instruction": "Do f.", "input": "x", "output": F}, "Do f.\n\nx", [F]),
        ({"instruction": "Do f.", "output": f"So:\n```python\n{F}```\n"}, "Do f.", [F]),
        ({"text": F}, F, [F]),
        ({"prompt": "def f(a):\n", "completion": "    return a\n"}, "def f(a):\n", [F]),
        (
            {"messages": [{"role": "user", "content": "Do f."},
                          {"role": "assistant", "content": F}]},
            "Do f.", [F],
        ),
        ({"conversations": [{"from": "human", "value": "Do f."}, {"from": "gpt", "value": F}]},
         "Do f.", [F]),
        ({"prompt": "Do f.", "responses": [{"program": F}]}, "Do f.", [F]),
        ({"task_id": "p", "program": F}, F, [F]),
    ],
)  # fmt: skip
def test_a_record_says_what_is_asked_and_what_answers_it(row, task, programs, tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")

    (found,) = instructions.read(path)

    assert found.task.strip() == task.strip()
    assert {one.strip() for one in programs} <= {one.strip() for one in found.programs}
    assert found.row == row


def test_a_problem_is_read_with_its_tests_and_what_says_nothing_is_named(tmp_path):
    path = tmp_path / "rows.jsonl"
    mbpp = {"task_id": 11, "text": "Return one.", "code": F, "test_list": ["assert f(1) == 1"]}
    path.write_text(json.dumps(mbpp) + '\n{"number": 3}\n{"text": " "}\n')

    problem, *bad = instructions.read(path)

    assert (problem.name, len(problem.problem.tests), problem.programs) == ("MBPP/11", 1, (F,))
    assert [(type(one), one.number) for one in bad] == [(BadLine, 2), (BadLine, 3)]
