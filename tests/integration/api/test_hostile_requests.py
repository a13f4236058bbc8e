"""Whatever a client sends, the answer is a result or an explanation, never our fault."""

import json
import socket

import httpx
import pytest

from infra.queues.messaging import Task

LEASE = {"batch_id": "01890a5d-ac96-774b-bcce-b302099a8057", "epoch": 1}


@pytest.fixture
def problem_id(client, problem):
    return client.add_problem(problem).id


def group_body(**fields):
    return json.dumps({"candidates": [{"author": "student", "program": "x"}], **fields}).encode()


def test_a_field_that_is_wrong_is_pointed_at(http, is_problem):
    body = {
        "slug": "a",
        "prompt": "",
        "tests": [{"kind": "stdio", "expected_stdout": "1"}],
        "limits": {"cpu_seconds": -1},
    }

    explained = is_problem(http.post("/v1/problems", json=body), 422, "invalid_input")

    assert [item["pointer"] for item in explained["errors"]] == ["/body/limits/cpu_seconds"]
    assert "greater than 0" in explained["errors"][0]["message"]


@pytest.mark.parametrize(
    "fields",
    [
        b'"metadata": {"n": NaN}',
        b'"metadata": {"n": -Infinity}',
        b'"metadata": {"n": 1e999}',
        b'"metadata": {"\\ud800": 1}',
        b'"metadata": {"a": ["\\udfff"]}',
        b'"policy": "a\\u0000b"',
        b'"policy": "\\ud800"',
        b'"samples": [{"author": "student", "backend": "replay", "num_samples": NaN}]',
        b'"samples": [{"author": "student", "backend": "r", "num_samples": 1, "temperature": NaN}]',
        b'"samples": [{"author": "student", "backend": "\\u0000", "num_samples": 1}]',
        b'"samples": [{"author": "student", "backend": "\\ud800", "num_samples": 1}]',
        b'"samples": [{"author": "student", "backend": "r", "num_samples":1, "stop":["\\u0000"]}]',
        b'"samples": [{"author": "student", "backend": "r", "num_samples": 9999999999999999999}]',
        b'"candidates": [{"author": "student", "program": "x", "seed": 9223372036854775808}]',
        b'"candidates": [{"author": "student", "program": "x", "model": "\\u0000"}]',
        b'"candidates": [{"author": "student", "program": "x", "finish_reason": "\\u0000"}]',
        b'"candidates": [{"author": "student", "program": 5}]',
        b'"candidates": [{"author": "student", "program": null}]',
        b'"candidates": [{"author": "student", "program": "x", "unknown": 1}]',
        b'"candidates": {"author": "student"}',
    ],
)
def test_a_group_that_cannot_be_stored_is_refused(
    post_raw, is_problem, client, problem_id, sent, fields
):
    start = b'{"candidates": [{"author": "student", "program": "x"}], '

    response = post_raw(f"/v1/problems/{problem_id}/groups", start + fields + b"}")

    is_problem(response, 422, "invalid_input")
    assert list(client.groups()) == []
    assert sent.messages == []


def test_a_number_of_five_thousand_digits_is_refused(post_raw, is_problem, problem_id):
    body = group_body().replace(b'"x"', b"9" * 5000)

    is_problem(post_raw(f"/v1/problems/{problem_id}/groups", body), 400, "invalid_request")


def test_a_test_that_cannot_be_shown_again_is_refused(post_raw, is_problem, client):
    start = b'{"slug": "a", "prompt": "", "entry_point": "f", "tests": '
    body = start + b'[{"kind": "call", "args": [%s]}]}'

    for value in (b'"\\ud800"', b"NaN"):
        is_problem(post_raw("/v1/problems", body % value), 422, "invalid_input")

    assert list(client.problems()) == []


@pytest.mark.parametrize("field", ["args", "expected"])
def test_a_test_with_no_valid_value_is_refused(http, is_problem, client, field):
    bad = {"$range": [0, 1, 0]}
    test = {"kind": "call", field: [bad] if field == "args" else bad}
    body = {"slug": "a", "prompt": "", "entry_point": "f", "tests": [test]}

    explained = is_problem(http.post("/v1/problems", json=body), 422, "invalid_input")

    assert "malformed $range" in explained["detail"]
    assert list(client.problems()) == []


@pytest.mark.parametrize("program", ["", "\x00", "\ud800", "x = '\udcff\ud83d'", "\ufeffx", "\r\n"])
def test_any_text_is_a_program_to_be_judged(post_raw, client, problem_id, dispatch, sent, program):
    body = group_body(candidates=[{"author": "student", "program": program, "completion": program}])

    response = post_raw(f"/v1/problems/{problem_id}/groups", body)

    assert response.status_code == 202, response.text
    dispatch()
    (request,) = sent.of(Task.EXECUTE_BATCH)
    assert request.programs[0].source == program
    (candidate,) = client.candidates(response.json()["id"])
    shown = client.get_candidate(candidate.id)
    assert shown.program == program.encode("utf-8", "replace").decode()


@pytest.mark.parametrize("depth", [50, 150, 300, 900, 5_000, 60_000])
def test_nesting_is_kept_or_refused_at_any_depth(http, post_raw, problem_id, depth):
    value = b"[" * depth + b"]" * depth

    response = post_raw(
        f"/v1/problems/{problem_id}/groups",
        b'{"candidates": [{"author": "student", "program": "x"}], "metadata": {"a": '
        + value
        + b"}}",
    )

    assert response.status_code in (202, 400, 422), response.text
    if response.status_code == 202:
        stored = http.get(response.headers["location"])
        assert stored.status_code == 200
        assert json.dumps(stored.json()["metadata"]["a"]).encode() == value


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b'"\\u0000"', b'"\\ud800"'])
def test_metrics_that_cannot_be_stored_leave_the_lease_as_it_was(
    http, post_raw, is_problem, leased, value
):
    checkpoint = b'{"version": 1, "path": "/c", "sha256": "%s", "metrics": {"loss": %s}}'
    body = b'{"leases": [%s], "checkpoint": %s}' % (
        json.dumps(leased).encode(),
        checkpoint % (b"a" * 64, value),
    )

    is_problem(post_raw("/v1/training-batches/complete", body), 422, "invalid_input")

    assert http.post("/v1/training-batches/heartbeat", json={"leases": [leased]}).is_success
    assert http.get("/v1/policies/default/checkpoints").json()["items"] == []


def test_an_epoch_beyond_any_integer_is_explained(http, is_problem):
    lease = {**LEASE, "epoch": 10**30}

    response = http.post("/v1/training-batches/heartbeat", json={"leases": [lease]})

    assert response.status_code in (409, 422)
    is_problem(response, response.status_code, response.json()["code"])


def test_one_problem_that_cannot_be_stored_stops_no_other(post_raw, client):
    tests = '[{"kind": "stdio", "expected_stdout": "1"}]'
    cases = [("", "1"), ("\\u0000", "1"), ("", "NaN"), ("", "2")]
    problems = ", ".join(
        f'{{"slug": "bulk/{number}", "prompt": "{prompt}", "metadata": {{"n": {value}}},'
        f' "tests": {tests}}}'
        for number, (prompt, value) in enumerate(cases)
    )

    response = post_raw("/v1/problems/bulk", f'{{"problems": [{problems}]}}'.encode())

    assert response.status_code == 200, response.text
    outcomes = response.json()["outcomes"]
    assert [item["created"] for item in outcomes] == [True, False, False, True]
    assert [bool(item["error"]) for item in outcomes] == [False, True, True, False]
    assert [item.slug for item in client.problems()] == ["bulk/0", "bulk/3"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/problems?slug=%00",
        "/v1/problems?slug=%FF",
        "/v1/policies/%00",
        "/v1/policies/%00/checkpoints",
        "/v1/groups?state=%00",
        "/v1/groups?problem_id=1",
        "/v1/%00",
        "/v1/policies/..%2f..%2fetc",
    ],
)
def test_an_odd_path_is_explained(http, path):
    response = http.get(path)

    assert response.status_code in (200, 404, 422), response.text
    assert response.status_code == 200 or "problem+json" in response.headers["content-type"]


def test_a_method_that_is_not_served_names_those_that_are(http, is_problem):
    response = http.request("DELETE", "/v1/problems")

    is_problem(response, 405, "method_not_allowed")
    assert {"GET", "POST"} & {name.strip() for name in response.headers["allow"].split(",")}


def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(api):
    url = httpx.URL(api)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/problems HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer secret-key\r\n"
            b"Content-Type: application/json\r\nContent-Length: 99999999\r\n\r\n"
        )
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"payload_too_large" in answer


def test_a_body_without_the_key_is_not_waited_for(api):
    url = httpx.URL(api)
    with socket.create_connection((url.host, url.port), timeout=10) as connection:
        connection.sendall(
            b"POST /v1/problems HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n"
        )
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 401 ")


def test_a_body_over_the_limit_does_no_harm_to_the_next(http, is_problem, problem):
    large = {**problem.model_dump(mode="json"), "prompt": "x" * 250_000}

    refused = http.post("/v1/problems", json=large)
    taken = http.post("/v1/problems", json=problem.model_dump(mode="json"))

    is_problem(refused, 413, "payload_too_large")
    assert taken.status_code == 201


def test_a_body_of_another_kind_is_explained(http, is_problem):
    for headers in ({"Content-Type": "text/plain"}, {}):
        response = http.post("/v1/problems", content=b'{"slug": "a"}', headers=headers)

        is_problem(response, 422, "invalid_input")


def test_a_client_cannot_make_label_values(http):
    http.request("BREW", "/v1/problems")
    http.get("/v1/made-up/by-me")

    metrics = http.get("/metrics").text

    assert "BREW" not in metrics
    assert "made-up" not in metrics
    assert 'route="unmatched"' in metrics
