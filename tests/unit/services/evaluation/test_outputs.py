"""What an evaluation writes of results that were found elsewhere."""

import json

import pytest

from services.evaluation import cases, plan, running, tables, writing
from services.evaluation.comparing import of_folders

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
