"""What each method of the experiment trains on, and how its figures are made."""

import argparse
import json

import pytest

from infra.contracts.base import Author, Label
from infra.contracts.problems import CallTest, Problem
from tests.benchmarks.reproduction.experiment import BudgetSpent, Experiment
from tests.benchmarks.reproduction.groups import Labelled
from tests.benchmarks.reproduction.methods import Method, groups_of
from tests.benchmarks.reproduction.report import by_seed, difference, estimate, write_report

PROBLEM = Problem(
    slug="p", prompt="Give 1.", entry_point="f", tests=(CallTest(args=(1,), expected=1),)
)
T_RIGHT = Labelled(Author.TEACHER, "teacher right", Label.ALL_PASS, 1.0, True)
T_HALF = Labelled(Author.TEACHER, "teacher half", Label.PARTIAL_PASS, 0.5, True)
S_RIGHT = Labelled(Author.STUDENT, "student right", Label.ALL_PASS, 1.0, True)
S_AGAIN = Labelled(Author.STUDENT, "student right", Label.ALL_PASS, 1.0, True)
S_CUT = Labelled(Author.STUDENT, "student cut", Label.ALL_PASS, 1.0, False)
S_BROKEN = Labelled(Author.STUDENT, "student broken", Label.COMPILE_ERROR, 0.0, True)
S_WRONG = Labelled(Author.STUDENT, "student wrong", Label.RUNTIME_ERROR, 0.0, True)
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


def test_rejection_sampling_takes_every_program_that_passes_and_ended_once():
    found = groups(Method.REJECTION)

    assert [group.responses[0].program for group in found] == ["teacher right", "student right"]
    assert groups(Method.REJECTION, (T_HALF, S_BROKEN)) == []


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


def test_dpo_and_the_ablation_without_ranking_get_exactly_what_the_default_gets():
    assert groups(Method.DPO) == groups(Method.BEST) == groups(Method.RRTF)


def test_online_methods_get_the_students_programs_even_if_none_passes():
    (group,) = groups(Method.GRPO)
    (none_passes,) = groups(Method.RLOO, (T_RIGHT, S_BROKEN, S_WRONG))

    assert {response.author for response in group.responses} == {Author.STUDENT}
    assert len(group.responses) == 4
    assert [response.program for response in none_passes.responses] == [
        "student wrong", "student broken",
    ]  # fmt: skip


def test_a_problem_that_teaches_nothing_is_left_out():
    for method in (Method.RRTF, Method.PAPER, Method.DPO, Method.RRHF):
        assert groups(method, (S_BROKEN, S_BROKEN)) == []


def evaluated(solved, right):
    mean = sum(solved) / len(solved)
    return {"solved": solved, "samples": 20, "right": right, "greedy": {"mean": mean}}


@pytest.mark.slow
def test_figures_are_means_over_seeds_and_differences_are_paired(tmp_path):
    before = [evaluated([False, True], [0, 10]), evaluated([False, False], [0, 20])]
    after = [evaluated([True, True], [20, 20]), evaluated([True, False], [20, 0])]
    results = {"before": before, "RRTF, default": after, "RRHF": after}
    settings = {
        "seeds": [0, 1], "training": 2, "held_out": 2, "samples": 8, "eval_samples": 20,
        "epochs": 1, "tuning": 1, "rates": {"RRHF": 1e-3}, "cpu_seconds": 60,
    }  # fmt: skip

    assert by_seed(before, None) == [[0.0, 1.0], [0.0, 0.0]]
    assert by_seed(before, 1) == [pytest.approx([0.0, 0.5]), pytest.approx([0.0, 1.0])]
    assert difference(results, "RRTF, default", "before").mean == pytest.approx(0.5)

    text = write_report(results, settings, tmp_path).read_text()
    figures = json.loads((tmp_path / "reproduction.json").read_text())
    assert figures["greedy_by_seed"]["before"] == [0.5, 0.0]
    assert "+50.0" in text
    assert "within the interval over: RRHF" in text
    assert (tmp_path / "reproduction.png").stat().st_size > 5_000


def test_an_interval_is_wider_where_seeds_differ():
    alike = estimate([[1.0] * 20 + [0.0] * 20] * 4)
    apart = estimate([[1.0] * 40] * 2 + [[0.0] * 40] * 2)

    assert alike.mean == apart.mean == 0.5
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_a_run_without_time_makes_nothing_more_and_keeps_what_there_is(tmp_path):
    given = {"work": tmp_path, "budget": 1.0}
    kept = tmp_path / "stage.json"
    assert Experiment(argparse.Namespace(**given)).once(kept, lambda: "made") == "made"

    spent = Experiment(argparse.Namespace(**given | {"budget": 0.0}))

    assert spent.once(kept, lambda: "made again") == "made"
    with pytest.raises(BudgetSpent):
        spent.once(tmp_path / "next.json", lambda: "made")
