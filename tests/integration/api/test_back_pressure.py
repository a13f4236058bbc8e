"""Bulk submissions, full queues, and what was set aside."""

import json

import httpx
import pytest
from sqlalchemy import update

from infra import errors
from infra.contracts.api import BulkGroup, NewApiKey, QuarantineKind, Scope
from infra.contracts.base import (
    Author,
    CandidateState,
    GroupState,
    Label,
    Outcome,
    SampleState,
)
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.execution import ExecutionFailure, ExecutionResults
from infra.db.tables import SampleRequestRow
from infra.messaging import Task
from ranker import batches, records
from ranker.ranking import Rules
from services.api.app import create_app
from services.client import Client
from tests.serving import served


@pytest.fixture
def small(database, redis_url, monkeypatch):
    """The address of a server that lets 10 candidates wait, 6 of one key."""
    monkeypatch.setattr("services.api.backlog._FRESH_SECONDS", 0.0)
    monkeypatch.setattr("services.api.backlog._SHARE", 0)
    app = create_app(
        database, redis_url, "secret-key", 200_000, max_waiting=10, max_waiting_per_key=6
    )
    with served(app, lifespan="off") as url:
        yield url


def students(*programs):
    return tuple(NewCandidate(author=Author.STUDENT, program=program) for program in programs)


def post(url, path, count, key="secret-key"):
    body = {"candidates": [{"author": "student", "program": f"x = {n}"} for n in range(count)]}
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.post(f"{url}{path}", json=body, headers=headers)


def test_a_full_queue_is_said_and_nothing_is_stored(small, client, problem, is_problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    assert post(small, path, 5).status_code == 202

    refused = post(small, path, 2)

    is_problem(refused, 429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(list(client.groups())) == 1
    assert post(small, path, 1).status_code == 202


def test_one_key_does_not_take_all_the_room(small, client, problem, is_problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    mine = client.create_key(NewApiKey(name="mine", scopes=frozenset({Scope.SUBMIT}))).key

    assert post(small, path, 6).status_code == 202
    assert post(small, path, 4, mine).status_code == 202
    is_problem(post(small, path, 1, mine), 429, "queue_full")


def test_what_is_asked_of_a_sampler_counts_too(small, client, problem, is_problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    plan = {"author": "student", "backend": "replay", "num_samples": 6}
    headers = {"Authorization": "Bearer secret-key"}
    asked = httpx.post(f"{small}{path}", json={"samples": [plan]}, headers=headers)
    assert asked.status_code == 202

    is_problem(post(small, path, 1), 429, "queue_full")


def test_room_comes_back_with_the_labels(small, client, problem, database, results_for):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    group_id = post(small, path, 6).json()["id"]
    with Client(small, "secret-key", waits_for_room=False) as impatient:
        with pytest.raises(errors.QueueFull, match="6 candidates of this API key"):
            impatient.create_group(
                client.find_problem(problem.slug).id, NewGroup(candidates=students("y"))
            )
        outcomes = {one.id: [Outcome.PASSED] * 2 for one in client.candidates(group_id)}
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())

        impatient.create_group(
            client.find_problem(problem.slug).id, NewGroup(candidates=students("y"))
        )


def test_a_group_larger_than_the_limit_is_taken_when_nothing_waits(small, client, problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"

    assert post(small, path, 20).status_code == 202
    assert post(small, path, 1).status_code == 429


def test_many_groups_come_in_one_request(client, problem, dispatch, sent):
    stored = client.add_problem(problem)
    plan = SamplePlan(author=Author.TEACHER, backend="replay", num_samples=2)

    result = client.create_groups(
        [
            BulkGroup(problem=problem.slug, candidates=students("a", "a", "b\x00\ud800")),
            BulkGroup(problem="none", candidates=students("c")),
            BulkGroup(problem=str(stored.id), candidates=students("d"), samples=(plan,)),
        ]
    )

    first, unknown, second = result.outcomes
    assert unknown.id is None
    assert "'none'" in unknown.error
    assert {group.id for group in client.groups()} == {first.id, second.id}
    rows = client.candidates(first.id)
    assert [row.position for row in rows] == [0, 1, 2]
    assert [row.duplicate_of for row in rows] == [None, rows[0].id, None]
    dispatch()
    programs = [p.source for m in sent.of(Task.EXECUTE_SLICE) for p in m.programs]
    assert programs == ["a", "b\x00\ud800", "d"]
    assert len(sent.of(Task.SAMPLE_GROUP)) == 1


def test_a_bulk_request_with_a_bad_group_stores_nothing(http, client, problem, is_problem):
    client.add_problem(problem)
    good = {"problem": problem.slug, "candidates": [{"author": "student", "program": "x"}]}
    for bad in (
        {**good, "candidates": []},
        {**good, "metadata": {"x": "\ud800"}},
        {**good, "candidates": [{"author": "student", "program": "x", "model": "\x00"}]},
    ):
        response = http.post(
            "/v1/groups/bulk",
            content=json.dumps({"groups": [good, bad]}),
            headers={"Content-Type": "application/json"},
        )
        is_problem(response, 422, "invalid_input")

    assert list(client.groups()) == []


@pytest.fixture
def poisoned(client, problem, database, results_for):
    """A ranked group whose third program, submitted twice, was set aside."""
    stored = client.add_problem(problem)
    programs = students("good", "bad", "poison", "poison")
    group_id = client.create_group(stored.id, NewGroup(candidates=programs)).id
    good, bad, poison, _ = client.candidates(group_id)
    failure = ExecutionFailure(candidate_id=poison.id, attempt=1, reason="no cell", permanent=True)
    outcomes = {good.id: [Outcome.PASSED] * 2, bad.id: [Outcome.WRONG_ANSWER] * 2}
    with database.unit_of_work() as work:
        records.record_results(work, ExecutionResults(failures=(failure,)), Rules())
        records.record_results(work, results_for(outcomes), Rules())
    assert client.get_group(group_id).state is GroupState.RANKED
    return group_id


def test_poison_is_listed_with_its_reason_and_may_be_released(
    client, poisoned, dispatch, sent, database, results_for
):
    listed = list(client.quarantine(QuarantineKind.CANDIDATE))
    assert [(item.group_id, item.reason) for item in listed] == [(poisoned, "no cell")] * 2

    # One of two like programs is enough; they have one label.
    released = client.release(QuarantineKind.CANDIDATE, [listed[1].id])

    assert set(released.released) == {item.id for item in listed}
    assert client.get_group(poisoned).state is GroupState.OPEN
    sent.messages.clear()
    dispatch()
    (request,) = sent.of(Task.EXECUTE_SLICE)
    assert [p.source for p in request.programs][-1] == "poison"
    outcomes = {listed[0].id: [Outcome.PASSED, Outcome.WRONG_ANSWER]}
    with database.unit_of_work() as work:
        assert records.record_results(work, results_for(outcomes), Rules()) == [poisoned]
    labels = [row.label for row in client.candidates(poisoned)]
    assert labels[2:] == [Label.PARTIAL_PASS] * 2
    assert list(client.quarantine(QuarantineKind.CANDIDATE)) == []


def test_what_was_trained_without_it_is_not_opened_again(
    client, problem, database, make_group, results_for
):
    group_id = make_group(("teacher", "good"), ("student", "bad"), ("student", "poison"))
    good, bad, poison = client.candidates(group_id)
    failure = ExecutionFailure(candidate_id=poison.id, attempt=1, reason="x", permanent=True)
    outcomes = {good.id: [Outcome.PASSED] * 2, bad.id: [Outcome.NOT_RUN] * 2}
    with database.unit_of_work() as work:
        records.record_results(work, ExecutionResults(failures=(failure,)), Rules())
        records.record_results(work, results_for(outcomes), Rules())
        assert batches.form(work, 1) == 1

    with pytest.raises(errors.Conflict, match="new group"):
        client.release(QuarantineKind.CANDIDATE, [poison.id])

    (still,) = client.quarantine(QuarantineKind.CANDIDATE)
    assert still.id == poison.id
    assert client.candidates(group_id)[2].state is CandidateState.QUARANTINED


def test_samples_that_nobody_answered_may_be_asked_for_again(client, problem, database, dispatch):
    plan = SamplePlan(author=Author.STUDENT, backend="replay", num_samples=1)
    group_id = client.create_group(client.add_problem(problem).id, NewGroup(samples=(plan,))).id
    with database.unit_of_work() as work:
        work.session.execute(
            update(SampleRequestRow).values(state=SampleState.QUARANTINED, reason="away")
        )
    (listed,) = client.quarantine(QuarantineKind.SAMPLE_REQUEST)
    assert (listed.group_id, listed.reason) == (group_id, "away")

    released = client.release(QuarantineKind.SAMPLE_REQUEST, [listed.id])

    assert released.released == (listed.id,)
    assert dispatch()
    assert list(client.quarantine(QuarantineKind.SAMPLE_REQUEST)) == []


def test_releasing_what_is_not_set_aside_changes_nothing(client, make_group):
    (one,) = client.candidates(make_group(("student", "x")))

    for kind in QuarantineKind:
        assert client.release(kind, [one.id]).released == ()
    assert list(client.quarantine(QuarantineKind.TRAINING_BATCH)) == []


def test_a_key_that_asks_too_often_is_told_when_to_come_again(database, redis_url, is_problem):
    app = create_app(database, redis_url, "k", 10_000, max_rate=0.5)
    headers = {"Authorization": "Bearer k"}
    with (
        served(app, lifespan="off") as url,
        httpx.Client(base_url=url, headers=headers) as http,
    ):
        allowed = [http.get("/v1/stats").status_code for _ in range(5)]
        refused = http.get("/v1/stats")
        open_to_all = http.get("/healthz")

    assert allowed == [200] * 5
    is_problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert open_to_all.status_code == 200
