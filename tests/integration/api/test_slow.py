"""What took the executors' time: problems, models and tests, those that hang first."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import func, text, update
from sqlalchemy.exc import OperationalError

from executor.judging.verdicts import label_of
from infra.contracts.base import Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.execution import ExecutionResult, ExecutionResults, TestResult, Usage, Verdict
from infra.db.tables import CandidateRow
from ranker import records
from ranker.ranking import Rules
from services.api.problem_details import unavailable


@pytest.fixture
def executed(client, database, problem):
    """Record executions of a new problem: for each a model, its tests and its wall seconds."""

    def make(slug, *entries):
        stored = client.add_problem(problem.model_copy(update={"slug": slug}))
        candidates = tuple(
            NewCandidate(author="student", program=f"{slug} {number}", model=model)
            for number, (model, _, _) in enumerate(entries)
        )
        group = client.create_group(stored.id, NewGroup(candidates=candidates))
        results = tuple(
            ExecutionResult(
                candidate_id=candidate.id,
                attempt=1,
                verdict=Verdict(
                    label=label_of([outcome for outcome, _ in tests]),
                    tests=tuple(
                        TestResult(outcome=outcome, cpu_seconds=cpu, wall_seconds=cpu)
                        for outcome, cpu in tests
                    ),
                    usage=Usage(cpu_seconds=sum(cpu for _, cpu in tests), wall_seconds=wall),
                    sandbox="test",
                ),
            )
            for candidate, (_, tests, wall) in zip(
                client.candidates(group.id), entries, strict=True
            )
        )
        with database.unit_of_work() as work:
            records.record_results(work, ExecutionResults(results=results), Rules())

    return make


HANG, PASS = (Outcome.TIME_LIMIT_EXCEEDED, 10.0), (Outcome.PASSED, 0.5)


def test_what_hangs_comes_first_with_what_a_calibrated_limit_saves(http, executed):
    executed("test/slow", ("calm", [(Outcome.PASSED, 30.0)] * 2, 60.0))
    executed("test/hangs", ("wild", [PASS, HANG], 11.0), ("calm", [PASS, PASS], 1.0))
    executed("test/never", ("wild", [HANG, (Outcome.NOT_RUN, 0.0)], 10.0))

    found = http.get("/v1/slow").json()

    assert [(one["problem"], one["hangs"], one["hang_seconds"]) for one in found["problems"]] == [
        ("test/hangs", 1, 11.0),
        ("test/never", 1, 10.0),
        ("test/slow", 0, 0.0),
    ]
    # Four times half a second is two; where no program passes there is nothing to go by.
    assert [one["saved_seconds"] for one in found["problems"]] == [5.0, None, 0.0]
    assert [(one["model"], one["slot_seconds"]) for one in found["models"]] == [
        ("wild", 21.0),
        ("calm", 61.0),
    ]
    assert [(one["problem"], one["test"]) for one in found["tests"]] == [
        ("test/hangs", "2"),
        ("test/never", "1"),
    ]
    assert found["total"] == {
        "executions": 4, "slot_seconds": 82.0, "cpu_seconds": 81.5, "hangs": 2,
        "hang_seconds": 21.0,
    }  # fmt: skip
    assert found["is_complete"] is True


def test_what_is_older_is_not_counted(http, executed, database):
    executed("test/old", ("old", [PASS, HANG], 11.0))
    executed("test/new", ("wild", [PASS, PASS], 1.0))
    with database.unit_of_work() as work:
        old = update(CandidateRow).where(CandidateRow.model == "old")
        work.session.execute(old.values(labelled_at=func.now() - timedelta(hours=2)))

    found = http.get("/v1/slow", params={"hours": 1, "limit": 1}).json()

    assert [one["problem"] for one in found["problems"]] == ["test/new"]
    assert found["tests"] == []
    assert http.get("/v1/slow", params={"hours": 0}).status_code == 422


def test_the_command_shows_it(rrtf, executed):
    executed("test/hangs", ("wild", [PASS, HANG], 11.0))

    shown = rrtf("status", "--slow")
    data = rrtf("status", "--slow", "--json")

    assert "1 executions since" in shown.stdout
    assert "100% of it for 1 that hang" in shown.stdout
    assert json.loads(data.stdout)["models"][0]["model"] == "wild"


def test_what_takes_postgres_too_long_is_not_told_as_postgres_being_away(database):
    with database.reading() as session:
        session.execute(text("SET LOCAL statement_timeout = 1"))
        with pytest.raises(OperationalError) as stopped:
            session.execute(text("SELECT pg_sleep(60)"))

    answer = unavailable(stopped.value)
    assert answer.status_code == 503
    assert b"ask for less" in answer.body
