"""`rrtf export` and what it reads: ranked data in the shapes of TRL, loaded by `datasets`."""

import json

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from infra import errors, intake
from infra.contracts.base import Author, Integrity, Label, Outcome, SkipReason
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.db.tables import CheckpointRow, ExecutionRow
from infra.printable import counted
from ranker import records
from ranker.ranking import Rules
from services.cli.main import app
from services.exports.shapes import Shape
from services.exports.wanted import Wanted
from services.exports.writing import Format
from services.exports.writing import export as write_export

P, W, E = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR
ODD = "x = 'ü\ud800'"
"""Not every program is text."""


@pytest.fixture
def ranked(client, database, make_group, results_for):
    """Three ranked groups: two pairs, none because the teacher is worse, none for want of one."""

    def rank(*programs, **fields):
        group_id = make_group(*[(author, text) for author, text, _ in programs], **fields)
        ids = [item.id for item in client.candidates(group_id)]
        outcomes = {
            candidate_id: [outcome, outcome]
            for candidate_id, (_, _, outcome) in zip(ids, programs, strict=True)
        }
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())
        return group_id

    return [
        rank(("student", "wrong", W), ("teacher", "right", P), ("student", ODD, E)),
        rank(("teacher", "worse", E), ("student", "better", P), policy="other"),
        rank(("student", "alone", E)),
    ]


@pytest.fixture
def export(api, monkeypatch, tmp_path):
    monkeypatch.setenv("RRTF_CLIENT_URL", api)
    monkeypatch.setenv("RRTF_CLIENT_KEY", "secret-key")
    out = tmp_path / "out"

    def run(*words):
        return CliRunner().invoke(app, ["export", str(out), *words]), out

    return run


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_ranked_groups_are_listed_whole(client, ranked):
    first, second, third = client.ranked_groups()

    assert [group.group_id for group in (first, second, third)] == ranked
    assert [response.program for response in first.responses] == ["right", "wrong", "x = 'ü?'"]
    assert [pair[:2] for pair in first.pairs] == [(0, 1), (0, 2)]
    assert (first.best, first.skip_reason, first.policy) == (0, None, "default")
    assert (second.pairs, second.skip_reason) == ((), SkipReason.TEACHER_BELOW_STUDENT)
    assert third.responses[0].label is Label.RUNTIME_ERROR
    assert [group.group_id for group in client.ranked_groups("other")] == ranked[1:2]


def test_pairs_become_preferences(export, ranked):
    result, out = export()

    assert result.exit_code == 0
    done, below, alone = result.stdout.splitlines()
    assert done == f"2 rows of 3 ranked groups in {out}/data/train.jsonl"
    assert below.startswith("no pairs in 1 group, teacher_below_student: ask a better teacher")
    assert alone.startswith("no pairs in 1 group, too_few_candidates: give at least two")
    first, second = lines(out / "data/train.jsonl")
    assert (first["prompt"], first["chosen"], first["rejected"]) == (
        "def add(a, b):\n", "right", "wrong",
    )  # fmt: skip
    assert (second["rejected"], second["rejected_label"]) == ("x = 'ü?'", "runtime_error")
    assert second["margin"] > first["margin"] > 0


def test_best_programs_become_completions(export, ranked):
    _, out = export("--shape", "completion", "--policy", "default")

    (row,) = lines(out / "data/train.jsonl")
    assert (row["completion"], row["completion_label"]) == ("right", "all_pass")
    assert row["problem"] == "test/add"


@pytest.mark.parametrize("words", [("--conversational",), ("--prompt-form", "paper")])
def test_a_ranked_group_is_no_conversation_and_has_no_form(export, ranked, words):
    result, out = export("--shape", "ranked", *words)

    assert (result.exit_code, out.exists()) == (1, False)
    assert "a ranked group has texts" in result.stderr


@pytest.mark.parametrize("form", ["jsonl", "parquet"])
@pytest.mark.parametrize("shape", Shape)
@pytest.mark.filterwarnings("ignore")  # Those of what `datasets` imports.
def test_a_folder_is_loaded_by_datasets(export, ranked, form, shape, tmp_path):
    from datasets import load_dataset

    result, out = export("--shape", shape, "--format", form, "--json")
    loaded = load_dataset(str(out), split="train", cache_dir=str(tmp_path / "cache"))

    said = json.loads(result.stdout)
    assert (said["rows"], said["groups"]) == (len(loaded), 3)
    assert loaded[0]["prompt"] == "def add(a, b):\n"
    texts = {"preference": "chosen", "prompt": "prompt"}
    first = loaded[0]
    if shape is Shape.RANKED:
        assert [one["program"] for one in first["responses"]] == ["right", "wrong", "x = 'ü?'"]
    else:
        assert first[texts.get(shape, "completion")] in ("right", "def add(a, b):\n")
    card = (out / "README.md").read_text()
    assert f"{counted(said['rows'], 'row')} of 3 ranked groups" in card


def test_nothing_is_overwritten_and_nothing_empty_is_left(export, ranked):
    none, out = export("--policy", "unknown")
    assert none.exit_code == 1
    assert "none of 0 ranked groups" in none.stderr
    assert list(out.iterdir()) == []
    (out / "mine").touch()
    taken, _ = export()

    assert taken.exit_code == 1
    assert "is not empty" in taken.stderr
    assert [path.name for path in out.iterdir()] == ["mine"]


def test_what_cannot_be_written_leaves_nothing_behind(export, ranked, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    refused, out = export("--format", "parquet")
    monkeypatch.undo()

    assert refused.exit_code == 1
    assert "pyarrow" in refused.stderr
    assert not out.exists()


def test_an_export_that_breaks_off_does_not_stand_in_the_way_of_the_next(tmp_path, client, ranked):
    def breaking():
        yield next(client.ranked_groups())
        raise errors.Unavailable("gone")

    given = (tmp_path / "out", Shape.PREFERENCE, Format.JSONL, Wanted())
    with pytest.raises(errors.Unavailable):
        write_export(breaking(), *given)

    assert write_export(client.ranked_groups(), *given).rows == 2


@pytest.fixture
def of_both(client, database, make_group, results_for):
    """A group whose labels are isolated, and one with a label that is shared."""

    def rank(*integrities):
        programs = [("teacher", f"right {integrities}"), ("student", f"wrong {integrities}")]
        group_id = make_group(*programs)
        ids = [item.id for item in client.candidates(group_id)]
        found = results_for({ids[0]: [P, P], ids[1]: [W, W]})
        results = [
            one.model_copy(
                update={"verdict": one.verdict.model_copy(update={"integrity": integrity})}
            )
            for one, integrity in zip(found.results, integrities, strict=True)
        ]
        with database.unit_of_work() as work:
            records.record_results(work, found.model_copy(update={"results": results}), Rules())
        return group_id

    return (
        rank(Integrity.ISOLATED, Integrity.ISOLATED),
        rank(Integrity.ISOLATED, Integrity.SHARED),
    )


def test_groups_are_listed_by_the_integrity_of_all_their_labels(client, of_both):
    isolated, shared = of_both

    assert [(one.group_id, one.integrity) for one in client.ranked_groups()] == [
        (isolated, Integrity.ISOLATED),
        (shared, Integrity.SHARED),
    ]
    for integrity, group_id in zip(Integrity, of_both, strict=True):
        assert [one.group_id for one in client.ranked_groups(None, integrity)] == [group_id]


def test_a_label_whose_execution_is_gone_is_not_taken_for_isolated(client, database, of_both):
    with database.unit_of_work() as work:
        work.session.execute(delete(ExecutionRow))

    assert {one.integrity for one in client.ranked_groups()} == {Integrity.SHARED}


def test_labels_that_are_shared_are_left_out_of_an_export_and_counted(export, of_both):
    result, out = export("--integrity", "isolated")

    path = f"{out}/data/train.jsonl"
    left = "left out, not `isolated`: 1 group"
    assert result.stdout == f"1 row of 1 ranked group in {path}\n{left}\n"
    (row,) = lines(out / "data/train.jsonl")
    assert "SHARED" not in row["chosen"]
    assert left in (out / "README.md").read_text()


def test_an_export_says_as_data_how_many_groups_it_left_out(export, of_both):
    result, _ = export("--integrity", "isolated", "--json")

    said = json.loads(result.stdout)
    assert (said["rows"], said["groups"], said["left_out"]) == (1, 1, 1)


def test_an_export_of_nothing_says_what_was_left_out(export, of_both, database):
    with database.unit_of_work() as work:
        work.session.execute(delete(ExecutionRow))
    result, _ = export("--integrity", "isolated")

    assert result.exit_code == 1
    assert "left out, not `isolated`: 2" in result.stderr


@pytest.mark.parametrize(("share", "rows"), [(0.8, 2), (0.5, 0), ("high", 0), (None, 0)])
def test_problems_whose_tests_are_weak_or_unmeasured_are_left_out(
    client, export, ranked, problem, share, rows
):
    if share is not None:  # The problem is there already, and is measured later.
        metadata = {**problem.metadata, "strength": share}
        client.add_problem(problem.model_copy(update={"metadata": metadata}))
    measured = share if isinstance(share, float) else None
    assert {group.strength for group in client.ranked_groups()} == {measured}

    result, _ = export("--min-strength", "0.75", "--json")

    assert result.exit_code == (0 if rows else 1)
    if rows:
        assert json.loads(result.stdout)["left_out"] == 0
    else:
        assert "tests of strength below 0.75 or unknown: 3" in result.stderr


def test_texts_go_on_from_the_prompt_and_name_the_checkpoint_that_wrote_them(
    client, database, results_for, problem, export
):
    problem_id = client.add_problem(problem).id
    written = ((Author.TEACHER, "    return a + b\n"), (Author.STUDENT, "    return a\n"))
    candidates = tuple(
        NewCandidate(
            author=author,
            model=f"by-{author}",
            program=problem.prompt + text,
            completion=text if author is Author.TEACHER else None,
            policy_version=5 if author is Author.STUDENT else None,
        )
        for author, text in written
    )
    group = client.create_group(problem_id, NewGroup(candidates=candidates))
    right, wrong = (one.id for one in client.candidates(group.id))
    with database.unit_of_work() as work:
        records.record_results(work, results_for({right: [P, P], wrong: [P, W]}), Rules())
        policy = intake.policy_id(work.session, "default")
        checkpoint = CheckpointRow(policy_id=policy, version=5, path="p", sha256="0", metrics={})
        work.session.add(checkpoint)
        work.session.flush()
        checkpoint_id = checkpoint.id

    _, out = export()

    (row,) = lines(out / "data/train.jsonl")
    assert [row["prompt"], row["chosen"], row["rejected"]] == [
        problem.prompt, *(text for _, text in written),
    ]  # fmt: skip
    assert (row["chosen_id"], row["rejected_id"]) == (str(right), str(wrong))
    assert (row["chosen_model"], row["rejected_model"]) == ("by-teacher", "by-student")
    assert (row["chosen_checkpoint_id"], row["rejected_checkpoint_id"]) == ("", str(checkpoint_id))
    assert (row["chosen_pass_fraction"], row["rejected_pass_fraction"]) == (1.0, 0.5)
    assert (row["problem_id"], row["group_id"]) == (str(problem_id), str(group.id))
    assert "`min_best` is `partial_pass`, and it passes at least one test" in (
        out / "README.md"
    ).read_text().replace("\n", " ")


@pytest.mark.parametrize(
    ("words", "rows", "left"),
    [
        (["--labels", "all_pass,partial_pass"], 1, {"another label": 1}),
        (["--labels", "all_pass", "--labels", "runtime_error"], 1, {"another label": 1}),
        (["--min-gap", "0.5"], 1, {"gap below 0.5": 1}),
        (["--max-pairs-per-problem", "1"], 1, {"more than 1 pair of a problem": 1}),
        (["--since", "2020-01-01"], 2, {}),
    ],
)
def test_an_export_can_be_narrowed(export, ranked, words, rows, left):
    result, out = export(*words, "--json")

    said = json.loads(result.stdout)
    assert (said["rows"], said["reasons"]["rows"]) == (rows, left)
    card = (out / "README.md").read_text()
    for reason, count in left.items():
        assert f"* left out, {reason}: {counted(count, 'row')}" in card
    assert "* no pairs in 1 group, teacher_below_student: ask a better teacher" in card


@pytest.mark.parametrize(
    "words", [("--since", "soon"), ("--labels", "best"), ("--min-gap", "nan"), ("--min-gap", "-1")]
)
def test_a_filter_that_means_nothing_is_refused(export, words):
    result, out = export(*words)

    assert result.exit_code == 2
    assert words[0] in result.stderr
    assert not out.exists()
