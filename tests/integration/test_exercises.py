"""The executor judges exercises as their maker does."""

import pytest

from executor import label
from infra.contracts.base import Label
from services.exercises.exercise import Split
from services.exercises.making import answers, problems
from services.exercises.writing import wrong_programs


@pytest.mark.slow
@pytest.mark.parametrize("count", [4, pytest.param(25, marks=pytest.mark.thorough)])
def test_references_pass_and_programs_with_another_answer_do_not(count):
    made = list(problems(Split.HELD_OUT, seed=5, count=count))
    records, wanted = [], []
    for exercise, problem in made:
        tried = [test.args[0] for test in problem.tests]
        expected = [test.expected for test in problem.tests]
        for source in [problem.reference_program, *wrong_programs(exercise)]:
            got = answers(source, exercise.name, tried)
            records.append({"task_id": problem.slug, "program": source})
            wanted.append(got == [(value, "") for value in expected])

    found = list(label([problem for _, problem in made], records))

    assert [item.verdict.label is Label.ALL_PASS for item in found] == wanted
    assert sum(wanted) >= count
    assert wanted.count(False) > 2 * count
