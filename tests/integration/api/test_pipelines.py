"""What one command writes, the next one reads."""

import json

import httpx
import pytest

from infra.contracts.base import Author, Outcome
from infra.contracts.ranking import RankedGroup, Response
from infra.observability import logs
from infra.records import importers, samples
from infra.records.samples import NO_NAMES
from ranker import records
from ranker.ranking import Rules
from sampler import generate
from services.evolution import evolve
from services.evolution.agreed_tests import Written
from services.exports.shapes import Shape
from services.exports.wanted import Wanted
from services.exports.writing import Format
from services.exports.writing import export as write_export
from services.starter import load
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer
from trainer.offline import read_groups

P, W, E = Outcome.PASSED, Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR


@pytest.fixture
def ranked(client, database, make_group, results_for):
    """A ranked group of three programs, of which the last is below the others."""
    programs = [("student", "wrong", W), ("teacher", "right", P), ("student", "x = 'ü'", E)]
    group_id = make_group(*[(author, text) for author, text, _ in programs])
    ids = [item.id for item in client.candidates(group_id)]
    outcomes = {one: [row[2]] * 2 for one, row in zip(ids, programs, strict=True)}
    with database.unit_of_work() as work:
        records.record_results(work, results_for(outcomes), Rules())
    (group,) = client.ranked_groups()
    return group


def program_of(client, candidate):
    return client.get_candidate(candidate.id).program


def trained(group):
    """What of a group a trainer reads."""
    whole = {name: getattr(group, name) for name in RankedGroup.model_fields}
    responses = [{n: getattr(one, n) for n in Response.model_fields} for one in group.responses]
    return whole | {"responses": responses}


@pytest.mark.parametrize("form", Format)
def test_an_export_of_ranked_groups_is_what_the_trainer_reads_and_what_is_submitted(
    client, ranked, rrtf, tmp_path, form
):
    out = tmp_path / "out"
    assert rrtf("export", out, "--shape", "ranked", "--format", form).exit_code == 0

    for path in (out, out / f"data/train.{form}"):
        assert [trained(group) for group in read_groups(path)] == [trained(ranked)]
    submitted = rrtf("submit", out / f"data/train.{form}", "--policy", "again")
    assert (submitted.exit_code, submitted.stdout.partition("\n")[0]) == (
        0, "3 candidates in 1 group submitted, 0 bad",
    )  # fmt: skip
    new = max(client.groups(), key=lambda group: group.id)
    found = {(one.author, program_of(client, one)) for one in client.candidates(new.id)}
    assert found == {(one.author, one.program) for one in ranked.responses}


def test_a_page_of_the_api_is_what_the_trainer_reads(api, ranked, tmp_path):
    answer = httpx.get(
        f"{api}/v1/ranked-groups", headers={"Authorization": "Bearer secret-key"}
    ).raise_for_status()
    path = tmp_path / "page.json"
    path.write_bytes(answer.content)

    assert [trained(group) for group in read_groups(path)] == [trained(ranked)]


def test_a_group_without_some_of_its_responses_keeps_the_pairs_of_the_others(ranked, tmp_path):
    labels = frozenset(one.label for one in ranked.responses[:2])
    export = write_export(
        [ranked], tmp_path / "out", Shape.RANKED, Format.JSONL, Wanted(labels=labels)
    )

    (group,) = read_groups(export.path)
    assert [one.program for one in group.responses] == ["right", "wrong"]
    assert (group.pairs, group.best) == (ranked.pairs[:1], 0)


def test_what_evolving_writes_is_imported_and_its_teachers_programs_submitted(
    client, rrtf, tmp_path
):
    problems = load.problems()[:2]
    written = [
        Written(
            task_id=one.slug,
            model="large",
            program=program,
            finish_reason="stop",
            seed=number,
            steps=False,
        )
        for one in problems
        for number, program in enumerate((one.reference_program, "pass\n"))
    ]
    report = evolve.Report(
        seeds=2, tasks=2, problems=2, rounds=(), eliminated={}, contamination=(), tests_asked=0,
        tests_kept=0,
    )  # fmt: skip
    evolve.write(evolve.Result([], problems, written, [], [], report), tmp_path)

    assert rrtf("import", tmp_path / "problems.jsonl").exit_code == 0
    submitted = rrtf("submit", tmp_path / "candidates.jsonl", "--pairs", "all")

    assert submitted.stdout.startswith("4 candidates in 2 groups submitted, 0 bad\n")
    found = {
        (group.problem_slug, one.author, one.model, program_of(client, one))
        for group in client.groups()
        for one in client.candidates(group.id)
    }
    assert found == {(one.task_id, Author.TEACHER, "large", one.program) for one in written}


def test_samples_of_an_evaluation_are_labelled_and_submitted_with_what_wrote_them(
    client, rrtf, make_group, problem, tmp_path, monkeypatch
):
    make_group(("teacher", "x = 1"))
    monkeypatch.setattr(logs, "configure", lambda service: None)
    student, asked, out = (tmp_path / name for name in ("mine", "asked.jsonl", "sampled.jsonl"))
    small_student(257, 0, width=32, layers=1, positions=128).save_pretrained(student)
    byte_tokenizer().save_pretrained(student)
    asked.write_text(problem.model_dump_json() + "\n")
    words = ["--model", str(student), "--problems", str(asked), "--out", str(out)]
    assert generate.main([*words, "--max-tokens", "4", "--samples", "2", "--threads", "1"]) == 0
    # As a checkpoint of the suite would have it, which has a version.
    rows = [json.loads(line) | {"policy_version": 7} for line in out.read_text().splitlines()]
    out.write_text("".join(json.dumps(row) + "\n" for row in rows))

    read = [record for _, record in samples.read(out, NO_NAMES)]  # As `rrtf label` reads it.
    assert [importers.program_of(one, problem) for one in read] == [one["program"] for one in rows]
    assert rrtf("submit", out).exit_code == 0
    new = max(client.groups(), key=lambda group: group.id)
    for found, row in zip(client.candidates(new.id), rows, strict=True):
        assert (found.author, program_of(client, found), found.model) == (
            Author.STUDENT, row["program"], str(student),
        )  # fmt: skip
        assert (found.seed, found.policy_version) == (row["seed"], 7)
