"""Who may do what, and whose requests count once."""

import threading
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

from infra.contracts.base import Outcome
from infra.contracts.views.api import NewApiKey, Scope
from infra.db.tables import ApiKeyRow, GroupRow
from ranker import records
from ranker.ranking import Rules
from services.api import keys as keys_module
from services.client import Client
from services.client.sending import trusted
from services.delivery.prune import prune

EVERYTHING = [
    ("GET", "/v1/problems", Scope.READ),
    ("GET", "/v1/groups", Scope.READ),
    ("GET", "/v1/stats", Scope.READ),
    ("GET", "/v1/quarantine", Scope.READ),
    ("GET", "/v1/training-batches", Scope.READ),
    ("POST", "/v1/problems", Scope.SUBMIT),
    ("POST", "/v1/problems/bulk", Scope.SUBMIT),
    ("POST", "/v1/groups/bulk", Scope.SUBMIT),
    ("POST", "/v1/training-batches/lease", Scope.TRAIN),
    ("POST", "/v1/quarantine/release", Scope.ADMIN),
    ("GET", "/v1/keys", Scope.ADMIN),
    ("POST", "/v1/keys", Scope.ADMIN),
    ("DELETE", "/v1/keys/mine", Scope.ADMIN),
]


@pytest.fixture
def holder(api, client):
    """Make requests with a new key of these scopes."""
    opened = []

    def hold(name, *scopes):
        made = client.create_key(NewApiKey(name=name, scopes=frozenset(scopes)))
        headers = {"Authorization": f"Bearer {made.key}"}
        opened.append(httpx.Client(base_url=api, headers=headers, timeout=30, verify=trusted()))
        return opened[-1]

    yield hold
    for one in opened:
        one.close()


@pytest.mark.parametrize(("method", "path", "scope"), EVERYTHING)
def test_a_key_reaches_what_its_scope_covers_and_nothing_else(
    holder, is_problem, method, path, scope
):
    without = holder("without", *(set(Scope) - {scope}))
    assert without.request(method, path).status_code == 403
    is_problem(without.request(method, path), 403, "forbidden")

    assert holder("with", scope).request(method, path).status_code not in (401, 403)


def test_every_endpoint_below_v1_asks_for_a_scope(http):
    for path, operations in http.get("/openapi.json").json()["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method in operations:
            assert "403" in operations[method]["responses"], (method, path)


def test_a_key_is_stored_nowhere_and_shown_once(client, database):
    made = client.create_key(NewApiKey(name="mine"))

    (listed,) = client.keys()
    assert (listed.name, set(listed.scopes)) == ("mine", {Scope.READ, Scope.SUBMIT})
    with database.reading() as session:
        row = session.get_one(ApiKeyRow, listed.id)
        assert made.key not in repr(vars(row))
        assert made.key.removeprefix("rrtf_") not in repr(vars(row))


def test_a_name_is_used_once(client, http, is_problem):
    client.create_key(NewApiKey(name="mine"))
    client.revoke_key("mine")

    is_problem(http.post("/v1/keys", json={"name": "mine"}), 409, "conflict")
    is_problem(http.delete("/v1/keys/none"), 404, "not_found")
    is_problem(http.delete("/v1/keys/environment"), 404, "not_found")


def test_a_revoked_key_is_refused(holder, client, is_problem, monkeypatch):
    mine = holder("mine", Scope.READ)
    assert mine.get("/v1/stats").status_code == 200

    monkeypatch.setattr(keys_module.time, "monotonic", lambda: 1e12)
    client.revoke_key("mine")

    is_problem(mine.get("/v1/stats"), 401, "unauthorized")
    (listed,) = client.keys()
    assert listed.revoked_at is not None


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer x", "Basic secret-key", "Bearer \xff"])
def test_what_is_no_key_reaches_nothing(api, is_problem, given):
    headers = {"Authorization": given.encode("latin-1")}

    is_problem(httpx.get(f"{api}/v1/stats", headers=headers, timeout=30), 401, "unauthorized")


def test_a_groups_owner_is_whose_key_it_came_with(holder, client, problem, database):
    stored = client.add_problem(problem)
    mine = holder("mine", Scope.SUBMIT)

    body = {"candidates": [{"author": "student", "program": "x"}]}
    assert mine.post(f"/v1/problems/{stored.id}/groups", json=body).status_code == 202

    (key,) = client.keys()
    with database.reading() as session:
        assert [row.api_key_id for row in session.query(GroupRow)] == [key.id]


@pytest.fixture
def post_group(http, client, problem):
    """Post a group of one program under an `Idempotency-Key`."""
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"

    def post(key, program="x", http=http):
        body = {"candidates": [{"author": "student", "program": program}]}
        return http.post(path, json=body, headers={"Idempotency-Key": key})

    return post


def test_a_request_repeated_under_its_key_has_one_effect(post_group, client):
    first, second, other = post_group("a"), post_group("a"), post_group("b")

    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert len(list(client.groups())) == 2


def test_a_key_of_another_request_is_refused(post_group, is_problem):
    post_group("a")

    is_problem(post_group("a", program="y"), 409, "idempotency_mismatch")


def test_a_repeat_of_what_was_pruned_since_is_told_so(
    post_group, client, database, results_for, is_problem
):
    group_id = UUID(post_group("a").json()["id"])
    (candidate,) = client.candidates(group_id)
    with database.unit_of_work() as work:
        results = results_for({candidate.id: [Outcome.PASSED] * 2})
        assert records.record_results(work, results, Rules()) == [group_id]
    assert prune(database, timedelta(0)).groups == 1

    body = is_problem(post_group("a"), 404, "not_found")

    assert str(group_id) in body["detail"]
    assert list(client.groups()) == []


def test_keys_of_two_callers_do_not_meet(post_group, holder, client):
    mine = holder("mine", Scope.SUBMIT)

    assert post_group("a").json()["id"] != post_group("a", http=mine).json()["id"]


def test_repeats_at_once_have_one_effect(post_group, client):
    answers = []
    together = threading.Barrier(4)

    def post():
        together.wait()
        answers.append(post_group("a").json()["id"])

    threads = [threading.Thread(target=post) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 4
    assert len(set(answers)) == 1
    assert len(list(client.groups())) == 1


def test_a_failed_request_leaves_its_key_free(http, client, problem, is_problem):
    headers = {"Idempotency-Key": "a"}
    body = {"candidates": [{"author": "student", "program": "x"}]}
    unknown = "/v1/problems/01890a5d-ac96-774b-bcce-b302099a8057/groups"
    is_problem(http.post(unknown, json=body, headers=headers), 404, "not_found")

    known = f"/v1/problems/{client.add_problem(problem).id}/groups"
    assert http.post(known, json=body, headers=headers).status_code == 202


def test_a_client_without_a_key_is_told_so(api):
    with Client(api) as anonymous, pytest.raises(Exception, match="Authorization"):
        anonymous.stats()
