"""Projects see nothing of one another and do not collide; keys have quotas."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import select

import infra.db.ledger  # noqa: F401 - its tables are part of the metadata
from infra import errors
from infra.contracts.base import Author, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.views.api import NewApiKey, Scope
from infra.db import projects
from infra.db.tables import ApiKeyRow, CandidateRow, KeyUsageRow, Table
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from services.client import Client
from services.client.sending import trusted

HASH = "a" * 64
OF_EVERYBODY = {
    *("api_keys", "projects", "key_usage", "idempotent_requests", "sandbox_profiles"),
    *("endpoint_accounts", "sampling_calls", "kept_completions"),
}
"""Tables that are read by key, or that tell of executors and model servers."""
UNKNOWN = "01890a5d-ac96-774b-bcce-b302099a8057"


@pytest.fixture
def key_of(client):
    """Make a key of a project with these scopes, all by default, and return its text."""
    numbers = iter(range(100))

    def make(project, *scopes, **more):
        name = f"{project}-{next(numbers)}"
        new = NewApiKey(name=name, scopes=frozenset(scopes or Scope), project=project, **more)
        return client.create_key(new).key

    return make


@pytest.fixture
def as_key(api):
    """Make requests with a key."""
    opened = []

    def open_(key):
        headers = {"Authorization": f"Bearer {key}"}
        opened.append(httpx.Client(base_url=api, headers=headers, timeout=30, verify=trusted()))
        return opened[-1]

    yield open_
    for one in opened:
        one.close()


@pytest.fixture
def walked(form_batch, client, http, make_group, leased):
    """What the default project has: everything from a problem to an evaluated checkpoint, by name.

    `leased` has made the first batch; this completes it, and leaves a second one to be leased.
    """
    checkpoint = {"version": 1, "path": "/secret/path", "sha256": HASH}
    done = http.post(
        "/v1/training-batches/complete", json={"leases": [leased], "checkpoint": checkpoint}
    )
    checkpoint_id = done.raise_for_status().json()["checkpoint_id"]
    rates = {"bench": {"mean": 0.5, "low": 0.4, "high": 0.6, "problems": 3, "samples": 3}}
    asked = {"policy": "default", "version": 1, "asked_sha256": HASH, "rates": rates}
    http.post("/v1/evaluations", json=asked)
    make_group(("teacher", "waits"))
    form_batch(1)
    groups = [group.id for group in client.groups()]
    candidates = [item.id for group in groups for item in client.candidates(group)]
    return {
        "problem_id": str(client.find_problem("test/add").id),
        "group_id": str(groups[0]),
        "candidate_id": str(candidates[0]),
        "batch_id": leased["batch_id"],
        "checkpoint_id": checkpoint_id,
        "name": "default",
        "markers": ["test/add", "secret/path", *map(str, groups + candidates), checkpoint_id],
    }


def test_no_endpoint_tells_a_project_of_another(walked, http, as_key, key_of):
    other = as_key(key_of("other"))
    paths = http.get("/openapi.json").json()["paths"]
    read = [path for path, by_method in paths.items() if "get" in by_method and "/v1/" in path]
    assert len(read) > 25

    for path in read:
        filled = path.format_map(walked)
        if filled.endswith("/events"):
            assert other.get(filled).status_code == 404, path
            continue
        params = {"before": "", "after": ""} if path == "/v1/comparison" else {}
        own, told = http.get(filled, params=params), other.get(filled, params=params)

        assert max(own.status_code, told.status_code) < 500, (path, own.text, told.text)
        # What was asked for may be said again.
        secrets = [marker for marker in walked["markers"] if marker not in filled]
        assert not any(marker in told.text for marker in secrets), path
        if "{" in path and own.status_code == 200:
            assert told.status_code == 404, path


def test_what_is_counted_is_the_projects_own(walked, as_key, key_of):
    other = as_key(key_of("other"))

    stats, live = other.get("/v1/stats").json(), other.get("/v1/live").json()

    counted = [stats[name] for name in ("candidates", "groups", "checks", "training_batches")]
    assert not any(value for counts in counted for value in counts.values())
    assert (stats["pairs"], stats["waiting_groups"], stats["pass_at_1"]) == (0, 0, {})
    assert (live["waiting"], live["open_groups"], live["trainers"]) == (0, 0, [])
    for path in ("/v1/teachers", "/v1/policies", "/v1/ranked-groups"):
        assert other.get(path).json()["items"] == []
    assert other.get("/v1/slow").json()["total"]["executions"] == 0


def test_nothing_of_another_project_can_be_changed(walked, client, as_key, key_of, is_problem):
    other = as_key(key_of("other"))
    body = {"candidates": [{"author": "student", "program": "x"}]}
    (waiting,) = [one for one in client.training_batches() if str(one.id) != walked["batch_id"]]
    lease = {"leases": [{"batch_id": str(waiting.id), "epoch": waiting.lease_epoch}]}

    def post(path, **words):
        return other.post(path.format_map(walked), **words)

    is_problem(post("/v1/problems/{problem_id}/groups", json=body), 404, "not_found")
    is_problem(post("/v1/problems/{problem_id}/check", json={}), 404, "not_found")
    is_problem(post("/v1/candidates/{candidate_id}/again"), 404, "not_found")
    by_name = {"groups": [{"problem": name, **body} for name in ("test/add", walked["problem_id"])]}
    outcomes = post("/v1/groups/bulk", json=by_name).json()["outcomes"]
    assert [one["id"] for one in outcomes] == [None, None]
    assert post("/v1/training-batches/lease", json={"worker": "w"}).json()["batches"] == []
    assert post("/v1/training-batches/heartbeat", json=lease).status_code == 409
    found = {"policy": "default", "version": 1, "asked_sha256": HASH, "rates": {}}
    is_problem(post("/v1/evaluations", json=found), 404, "not_found")
    asked = {"problem": "test/add", "programs": ["x"]}
    is_problem(post("/v1/execute", json=asked), 404, "not_found")
    release = {"kind": "candidate", "ids": [walked["candidate_id"]]}
    assert post("/v1/quarantine/release", json=release).json() == {"released": [], "kept": []}


def test_two_projects_use_the_same_names_for_different_things(
    api, walked, problem, key_of, as_key, database, results_for
):
    changed = problem.model_copy(update={"prompt": "another prompt"})
    key = key_of("other")
    with Client(api, key) as other:
        mine = other.add_problem(changed)
        body = {"candidates": [{"author": "teacher", "program": "good 0"},
                               {"author": "student", "program": "bad 0"}]}  # fmt: skip
        as_key(key).post(f"/v1/problems/{mine.id}/groups", json=body).raise_for_status()
        (group,) = other.groups()
        good, bad = other.candidates(group.id)
        with database.unit_of_work() as work:
            outcomes = {good.id: [Outcome.PASSED] * 2, bad.id: [Outcome.WRONG_ANSWER] * 2}
            assert records.record_results(work, results_for(outcomes), Rules()) == [group.id]
            batches.form(work, 1)

        (policy,) = as_key(key).get("/v1/policies").json()["items"]
        (leased,) = (
            as_key(key).post("/v1/training-batches/lease", json={"worker": "w"}).json()["batches"]
        )

        assert str(mine.id) != walked["problem_id"]
        assert other.find_problem_with_tests("test/add").prompt == "another prompt"
        assert policy["name"] == "default"
        assert {one["group_id"] for one in leased["groups"]} == {str(group.id)}
        done = as_key(key).post(
            "/v1/training-batches/complete",
            json={
                "leases": [{"batch_id": leased["batch_id"], "epoch": leased["epoch"]}],
                "checkpoint": {"version": 1, "path": "/mine", "sha256": HASH},
            },
        )
        assert done.status_code == 200, done.text


def test_an_execution_serves_no_other_project(client, problem, key_of, api, database):
    program = {"author": "student", "program": "same"}
    for key in ("secret-key", key_of("other")):
        with Client(api, key) as mine:
            stored = mine.add_problem(problem)
        headers = {"Authorization": f"Bearer {key}"}
        path = f"{api}/v1/problems/{stored.id}/groups"
        httpx.post(path, json={"candidates": [program]}, headers=headers).raise_for_status()

    with database.reading() as session:
        keys = session.scalars(select(CandidateRow.cache_key)).all()
    assert len(keys) == len(set(keys)) == 2


def test_every_table_is_some_projects_or_everybodys():
    assert set(Table.metadata.tables) == {*projects.CONDITIONS, *OF_EVERYBODY}


def test_what_there_was_before_projects_is_in_the_default_one(client, problem, as_key, key_of):
    stored = client.add_problem(problem)
    same = as_key(key_of("default", Scope.READ))

    assert [one["id"] for one in same.get("/v1/problems").json()["items"]] == [str(stored.id)]
    assert same.get("/v1/caller").json()["project"] == "default"


def test_an_admin_of_a_project_manages_its_keys_alone(as_key, key_of, http, is_problem):
    key_of("default", Scope.READ)
    admin = as_key(key_of("other"))

    made = admin.post("/v1/keys", json={"name": "made"}).json()
    assert made["project"] == "other"
    refused = admin.post("/v1/keys", json={"name": "theirs", "project": "default"})
    is_problem(refused, 403, "forbidden")
    is_problem(admin.post("/v1/keys", json={"name": "n", "project": "new"}), 403, "forbidden")
    assert admin.post("/v1/keys", json={"name": "named", "project": "other"}).status_code == 201
    assert {one["name"] for one in admin.get("/v1/keys").json()["items"]} == {
        *("other-1", "made", "named")
    }
    is_problem(admin.delete("/v1/keys/default-0"), 404, "not_found")
    assert admin.delete("/v1/keys/made").status_code == 204
    assert {one["project"] for one in http.get("/v1/keys").json()["items"]} == {"default", "other"}


@pytest.fixture
def bounded(client, problem, as_key, key_of):
    """Post groups with a key that may bring three candidates a day."""
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    opened = as_key(key_of("default", candidates_per_day=3))

    def post(number, first=0, **headers):
        programs = [{"author": "student", "program": f"p{first + n}"} for n in range(number)]
        return opened.post(path, json={"candidates": programs}, headers=headers)

    return post


def test_a_key_brings_no_more_than_its_quota(bounded, is_problem, client):
    assert bounded(2).status_code == 202
    refused = bounded(2)
    is_problem(refused, 429, "quota_exceeded")
    assert 0 < int(refused.headers["retry-after"]) <= 86_401
    is_problem(bounded(4), 429, "quota_exceeded")
    assert bounded(1).status_code == 202
    is_problem(bounded(1), 429, "quota_exceeded")

    assert sum(sum(group.candidates.values()) for group in client.groups()) == 3


def test_a_repeat_of_a_request_costs_nothing(bounded):
    answers = [bounded(3, **{"Idempotency-Key": "a"}) for _ in range(3)]

    assert [one.status_code for one in answers] == [202] * 3


def test_a_request_that_fails_costs_nothing(as_key, key_of, client, problem):
    opened = as_key(key_of("default", candidates_per_day=1))
    body = {"candidates": [{"author": "student", "program": "p"}]}
    assert opened.post(f"/v1/problems/{UNKNOWN}/groups", json=body).status_code == 404

    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    assert opened.post(path, json=body).status_code == 202


def test_requests_at_once_do_not_pass_the_quota_together(bounded, client):
    together = threading.Barrier(6)

    def post(number):
        together.wait()
        return bounded(1, first=number).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(post, range(6)))

    assert statuses == [202] * 3 + [429] * 3


def test_what_is_executed_without_being_stored_counts_too(as_key, key_of, database, is_problem):
    opened = as_key(key_of("default", candidates_per_day=2))
    asked = {"programs": ["a", "b"], "problem": UNKNOWN}

    # What is counted is that it was asked for: here nobody executes it.
    is_problem(opened.post("/v1/execute", json=asked), 404, "not_found")

    is_problem(opened.post("/v1/execute", json=asked), 429, "quota_exceeded")
    python = {"language": "python", "version": "*", "files": [{"content": ""}]}
    for path, body in (
        ("/run_code", {"code": "print(1)", "language": "python"}),
        ("/submit", {"dataset": "d", "id": "1", "completion": "x"}),
        ("/api/v2/execute", python),
    ):
        assert opened.post(path, json=body).status_code == 429, path
    with database.reading() as session:
        assert session.scalars(select(KeyUsageRow.candidates)).all() == [2]


def test_a_client_that_waits_for_room_does_not_wait_for_tomorrow(api, key_of, problem):
    with Client(api, key_of("default", candidates_per_day=1)) as bounded:
        problem_id = bounded.add_problem(problem).id
        programs = tuple(NewCandidate(author=Author.STUDENT, program=text) for text in "ab")

        with pytest.raises(errors.QuotaExceeded, match="1 candidates a day"):
            bounded.create_group(problem_id, NewGroup(candidates=programs))


def test_quotas_are_of_a_day(bounded, database, client, monkeypatch):
    assert bounded(3).status_code == 202
    with database.unit_of_work() as work:
        (row,) = work.session.scalars(select(KeyUsageRow))
        assert row.candidates == 3
        row.day = row.day.replace(year=row.day.year - 1)

    assert bounded(3).status_code == 202


def test_keys_without_a_quota_are_not_counted(http, client, problem, database):
    path = f"/v1/problems/{client.add_problem(problem).id}/groups"
    http.post(path, json={"candidates": [{"author": "student", "program": "p"}]}).raise_for_status()

    with database.reading() as session:
        assert session.scalars(select(KeyUsageRow)).all() == []
        assert session.scalars(select(ApiKeyRow.candidates_per_day)).all() == [None]


def test_the_command_makes_keys_of_projects(rrtf, client):
    made = rrtf("keys", "create", "team", "--project", "team-a", "--candidates-per-day", "100")
    assert made.exit_code == 0, made.output

    assert "team\tread,submit\tteam-a\t100 a day" in rrtf("keys", "list").output
    refused = rrtf("keys", "create", "team", "--project", "bad name")
    assert refused.exit_code == 2
    assert "project" in refused.output
