"""What an evaluation writes of results that were found elsewhere."""

import json

import pytest

from infra import errors
from services.evaluation import cases, plan, running, tables, writing
from services.evaluation.benchmarks import Item
from services.evaluation.comparing import of_folders
from services.evaluation.folder import Folder, write_lines
from services.evaluation.plan import Setting
from services.evaluation.trained import problems_met

HOSTILE = "LiveCodeBench/<script>alert(1)</script> | `x`"
GIVEN = {
    "old": {"a": [True, True], "b": [True, False], "c": [False, False], "d": [False, False]},
    "new": {"a": [True, True], "b": [True, True], "c": [True, False], "d": [False, False]},
}
DATES = {"a": "2024-01-05", "b": "2024-03-05", "c": "2024-05-05", "d": "2024-07-05"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluation")
    models = {}
    for model, found in GIVEN.items():
        rows = [
            {
                "question_id": HOSTILE.partition("/")[2] if name == "d" else name,
                "graded_list": passed,
                "contest_date": DATES[name],
                "difficulty": "hard" if name > "b" else "easy",
            }
            for name, passed in found.items()
        ]
        path = folder / f"{model}.json"
        path.write_text(json.dumps(rows))
        models[model] = {"verdicts": path, "cutoff": "2024-04-01"}
    made = plan.made({"models": models, "k": [1, 2]})
    root = folder / "out"
    running.Run(made, root, None, 0, lambda *_: None).run()
    return root, writing.write(root, made.k)


def test_rates_are_given_by_level_and_around_the_end_of_the_training_data(out):
    _, evaluation = out

    table = tables.parts(evaluation, "livecodebench")

    assert table.head == ("pass@1", "easy", "hard", "after 2024-04-01", "until 2024-04-01")
    for row, rates in zip(
        table.rows, ("100.0% 25.0% 25.0% 100.0%", "75.0% 0.0% 0.0% 75.0%"), strict=True
    ):
        assert [cell.split()[0] for cell in row[1:]] == rates.split()
    head, *_, again = tables.rates(evaluation, "livecodebench", (1, 2)).head
    assert (head, again) == ("", "another run's pass@1")


def test_rates_are_given_of_problems_that_training_data_hold_and_of_others(tmp_path):
    rows = [{"task_id": f"HumanEval/{number}", "passed": number < 3} for number in range(5)]
    write_lines(tmp_path / "model.jsonl", rows)
    hits = [{"dataset": "any", "problem": f"HumanEval/{n}", "method": "ngram"} for n in (0, 1)]
    write_lines(tmp_path / "found.jsonl", [{"line": 7, "name": "x", "hits": hits}])
    (tmp_path / "none.jsonl").write_text("")
    models = {
        "leaky": {"contamination": tmp_path / "found.jsonl"},
        "spotless": {"contamination": tmp_path / "none.jsonl"},
        "unknown": {},
    }
    models = {name: {"verdicts": tmp_path / "model.jsonl"} | of for name, of in models.items()}
    made = plan.made({"models": models, "k": [1]})
    running.Run(made, tmp_path / "out", None, 0, lambda *_: None).run()

    evaluation = writing.write(tmp_path / "out", made.k)

    table = tables.parts(evaluation, "humaneval")
    assert table.head == ("pass@1", "met in training", "not met in training")
    of = {
        row[0].partition(",")[0]: [cell.split()[0] for cell in row[1:] if cell]
        for row in table.rows
    }
    assert of == {"leaky": ["100.0%", "33.3%"], "spotless": ["60.0%"], "unknown": []}
    cells = json.loads((tmp_path / "out/evaluation.json").read_text())["cells"]
    assert {one["model"]: one["met_in_training"] for one in cells} == {
        "leaky": ["HumanEval/0", "HumanEval/1"], "spotless": [], "unknown": None,
    }  # fmt: skip
    with pytest.raises(errors.InvalidInput, match="is no report of `rrtf decontaminate`"):
        problems_met(tmp_path / "model.jsonl")


def test_labels_are_counted_in_the_text_too(out):
    _, evaluation = out

    table = tables.labels(evaluation, "livecodebench")

    assert table.head == ("programs", "all_pass", "failed")
    assert table.rows == (
        ("new, given", "5 (62.5%)", "3 (37.5%)"), ("old, given", "3 (37.5%)", "5 (62.5%)"),
    )  # fmt: skip


def test_what_one_alone_solves_and_what_nobody_solves_is_named(out):
    _, evaluation = out

    assert [
        (one.item.slug, one.model, one.right) for one in cases.alone(evaluation, "livecodebench")
    ] == [("LiveCodeBench/c", "new", 1)]
    (unsolved,) = cases.unsolved(evaluation, "livecodebench")
    assert (unsolved.item.slug, unsolved.failure, unsolved.nearest) == (HOSTILE, None, ())
    difference = tables.differences(evaluation, "livecodebench").rows
    assert difference[0][0] == "new, given over old"
    assert difference[0][2:] == ("2", "0", "")


def test_names_from_outside_are_text_and_nothing_else(out):
    root, _ = out

    page, text = (root / "report.html").read_text(), (root / "report.md").read_text()

    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page
    assert "src=" not in page
    assert "\n* LiveCodeBench/\\<script\\>alert(1)\\</script\\> \\| \\`x\\`" in text


def test_many_programs_are_compared_by_their_shares(out):
    root, _ = out

    (found,) = of_folders(root / "models/old", root / "models/new")

    assert [(change.slug, change.before, change.after) for change in found.changes] == [
        ("LiveCodeBench/b", 0.5, 1.0),
        ("LiveCodeBench/c", 0.0, 0.5),
    ]
    assert (found.won, found.lost, found.p) == (2, 0, None)
    assert found.difference.mean == pytest.approx(0.25)


def test_seeds_are_one_row_and_models_are_compared_over_those_they_share(tmp_path):
    folder, drawn = Folder(tmp_path), Setting(temperature=0.8)
    folder.write_items("own", [Item(slug="a"), Item(slug="b")])
    right = {"old": {0: "ab", 1: ""}, "new": {1: "ab", 2: "ab"}, "other": {7: "a"}}
    for model, by_seed in right.items():
        for seed, good in by_seed.items():
            cell = folder.cell(model, "own", f"t0.8_s{seed}" if seed else "t0.8")
            cell.begin({"sampling": {"seed": seed}}, drawn)
            labels = [
                {"task_id": slug, "label": "all_pass" if slug in good else "compile_error"}
                for slug in "aabb"
            ]
            write_lines(cell.labels, labels)

    evaluation = writing.write(tmp_path, (1, 2))

    (old,) = evaluation.of("own", "old")
    assert (old.seeds, old.fewest, old.counts["a"]) == ((0, 1), 2, (4, 2))
    assert old.pass_at(1) == (0.5, 0.0, 1.0)
    assert [one.place for one in old.judged["b"]] == [2, 3, 6, 7]
    row = tables.rates(evaluation, "own", (1, 2)).rows[1]
    assert row[:2] == ("old, t0.8", "2, 2 seeds")
    models = tmp_path / "models"
    (found,) = of_folders(models / "old", models / "new")
    assert (found.before.mean, found.after.mean, found.won) == (0.0, 1.0, 2)
    with pytest.raises(errors.InvalidInput, match="no seed in common"):
        of_folders(models / "old", models / "other")
    assert tables.differences(evaluation, "own") is not None
