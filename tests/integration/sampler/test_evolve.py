"""Seeds evolved over real HTTP, their tests agreed on by programs run in real jails."""

import json
import re
from collections import Counter
from decimal import Decimal

import pytest
from typer.testing import CliRunner

from infra.contracts.base import CallState
from infra.records import importers
from sampler.evolution.decontamination import Method
from sampler.evolution.elimination import Reason
from sampler.evolution.operators import OPERATORS, ask_to_evolve
from sampler.evolution.teacher import Prompt, Teacher
from sampler.servers.spending.accounts import BudgetExceeded
from services.cli.main import app
from services.cli.stored.training import read_teachers
from services.decontamination import instructions
from services.decontamination.screen import Screen
from services.evolution import evolve
from services.evolution.agreed_tests import Choices
from services.evolution.evolving_plan import Plan
from services.starter import load
from tests.model_server.contest import Contest, truth
from tests.model_server.faults import Fault, Schedule

SUBJECTS = ("boats in a harbour", "letters on a desk", "stones by the road", "lamps in a hall")
SEEDS = [
    f"You count {subject} one after the other, and each has a number of its own. Add up the"
    f" numbers of all {subject} and return the sum."
    for subject in SUBJECTS
]
CHOICES = Choices(rounds=2, programs=5, test_answers=1, fewest_tests=3)


def make_teacher(lab, *endpoints):
    made = Teacher(endpoints, lab.ledger, lab.loop_thread)
    lab.stack.callback(made.close)
    return made


def benchmark():
    found = Screen()
    found.add("starter", [instructions.of_problem(0, one) for one in load.problems()])
    return found


@pytest.mark.slow
def test_a_run_gives_harder_tasks_with_tests_that_hold_and_a_report(lab, tmp_path, monkeypatch):
    leaked = next(one for one in load.problems() if len(one.prompt.split()) > 20)
    seeds = [
        *SEEDS,
        "Say no to me.",
        SEEDS[0].upper(),
        "Here is one we know.",
        "Read on, and answer so.",
    ]
    instead = {
        "Say no to me.": "I'm sorry, but I cannot help with that.",
        "Here is one": f"<task>Write this now:\n{leaked.prompt}\ndef f(a):\n</task>",
        "Read on": "No task at all",
    }
    server = lab.serve(source=Contest(instead), faults=Schedule({Fault.SERVER_ERROR: 4}))
    config, source = tmp_path / "servers.toml", tmp_path / "seeds.jsonl"
    config.write_text(f'[large]\nurl = "{server.url}"\nmodel = "large-2"\n'
                      "samples_per_request = 8\n")  # fmt: skip
    source.write_text("".join(json.dumps({"instruction": one}) + "\n" for one in seeds))
    known = tmp_path / "known.jsonl"
    rows = [{"prompt": one.prompt, "output": ""} for one in load.problems()]
    known.write_text("".join(json.dumps(one) + "\n" for one in rows))
    monkeypatch.setenv("RRTF_SAMPLER_ENDPOINTS", str(config))
    monkeypatch.setenv("DATABASE_URL", lab.url)
    out = tmp_path / "out"
    command = ["evolve", str(source), "--out", str(out), "--teacher", "large", "--rounds", "2",
               "--programs", "5", "--test-answers", "1", "--against", f"ours={known}"]  # fmt: skip

    ended = CliRunner().invoke(app, command)

    assert ended.exit_code == 0, ended.output
    report = evolve.Report.model_validate_json((out / "report.json").read_text())
    tasks = [json.loads(line) for line in (out / "tasks.jsonl").read_text().splitlines()]
    problems = list(importers.read_problems(out / "problems.jsonl"))
    assert (report.seeds, len(tasks)) == (8, report.tasks)
    assert report.eliminated[Reason.NEAR_DUPLICATE] == 1
    assert report.eliminated[Reason.REFUSAL] == 2  # Once in each round.
    assert report.eliminated[Reason.NO_TASK] == 2
    assert report.eliminated[Reason.CONTAMINATED] == 2
    (met,) = report.contamination
    assert (met.dataset, met.met) == ("ours", 1)
    assert [one.kept for one in report.rounds] == [7, 4, 4]
    assert len(problems) == report.problems == 8
    for problem in problems:
        check_problem(problem)
    assert {one.metadata["round"] for one in problems} == {1, 2}
    check_candidates(out, {one.slug: one for one in problems})
    (spent,) = report.spent
    # Those of which the server knows nothing, as a busy machine has some, were sent all the same.
    assert spent.requests == len(lab.calls("large")) >= len(server.seen)
    assert spent.completion_tokens == sum(one.completion_tokens or 0 for one in lab.calls())
    planned = CliRunner().invoke(app, [*command, "--plan", "68000", "--json"])
    foreseen = Plan.model_validate_json(planned.stdout)
    assert (foreseen.seeds, foreseen.by_endpoint[0].requests) == (
        8 * 8500, spent.requests * 8500,
    )  # fmt: skip


def test_programs_that_say_their_steps_are_asked_for_and_kept_apart_from_others(lab, tmp_path):
    endpoint = lab.endpoint("large", lab.serve(source=Contest()), samples_per_request=8)
    teacher = make_teacher(lab, endpoint)
    choices = CHOICES.model_copy(update={"rounds": 1, "steps": True})

    result = evolve.run(teacher, SEEDS[:1], benchmark(), choices)
    evolve.write(result, tmp_path)

    (problem,) = result.problems
    assert "# The next step." in problem.reference_program
    # Of five programs one has no comment, and one does not compile.
    assert problem.metadata["programs_with_steps"] == 3
    rows = {
        name: [json.loads(line) for line in (tmp_path / f"{name}.jsonl").read_text().splitlines()]
        for name in ("candidates", "without_steps")
    }
    assert [row["steps"] for row in rows["candidates"]] == [True] * 3
    assert [row["steps"] for row in rows["without_steps"]] == [False] * 2
    assert (result.report.programs, result.report.programs_with_steps) == (5, 3)
    by_problem = read_teachers(tmp_path / "candidates.jsonl", {problem.slug: problem})
    assert len(by_problem[problem.slug]) == 3


def check_candidates(out, problems):
    """What the teachers wrote is read by `submit` and `train`, and half of it is right."""
    by_problem = read_teachers(out / "candidates.jsonl", problems)
    assert by_problem.keys() == problems.keys()
    for slug, candidates in by_problem.items():
        assert len({one.program for one in candidates}) == len(candidates)
        assert problems[slug].reference_program in [one.program for one in candidates]
        assert {one.model for one in candidates} == {"large-2"}


def check_problem(problem):
    least, factor = map(int, re.findall(r"weigh_(\d+)_(\d+)", problem.entry_point)[0])
    assert problem.metadata["tests"] == "generated"
    assert problem.metadata["agreement"]["different_programs"] >= 2
    assert len(problem.tests) == 5  # Of eight two were wrong, and one a hollow program passes.
    names = {problem.entry_point: lambda values: truth(least, factor, values)}
    for test in problem.tests:
        exec(test.source, dict(names))  # noqa: S102 - our own test server wrote it


def test_a_budget_stops_a_run_and_a_larger_one_goes_on_without_paying_twice(lab):
    server = lab.serve(source=Contest())
    prices = {"input_price": Decimal(1000), "output_price": Decimal(1000)}
    # Enough for the tasks, and not for a request of five programs of 2,048 tokens.
    small_budget = {"budget": Decimal(10), "samples_per_request": 8}
    small = lab.endpoint("large", server, **prices, **small_budget)
    seeds = SEEDS[:2]
    # More tests than are right: nothing is agreed on.
    choices = CHOICES.model_copy(update={"rounds": 1, "fewest_tests": 6})

    with pytest.raises(BudgetExceeded, match="the budget of 'large' is 10"):
        evolve.run(make_teacher(lab, small), seeds, benchmark(), choices)
    first = [one for one in lab.calls() if one.state is CallState.COMPLETED]
    large = small.model_copy(update={"budget": Decimal(4000)})
    result = evolve.run(make_teacher(lab, large), seeds, benchmark(), choices)

    completed = [one for one in lab.calls() if one.state is CallState.COMPLETED]
    assert 2 <= len(first) < len(completed) == 6
    assert max(Counter((one.scope, one.position) for one in completed).values()) == 1
    assert (len(result.tasks), result.problems) == (4, [])
    assert result.report.eliminated == {Reason.NO_AGREEMENT: 2}
    assert lab.committed("large") == lab.ledger_sum("large") <= 4000


def ask(number, *, answers=1):
    messages = ask_to_evolve(SEEDS[number], OPERATORS[0], 250)
    return Prompt(messages, answers, temperature=1.0, max_tokens=100, seed=0)


def test_a_second_teacher_is_asked_where_the_first_gives_no_more(lab):
    broke = lab.endpoint("broke", lab.serve(), input_price=1, budget=Decimal(0))
    good = lab.endpoint("good", lab.serve(source=Contest(), model="second"))

    answers = make_teacher(lab, broke, good).ask([ask(0), ask(1)])

    assert [answer.model for (answer,) in answers] == ["second"] * 2


def test_what_a_second_teacher_answered_is_not_paid_for_again_once_the_first_is_back(lab):
    faults = Schedule({Fault.SERVER_ERROR: 1})
    first = lab.serve(source=Contest(), model="first", faults=faults)
    second = lab.serve(source=Contest(), model="second")
    endpoints = lab.endpoint("first", first, tries=1), lab.endpoint("second", second)
    before = make_teacher(lab, *endpoints).ask([ask(0)])
    faults.every = {}

    again = make_teacher(lab, *endpoints).ask([ask(0)])
    more = make_teacher(lab, *endpoints).ask([ask(0, answers=2)])

    assert again == before
    assert [len(first.served), len(second.served)] == [2, 1]
    # Two of one teacher are not there, so the first is asked, as for any question.
    assert [answer.model for answer in more[0]] == ["first"] * 2


def test_a_question_is_paid_for_once_and_more_answers_cost_only_those(lab):
    server = lab.serve(source=Contest())
    teacher = make_teacher(lab, lab.endpoint("large", server))
    first = teacher.ask([ask(0), ask(1)])

    again = make_teacher(lab, lab.endpoint("large", server)).ask([ask(0), ask(1, answers=3)])

    assert again[0] == first[0]
    assert again[1][:1] == first[1]
    assert len(server.seen) == 2 + 2


def test_a_question_that_is_refused_has_no_answer_and_the_others_have(lab):
    faults = Schedule({Fault.REFUSED: 2})
    endpoint = lab.endpoint("large", lab.serve(source=Contest(), faults=faults), concurrency=1)

    answers = make_teacher(lab, endpoint).ask([ask(0), ask(1), ask(2)])

    assert [answer is None for answer in answers] == [False, True, False]


@pytest.mark.slow
@pytest.mark.data
def test_every_planted_leak_is_found_by_the_method_that_can_and_nothing_clean_is(data_dir):
    screen = Screen()
    human_eval = [*instructions.read(data_dir / "HumanEval.jsonl.gz")]
    mbpp = [*instructions.read(data_dir / "mbpp.jsonl.gz")]
    screen.add("HumanEval", human_eval)
    screen.add("MBPP", mbpp)
    found = screen.texts
    by_name = {one.name: one for one in human_eval}
    sentence = (
        "From a given list of integers, generate a list of rolling maximum element found until"
        " given moment in the sequence."
    )
    planted = {
        Method.SUBSTRING: [
            by_name["HumanEval/9"].task,
            f"Please help.\n\n{sentence.upper().replace(',', ' --')}\n\nThanks!",
            f"Explain this code:\n{by_name['HumanEval/4'].programs[0]}",
            mbpp[10].task,
        ],
        Method.NGRAM: [
            sentence.replace("From a given", "Given any")
            + " Do it in one pass over the numbers, and do not sort anything on the way.",
        ],
        Method.MINHASH: [
            sentence.replace("integers", "numbers").replace(" element", ""),
        ],
    }

    for method, texts in planted.items():
        for text in texts:
            hit = found.find(text)
            assert hit is not None, (method, text)
            assert hit.method is method, (hit, text)
            assert hit.evidence
    clean = [*SEEDS, *(one.prompt for one in load.problems())]
    hits = [hit for text in clean if (hit := found.find(text))]
    assert hits == []
