"""What a candidate, a model or a file says, in the output of every command that shows it."""

import json

import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from infra.contracts.base import CandidateState, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.db.tables import CandidateRow
from ranker import records
from ranker.ranking import Rules
from services.cli.main import app

UNSEEN = "\x1b[2J\x1b]0;t\x07\r\u202e\u2066\u200b\x9b\x7f"
HOSTILE = f"{UNSEEN}[red]no[/red][link=http://evil]x[/link]"
SHOWN = "␛[2J␛]0;t␇␍<U+202E><U+2066><U+200B><U+009B>␡[red]no[/red][link=http://evil]x[/link]"


@pytest.fixture
def rrtf(api, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", api)
    monkeypatch.setenv("RRTF_CLIENT_KEY", "secret-key")
    monkeypatch.setenv("COLUMNS", "600")

    def run(*words):
        ended = CliRunner().invoke(app, [str(word) for word in words])
        # Nothing but what is printable, and the ends of lines.
        assert ended.output.replace("\n", "").replace("\t", "").isprintable()
        return ended

    return run


@pytest.fixture
def group(client, problem):
    stored = client.add_problem(problem)
    candidates = tuple(
        NewCandidate(author=author, program=author, model=HOSTILE)
        for author in ("teacher", "student")
    )
    return client.create_group(stored.id, NewGroup(candidates=candidates))


@pytest.fixture
def ranked(group, client, database, results_for):
    good, bad = (item.id for item in client.candidates(group.id))
    outcomes = {good: [Outcome.PASSED] * 2, bad: [Outcome.WRONG_ANSWER, Outcome.RUNTIME_ERROR]}
    results = results_for(outcomes)
    changed = []
    for result in results.results:
        tests = tuple(test.model_copy(update={"detail": HOSTILE}) for test in result.verdict.tests)
        verdict = result.verdict.model_copy(update={"tests": tests, "stdout": HOSTILE})
        changed.append(result.model_copy(update={"verdict": verdict}))
    with database.unit_of_work() as work:
        records.record_results(
            work, results.model_copy(update={"results": tuple(changed)}), Rules()
        )
    return group


def test_a_shown_group_says_models_and_failures_as_text(rrtf, ranked):
    table = rrtf("show", ranked.id)
    data = json.loads(rrtf("show", ranked.id, "--json").stdout)

    assert table.stdout.count(SHOWN) == 3  # Two models, and one first failure.
    assert data["candidates"][0]["model"] == HOSTILE


def test_what_is_quarantined_is_told_with_its_reason_as_text(rrtf, group, database):
    with database.unit_of_work() as work:
        work.session.execute(
            update(CandidateRow).values(
                state=CandidateState.QUARANTINED, reason=HOSTILE, attempts=3
            )
        )

    told = rrtf("quarantine")

    assert told.stdout.count(SHOWN) == 2


@pytest.mark.parametrize("command", ["import", "submit"])
def test_bad_lines_of_a_file_are_told_as_text(rrtf, tmp_path, command):
    path = tmp_path / "file.jsonl"
    path.write_text(json.dumps({"task_id": HOSTILE, "program": "x", "slug": HOSTILE}) + "\n{x")

    told = rrtf(command, path)
    as_json = rrtf(command, path, "--json")

    assert told.exit_code == as_json.exit_code == 1
    assert told.stderr.count("line ") >= 1
    assert json.loads(as_json.stdout)["bad"]


def test_a_name_that_is_none_is_told_as_text(rrtf):
    told = rrtf("show", HOSTILE)

    assert told.exit_code == 1
    assert "␛" in told.stderr or "\\x1b" in told.stderr
