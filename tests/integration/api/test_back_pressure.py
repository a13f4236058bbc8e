"""Bulk submissions, full queues, and callers that ask too often."""

import concurrent.futures
import json
import time

import httpx
import psycopg
import pytest

from infra import errors
from infra.contracts.base import (
    Author,
    Outcome,
)
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.views.api import BulkGroup, NewApiKey, Scope
from infra.queues.messaging import Task
from ranker import records
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


def post(url, path, count, key="secret-key", once=None):
    body = {"candidates": [{"author": "student", "program": f"x = {n}"} for n in range(count)]}
    headers = {"Authorization": f"Bearer {key}"} | ({"Idempotency-Key": once} if once else {})
    return httpx.post(f"{url}{path}", json=body, headers=headers, timeout=30)


def test_a_full_queue_is_said_and_nothing_is_stored(small, client, problem, is_problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    assert post(small, path, 5).status_code == 202

    refused = post(small, path, 2)

    is_problem(refused, 429, "queue_full")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(list(client.groups())) == 1
    assert post(small, path, 1).status_code == 202


def test_a_repeat_needs_no_room(small, client, problem, is_problem):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    first = post(small, path, 5, once="again").json()["id"]

    assert post(small, path, 5, once="again").json()["id"] == first
    is_problem(post(small, path, 4, once="again"), 409, "idempotency_mismatch")
    is_problem(post(small, path, 5, once="another"), 429, "queue_full")
    assert len(list(client.groups())) == 1


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
    asked = httpx.post(f"{small}{path}", json={"samples": [plan]}, headers=headers, timeout=30)
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
            BulkGroup(problem=str(stored.id).upper(), candidates=students("e")),
        ]
    )

    first, unknown, second, third = result.outcomes
    assert unknown.id is None
    assert "'none'" in unknown.error
    assert {group.id for group in client.groups()} == {first.id, second.id, third.id}
    rows = client.candidates(first.id)
    assert [row.position for row in rows] == [0, 1, 2]
    assert [row.duplicate_of for row in rows] == [None, rows[0].id, None]
    dispatch()
    programs = [p.source for m in sent.of(Task.EXECUTE_BATCH) for p in m.programs]
    assert programs == ["a", "b\x00\ud800", "d", "e"]
    assert len(sent.of(Task.SAMPLE_GROUP)) == 1


@pytest.mark.parametrize("how", ["terminate", "cancel"])
def test_a_bulk_request_that_postgres_ends_is_sent_again(client, problem, database_url, how):
    stored = client.add_problem(problem)
    group = BulkGroup(problem=str(stored.id), candidates=students("a"))
    copying = "FROM pg_stat_activity WHERE query LIKE 'COPY %' AND wait_event_type = 'Lock'"
    with (
        concurrent.futures.ThreadPoolExecutor(1) as pool,
        psycopg.connect(database_url) as lock,
        psycopg.connect(database_url, autocommit=True) as other,
    ):
        lock.execute("LOCK TABLE groups IN EXCLUSIVE MODE")
        answered = pool.submit(client.create_groups, [group])
        # The first is what a server does that stops; the second is what a full disk looks like.
        while not other.execute(f"SELECT pg_{how}_backend(pid) {copying}").fetchall():
            time.sleep(0.01)
        lock.rollback()

        (outcome,) = answered.result().outcomes

    assert [found.id for found in client.groups()] == [outcome.id]


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


def test_a_key_that_asks_too_often_is_told_when_to_come_again(database, redis_url, is_problem):
    app = create_app(database, redis_url, "k", 10_000, max_rate=0.5)
    headers = {"Authorization": "Bearer k"}
    with (
        served(app, lifespan="off") as url,
        httpx.Client(base_url=url, headers=headers, timeout=30) as http,
    ):
        allowed = [http.get("/v1/stats").status_code for _ in range(5)]
        refused = http.get("/v1/stats")
        open_to_all = http.get("/healthz")

    assert allowed == [200] * 5
    is_problem(refused, 429, "rate_limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 2
    assert open_to_all.status_code == 200
