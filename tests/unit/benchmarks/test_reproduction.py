"""What each method of the experiment trains on, and how its figures are made."""

import json

import pytest

from infra.contracts.base import Author, Label
from infra.contracts.problems import CallTest, Problem
from infra.prompting.wording import quoted
from tests.benchmarks.reproduction.groups import Labelled, preferences
from tests.benchmarks.reproduction.methods import Method, groups_of
from tests.benchmarks.reproduction.report import by_problem, difference, write_report

PROBLEM = Problem(
    slug="p", prompt="Give 1.", entry_point="f", tests=(CallTest(args=(1,), expected=1),)
)
T_RIGHT = Labelled(Author.TEACHER, "teacher right", Label.ALL_PASS, 1.0, True)
T_HALF = Labelled(Author.TEACHER, "teacher half", Label.PARTIAL_PASS, 0.5, True)
S_RIGHT = Labelled(Author.STUDENT, "student right", Label.ALL_PASS, 1.0, True)
S_AGAIN = Labelled(Author.STUDENT, "student right", Label.ALL_PASS, 1.0, True)
S_CUT = Labelled(Author.STUDENT, "student cut", Label.ALL_PASS, 1.0, False)
S_BROKEN = Labelled(Author.STUDENT, "student broken", Label.COMPILE_ERROR, 0.0, True)
PROGRAMS = (T_RIGHT, T_HALF, S_RIGHT, S_AGAIN, S_CUT, S_BROKEN)


def groups(method, programs=PROGRAMS):
    return groups_of(method, [(PROBLEM, programs)])


def pairs_of(group):
    names = [response.program for response in group.responses]
    return {(names[better], names[worse]) for better, worse, _ in group.pairs}


def test_imitation_of_teachers_takes_all_they_wrote_without_looking_at_labels():
    found = groups(Method.TEACHERS)

    assert [group.responses[0].program for group in found] == ["teacher right", "teacher half"]
    assert all(len(group.responses) == 1 and group.pairs == () for group in found)


def test_rejection_sampling_takes_what_the_student_got_right_and_ended_once_each():
    found = groups(Method.REJECTION)

    assert [group.responses[0].program for group in found] == ["student right"]
    assert groups(Method.REJECTION, (T_RIGHT, S_BROKEN)) == []


def test_rrtf_pairs_teachers_over_students_and_rrhf_pairs_all():
    (rrtf,), (rrhf,) = groups(Method.RRTF), groups(Method.RRHF)

    assert {better for better, _ in pairs_of(rrtf)} <= {"teacher right", "teacher half"}
    assert ("teacher half", "student broken") in pairs_of(rrtf)
    assert ("student right", "student broken") in pairs_of(rrhf)
    assert ("student right", "student broken") not in pairs_of(rrtf)
    assert rrtf.responses[rrtf.best].program == "teacher right"


def test_teachers_that_say_their_steps_take_the_place_of_the_plain_ones_and_only_there():
    told = T_RIGHT._replace(program="# One.\nteacher right", steps=True)
    (plain,), (steps,) = (
        groups(method, (*PROGRAMS, told)) for method in (Method.RRTF, Method.STEPS)
    )

    teachers = [
        {one.program for one in group.responses if one.author is Author.TEACHER}
        for group in (plain, steps)
    ]
    assert teachers == [{"teacher right", "teacher half"}, {"# One.\nteacher right"}]


def test_dpo_gets_exactly_the_pairs_of_the_default_with_the_prompt_as_it_is_trained():
    (group,) = groups(Method.DPO)

    found = preferences(group)

    assert {(pair["chosen"], pair["rejected"]) for pair in found} == pairs_of(*groups(Method.RRTF))
    assert {pair["prompt"] for pair in found} == {quoted(PROBLEM.prompt)}


def test_a_problem_that_teaches_nothing_is_left_out():
    for method in (Method.RRTF, Method.PAPER, Method.DPO, Method.RRHF):
        assert groups(method, (S_BROKEN, S_BROKEN)) == []


def evaluated(solved, right):
    mean = sum(solved) / len(solved)
    return {"solved": solved, "samples": 20, "right": right, "greedy": {"mean": mean}}


def test_figures_are_means_over_seeds_and_differences_are_paired(tmp_path):
    before = [evaluated([False, True], [0, 10]), evaluated([False, False], [0, 20])]
    after = [evaluated([True, True], [20, 20]), evaluated([True, False], [20, 0])]
    results = {"before": before, "RRTF, default": after, "RRHF": after}
    settings = {
        "seeds": [0, 1], "training": 2, "held_out": 2, "samples": 8, "eval_samples": 20,
        "epochs": 1, "tuning": 1, "rates": {"RRHF": 1e-3}, "cpu_seconds": 60,
    }  # fmt: skip

    assert by_problem(before, None) == [0.0, 0.5]
    assert by_problem(before, 1) == [0.0, 0.75]
    assert difference(results, "RRTF, default", "before").mean == pytest.approx(0.5)

    text = write_report(results, settings, tmp_path).read_text()
    figures = json.loads((tmp_path / "reproduction.json").read_text())
    assert figures["greedy_by_seed"]["before"] == [0.5, 0.0]
    assert "+50.0" in text
    assert "within the interval over: RRHF" in text
    assert (tmp_path / "reproduction.png").stat().st_size > 5_000
