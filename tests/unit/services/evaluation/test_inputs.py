"""What an evaluation reads: plans, benchmarks, programs and results of others."""

import gzip
import json
from collections import defaultdict
from datetime import date

import pytest

from infra import errors
from infra.contracts.problems import CallTest, Problem
from infra.contracts.prompting import PAPER
from infra.records import importers
from services.evaluation import benchmarks, plan
from services.evaluation.plan import GREEDY, BenchmarkPlan, Setting
from services.evaluation.programs import given, published
from services.known import known
from services.statistics import Count, over_problems

SLUGS = ["HumanEval/0", "HumanEval/1"]


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def benchmark(tmp_path):
    test = CallTest(function="f", args=(1,), expected=1)
    rows = [
        Problem(slug=slug, prompt="def f(x):\n", tests=(test,), entry_point="f") for slug in SLUGS
    ]
    path = write(tmp_path / "problems.jsonl", [row.model_dump(mode="json") for row in rows])
    return benchmarks.opened("own", BenchmarkPlan(problems=path))


BODY, PROGRAM = "    return x\n", "def f(x):\n    return x\n"
FORMS = {
    "ours": [{"task_id": slug, "program": PROGRAM} for slug in SLUGS],
    "HumanEval": [{"task_id": slug, "completion": BODY} for slug in SLUGS],
    "EvalPlus": [{"task_id": slug, "solution": PROGRAM} for slug in SLUGS],
    "LiveCodeBench": [
        {"question_id": slug, "code_list": [PROGRAM], "output_list": ["Here."]} for slug in SLUGS
    ],
    "answers": [{"task_id": slug, "answer": f"Sure:\n```python\n{PROGRAM}```\n"} for slug in SLUGS],
    "bigcode": [[[PROGRAM], [PROGRAM]]],
}


@pytest.mark.parametrize("form", FORMS)
def test_programs_are_read_in_the_forms_that_people_have(form, benchmark, tmp_path):
    path = write(tmp_path / "given.jsonl", FORMS[form])

    found = given.read(path, None, [benchmark])

    assert list(found) == [("own", Setting())]
    records = found["own", Setting()]
    assert [record["task_id"] for record in records] == SLUGS
    assert [record["program"].strip() for record in records] == [PROGRAM.strip()] * 2


def test_programs_of_a_file_are_parted_by_temperature_and_by_model(benchmark, tmp_path):
    rows = [
        {"task_id": slug, "program": PROGRAM, "model": model, "temperature": temperature}
        for model in ("large", "small")
        for temperature in (0, 0.2, 0.8)
        for slug in reversed(SLUGS)
    ]
    path = write(tmp_path / "given.jsonl", rows)

    found = given.read(path, "small", [benchmark])

    assert given.models_in(path) == ["large", "small"]
    assert [setting.name for _, setting in found] == ["greedy", "t0.2", "t0.8"]
    assert [record["task_id"] for record in found["own", GREEDY]] == SLUGS


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (FORMS["ours"][:1], "no program for 1 of the 2 problems of own: HumanEval/1"),
        ([*FORMS["ours"], {"task_id": "Other/1", "program": ""}], "no benchmark has: Other/1"),
        ([*FORMS["ours"], {"task_id": "HumanEval/0"}], "line 3: not a candidate"),
        ([], "no program for any"),
        ([{**FORMS["ours"][0], "temperature": "hot"}], "line 1: temperature"),
    ],
)
def test_a_file_that_would_give_a_wrong_rate_is_refused(rows, says, benchmark, tmp_path):
    path = write(tmp_path / "given.jsonl", rows)

    with pytest.raises(errors.InvalidInput, match=says):
        given.read(path, None, [benchmark])


def test_a_file_with_a_bad_problem_is_not_evaluated_in_part(tmp_path):
    good = {"slug": "a", "prompt": "", "entry_point": "f", "tests": [{"kind": "call", "args": []}]}
    assert len(importers.every_problem(write(tmp_path / "good", [good]))) == 1
    for rows, says in (
        ([good, {"slug": "b"}], "line 2"),
        ([good, good], "already"),
        ([], "no prob"),
    ):
        with pytest.raises(errors.InvalidInput, match=says):
            importers.every_problem(write(tmp_path / "bad", rows))


@pytest.mark.parametrize(
    ("chosen", "wanted"),
    [
        ({}, ["a", "b", "c"]),
        ({"levels": ["HARD"]}, ["b"]),
        ({"after": date(2024, 1, 1)}, ["b", "c"]),
        ({"after": date(2023, 12, 31), "before": date(2024, 6, 1)}, ["a", "b"]),
        ({"without": ["LiveCodeBench/b"]}, ["a", "c"]),
        ({"without": ["b"]}, "no problem b to leave out"),
        ({"release": "v1"}, "release v1 has 400 problems, the file only 3"),
        ({"release": "v0"}, "no release 'v0'; there are: v1, v2"),
        ({"levels": ["easy", "none"]}, "no level 'none'; there are: easy, hard"),
        ({"after": date(2025, 1, 1)}, "is left"),
        ({"benchmark": "humaneval"}, "problems of LiveCodeBench, and not of humaneval"),
        ({"benchmark": "huh"}, "no benchmark is known as 'huh'"),
    ],
)
def test_problems_of_a_benchmark_are_chosen_by_level_date_and_release(chosen, wanted, tmp_path):
    rows = [
        {
            "question_id": name,
            "question_content": "Add.",
            "difficulty": level,
            "contest_date": day,
            "public_test_cases": [{"input": "1", "output": "1", "testtype": "stdin"}],
        }
        for name, level, day in (
            ("a", "easy", "2024-01-01T00:00:00"),
            ("b", "hard", "2024-05-31"),
            ("c", "easy", "2024-06-01 10:00:00"),
        )
    ]
    path = write(tmp_path / "lcb.jsonl", rows)
    asked = BenchmarkPlan.model_validate({"problems": path, **chosen})

    if isinstance(wanted, str):
        with pytest.raises(errors.InvalidInput, match=wanted):
            benchmarks.opened("lcb", asked)
        return

    found = benchmarks.opened("lcb", asked)
    assert [item.slug for item in found.items] == [f"LiveCodeBench/{name}" for name in wanted]
    assert [problem.slug for problem in found.problems] == [item.slug for item in found.items]
    assert found.items[0].level in ("easy", "hard")


@pytest.mark.data
def test_published_benchmarks_say_their_levels_and_flaws(data_dir):
    leetcode = data_dir / "suites/leetcode.as_published.jsonl.gz"
    hard = BenchmarkPlan(problems=leetcode, levels=("hard",))

    found = benchmarks.opened("leetcode", hard)
    every = benchmarks.opened("any", BenchmarkPlan(problems=leetcode))
    human_eval = benchmarks.opened(
        "humaneval", BenchmarkPlan(problems=data_dir / "HumanEval.jsonl.gz")
    )

    assert {item.level for item in every.items} == {"Easy", "Medium", "Hard"}
    assert [item for item in every.items if item.level == "Hard"] == list(found.items)
    assert sum(bool(item.flaw) for item in human_eval.items) == 3
    assert len(human_eval.items) == known()["humaneval"].problems


@pytest.mark.data
def test_published_verdicts_of_codereval_give_the_rates_of_each_level(data_dir):
    path = data_dir / "codereval/results_python_sample.jsonl.gz"

    items, rows = published.read(path)["codereval"]

    by_level = defaultdict(list)
    for line in gzip.decompress(path.read_bytes()).splitlines():
        record = json.loads(line)
        good = [entry["is_pass"] for entry in record["generate_results"]]
        by_level[record["level"]].append((len(good), sum(good)))
    assert len(by_level) == 6
    for level, counted in by_level.items():
        slugs = [item.slug for item in items if item.level == level]
        passed = [
            [row["label"] == "all_pass" for row in rows if row["task_id"] == slug] for slug in slugs
        ]
        counts = [Count(len(one), sum(one)) for one in passed]
        assert [tuple(count) for count in counts] == counted
        by_hand = sum(c / n for n, c in counted) / len(counted)
        assert over_problems(counts, 1).mean == pytest.approx(by_hand, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "wanted"),
    [
        (
            [
                {"task_id": "HumanEval/0", "completion": "", "result": "passed", "passed": True},
                {
                    "task_id": "HumanEval/0",
                    "completion": "",
                    "result": "timed out",
                    "passed": False,
                },
            ],
            {"humaneval": ["all_pass", "failed"]},
        ),
        (
            [
                {
                    "eval": {
                        "Mbpp/2": [
                            {"base_status": "pass", "plus_status": "fail"},
                            {"base_status": "pass", "plus_status": "pass"},
                        ]
                    }
                }
            ],
            {"mbpp": ["all_pass", "all_pass"], "mbpp_plus": ["failed", "all_pass"]},
        ),
        (
            [{"eval": {"BigCodeBench/0": [{"status": "timeout"}, {"status": "pass"}]}}],
            {"bigcodebench": ["failed", "all_pass"]},
        ),
        (
            [{"question_id": "a", "code_list": ["", ""], "graded_list": [True, False]}],
            {"livecodebench": ["all_pass", "failed"]},
        ),
        ([{"task_id": "HumanEval/0", "label": "partial_pass"}], {"humaneval": ["partial_pass"]}),
        ([{"eval": {"HumanEval/0": {"nfiles": 1, "base": [["pass", []]]}}}], None),
        ([{"task_id": "HumanEval/0", "passed": "yes"}], None),
        ([{"task_id": "HumanEval/0", "label": None}], None),
        ([], None),
    ],
)
def test_results_of_other_tools_are_read_as_they_are(rows, wanted, tmp_path):
    path = write(tmp_path / "results.jsonl", rows)

    if wanted is None:
        with pytest.raises(errors.InvalidInput, match="result"):
            published.read(path)
        return

    found = published.read(path)
    assert {name: [row["label"] for row in of] for name, (_, of) in found.items()} == wanted


def test_a_plan_names_files_beside_it_and_is_refused_where_it_cannot_be_done(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text(
        "samples = 200\nk = [1, 100]\ntemperatures = [0.2, 0.8]\ntop_p = [0.9, 1.0]\n"
        "[models.small]\nmodel = 'student'\ncutoff = 2024-01-31\n"
        "[benchmarks.own]\nproblems = 'problems.jsonl'\nafter = 2024-02-01\n"
    )

    made = plan.made(plan.read(path))

    samplings = list(made.samplings(PAPER, ("\ndef",)))
    names = [how.setting.name for how in samplings]
    assert names == ["greedy", "t0.2_p0.9", "t0.2", "t0.8_p0.9", "t0.8"]
    assert [how.samples for how in samplings] == [1, 200, 200, 200, 200]
    assert made.benchmarks["own"].problems == tmp_path / "problems.jsonl"
    assert {how.stop for how in samplings} == {()}
    twice = made.model_copy(update={"seeds": (0, 3)}).samplings(PAPER)
    assert [how.folder for how in twice][:3] == ["greedy", "t0.2_p0.9", "t0.2_p0.9_s3"]
    raw = plan.made({"models": {"a": {"model": "x", "prompt_form": "raw"}}, "stop": ["#"]})
    assert {how.stop for how in raw.samplings(raw.models["a"].prompt_form, ("\ndef",))} == {
        ("#", "\ndef")
    }
    for wrong in (
        {"models": {}},
        {"models": {"a/b": {"model": "x"}}},
        {"models": {"a": {}}},
        {"models": {"a": {"model": "x", "candidates": "y"}}},
        {"models": {"a": {"model": "x", "version": 1}}},
        {"models": {"a": {"policy": "p"}}, "seeds": []},
        {"models": {"a": {"endpoint": "e"}}, "samples": 5},
        {"models": {"a": {"model": "x"}}, "samples": 5},
        {"models": {"a": {"model": "x"}}, "samples": 0, "greedy": False},
        {"models": {"a": {"model": "x"}}, "unknown": 1},
    ):
        with pytest.raises(errors.InvalidInput, match="the plan"):
            plan.made(wrong)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a=b/c.jsonl", ("a", "b/c.jsonl")),
        ("b/Human Eval.jsonl.gz", ("Human-Eval", "b/Human Eval.jsonl.gz")),
        ("/p/a=b/student", ("student", "/p/a=b/student")),
        ("org/model-1.5B", ("model-1.5B", "org/model-1.5B")),
    ],
)
def test_what_is_given_without_a_name_is_called_as_its_file(text, wanted):
    assert plan.named(text) == wanted
