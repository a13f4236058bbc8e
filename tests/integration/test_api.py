"""The REST API over real HTTP, Postgres and Valkey."""

import json
import sys

import httpx
import pytest

from infra import errors
from infra.contracts.base import GroupState, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.ranking import LeaseRequest, LeaseResponse
from infra.queues.messaging import Task
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from services.api.documents import examples
from services.client import Client
from services.client.sending import trusted

P, W = Outcome.PASSED, Outcome.WRONG_ANSWER
TOO_DEEP = "invalid_request" if sys.version_info < (3, 14) else "invalid_input"
"""Newer Pythons read JSON of any depth that their stack holds."""
AUTH = {"Authorization": "Bearer secret-key"}


@pytest.fixture
def http(api):
    with httpx.Client(base_url=api, headers=AUTH, timeout=30, verify=trusted()) as opened:
        yield opened


def is_problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["detail"]
    return body


def test_a_problem_is_stored_found_and_listed(http, problem):
    body = problem.model_dump(mode="json")
    created = http.post("/v1/problems", json=body)
    again = http.post("/v1/problems", json=body)

    assert created.status_code == 201
    assert again.status_code == 200
    assert created.json() == again.json()
    assert http.get(created.headers["location"]).json() == created.json()
    listed = http.get("/v1/problems", params={"slug": problem.slug}).json()["items"]
    assert [item["slug"] for item in listed] == [problem.slug]
    body["prompt"] = "other"
    is_problem(http.post("/v1/problems", json=body), 409, "conflict")


def test_pages_hold_every_problem_once(http, client, problem):
    names = [f"page/{n}" for n in range(7)]
    result = client.add_problems([problem.model_copy(update={"slug": name}) for name in names])
    assert all(outcome.created for outcome in result.outcomes)

    seen, cursor = [], None
    while True:
        params = {"limit": 3, **({"cursor": cursor} if cursor else {})}
        page = http.get("/v1/problems", params=params).json()
        seen += [item["slug"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == names


def test_a_group_walks_from_problem_to_checkpoint(http, client, database, problem, results_for):
    stored = client.add_problem(problem)
    response = http.post(
        f"/v1/problems/{stored.id}/groups",
        json={
            "candidates": [
                {"author": "teacher", "program": "good"},
                {"author": "student", "program": "bad"},
            ]
        },
    )
    assert response.status_code == 202
    group = client.get_group(response.json()["id"])
    assert response.headers["location"] == f"/v1/groups/{group.id}"
    is_problem(http.get(f"/v1/groups/{group.id}/ranking"), 404, "not_found")
    good, bad = client.candidates(group.id)
    with database.unit_of_work() as work:
        records.record_results(work, results_for({good.id: [P, P], bad.id: [P, W]}), Rules())
        batches.form(work, 1)

    leased = http.post("/v1/training-batches/lease", json={"worker": "w"}).json()["batches"][0]
    lease = {"batch_id": leased["batch_id"], "epoch": leased["epoch"]}
    assert http.post("/v1/training-batches/heartbeat", json={"leases": [lease]}).status_code == 204
    completed = http.post(
        "/v1/training-batches/complete",
        json={
            "leases": [lease],
            "checkpoint": {"version": 1, "path": "/c", "sha256": "a" * 64, "metrics": {"loss": 1}},
        },
    )
    assert completed.status_code == 200

    assert client.get_group(group.id).state is GroupState.RANKED
    ranking = client.get_ranking(group.id)
    assert [entry.candidate_id for entry in ranking.order] == [good.id, bad.id]
    detail = client.get_candidate(bad.id)
    assert [test.outcome for test in detail.execution.tests] == [P, W]
    (batch,) = client.training_batches()
    assert (batch.id, batch.group_ids) == (ranking.training_batch_id, (group.id,))
    checkpoint = client.get_checkpoint(batch.checkpoint_id)
    assert str(checkpoint.id) == completed.json()["checkpoint_id"]
    assert checkpoint.training_batch_ids == (batch.id,)
    assert client.stats().pass_at_1 == {"teacher": 1.0, "student": 0.0}
    lost = http.post("/v1/training-batches/heartbeat", json={"leases": [lease]})
    is_problem(lost, 409, "lease_lost")


def test_an_empty_lease_says_that_there_is_nothing_yet(http):
    answer = http.post("/v1/training-batches/lease", json={"worker": "w", "wait_seconds": 0.3})

    assert LeaseResponse.model_validate(answer.json()).batches == ()
    assert LeaseRequest(worker="w").wait_seconds == 0


def test_programs_that_are_no_valid_text_are_accepted_for_judgement(
    http, client, problem, dispatch, sent
):
    stored = client.add_problem(problem)
    raw = b'{"candidates": [{"author": "student", "program": "x = \'\\u0000\\ud800\'"}]}'

    response = http.post(
        f"/v1/problems/{stored.id}/groups",
        content=raw,
        headers={"Content-Type": "application/json"},
    )

    assert response.status_code == 202
    dispatch()
    (request,) = sent.of(Task.EXECUTE_BATCH)
    assert request.programs[0].source == "x = '\x00\ud800'"
    (candidate,) = client.candidates(response.json()["id"])
    assert client.get_candidate(candidate.id).program == "x = '\x00?'"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_input"),
        (b"[]", "invalid_input"),
        (b'{"slug": "a b", "prompt": "", "tests": []}', "invalid_input"),
        (b'{"slug": "a", "prompt": "", "tests": []}', "invalid_input"),
        (b'{"slug": "a", "prompt": "", "tests": [{"kind": "call"}]}', "invalid_input"),
        (b'{"slug": "a", "prompt": "", "tests": [{"kind": "magic"}]}', "invalid_input"),
        (
            b'{"slug": "a", "prompt": "x\\u0000", "tests":'
            b' [{"kind": "stdio", "expected_stdout": ""}]}',
            "invalid_input",
        ),
        (
            b'{"slug": "a", "prompt": "\\ud800", "tests":'
            b' [{"kind": "stdio", "expected_stdout": ""}]}',
            "invalid_input",
        ),
        (
            b'{"slug": "a", "prompt": "", "metadata": {"n": NaN}, "tests":'
            b' [{"kind": "stdio", "expected_stdout": ""}]}',
            "invalid_input",
        ),
        (b'{"slug": ' + b"[" * 50_000, TOO_DEEP),
        (b'{"slug": ' + b"[" * 50_000 + b"]" * 50_000 + b"}", TOO_DEEP),
        (b"\xff\xfe", "invalid_input"),
    ],
)
def test_bad_bodies_are_explained_and_never_our_fault(http, body, code):
    response = http.post("/v1/problems", content=body, headers={"Content-Type": "application/json"})

    is_problem(response, 422 if code == "invalid_input" else 400, code)


def test_a_body_over_the_limit_is_refused_even_without_a_length(http):
    def chunks():
        for _ in range(50):
            yield b" " * 10_000

    response = http.post(
        "/v1/problems", content=chunks(), headers={"Content-Type": "application/json"}
    )

    is_problem(response, 413, "payload_too_large")


@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic secret-key", "Bearer"])
def test_without_the_key_nothing_is_told(api, header):
    headers = {"Authorization": header} if header else {}

    response = httpx.get(f"{api}/v1/stats", headers=headers, timeout=30)

    is_problem(response, 401, "unauthorized")
    assert response.headers["www-authenticate"] == "Bearer"


def test_unknown_paths_methods_ids_and_cursors_are_explained(http):
    unknown = "01890a5d-ac96-774b-bcce-b302099a8057"

    is_problem(http.get("/v1/nothing"), 404, "not_found")
    is_problem(http.put("/v1/problems"), 405, "method_not_allowed")
    for path in ("problems", "groups", "candidates", "training-batches", "checkpoints"):
        is_problem(http.get(f"/v1/{path}/{unknown}"), 404, "not_found")
        is_problem(http.get(f"/v1/{path}/x"), 422, "invalid_input")
    is_problem(http.get("/v1/problems?cursor=!!"), 422, "invalid_input")
    is_problem(http.get("/v1/problems?limit=9999"), 422, "invalid_input")
    is_problem(http.get("/v1/policies/none"), 404, "not_found")


def test_health_readiness_and_metrics_need_no_key(api, make_group):
    make_group(("student", "x"))

    assert httpx.get(f"{api}/healthz", timeout=30).json()["status"] == "ok"
    ready = httpx.get(f"{api}/readyz", timeout=30)
    assert ready.json() == {"status": "ready", "checks": {"postgres": "ok", "redis": "ok"}}
    metrics = httpx.get(f"{api}/metrics", timeout=30).text
    assert 'rrtf_candidates{state="submitted"} 1.0' in metrics
    assert 'rrtf_queue_depth{queue="executor"} 0.0' in metrics


def test_every_example_of_the_documentation_is_accepted(http):
    ids = []
    for example in examples.PROBLEM.values():
        response = http.post("/v1/problems", json=example["value"])
        assert response.status_code == 201, response.text
        ids.append(response.json()["id"])
    for example in examples.BULK.values():
        response = http.post("/v1/problems/bulk", json=example["value"])
        assert [item["created"] for item in response.json()["outcomes"]] == [False, False]
    for example in examples.GROUP.values():
        response = http.post(f"/v1/problems/{ids[0]}/groups", json=example["value"])
        assert response.status_code == 202, response.text
    for example in examples.BULK_GROUPS.values():
        outcomes = http.post("/v1/groups/bulk", json=example["value"]).json()["outcomes"]
        assert [bool(outcome["id"]) for outcome in outcomes] == [True, False]
    for example in examples.API_KEY.values():
        assert http.post("/v1/keys", json=example["value"]).status_code == 201
    for example in examples.RELEASE.values():
        answer = http.post("/v1/quarantine/release", json=example["value"]).json()
        assert answer == {"released": [], "kept": []}
    for example in examples.LEASE.values():
        value = {**example["value"], "wait_seconds": 0}
        assert http.post("/v1/training-batches/lease", json=value).status_code == 200
    for name, group in (("heartbeat", examples.HEARTBEAT), ("complete", examples.COMPLETE)):
        for example in group.values():
            response = http.post(f"/v1/training-batches/{name}", json=example["value"])
            is_problem(response, 409, "lease_lost")


def test_every_body_of_the_document_has_examples(http):
    paths = http.get("/openapi.json").json()["paths"]
    bodies = {
        f"{method} {path}": operation["requestBody"]["content"]["application/json"]
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "requestBody" in operation
    }

    assert len(bodies) >= 12
    assert [name for name, body in bodies.items() if not body.get("examples")] == []


def test_the_document_describes_errors_and_shows_examples(http):
    document = http.get("/openapi.json").json()

    assert document["openapi"].startswith("3.1")
    create = document["paths"]["/v1/problems"]["post"]
    assert set(create["responses"]) >= {"201", "401", "409", "413", "422"}
    content = create["requestBody"]["content"]["application/json"]
    assert set(content["examples"]) == set(examples.PROBLEM)
    json.dumps(document, allow_nan=False)


@pytest.mark.slow
def test_the_client_turns_codes_into_errors_and_waits_for_a_server(client, problem):
    with pytest.raises(errors.NotFound, match="no problem 'x'"):
        client.find_problem("x")
    stored = client.add_problem(problem)
    group = client.create_group(
        stored.id, NewGroup(candidates=(NewCandidate(author="student", program="x"),))
    )
    assert [item.id for item in client.groups()] == [group.id]
    with Client("http://127.0.0.1:9", timeout_seconds=1) as nobody:
        assert nobody.is_ready() is False
        with pytest.raises(errors.Unavailable, match="not reachable"):
            nobody.stats()
