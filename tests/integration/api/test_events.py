"""Server-sent events: what is told, once, in order, and from where a connection broke."""

import contextlib
import itertools
import json
import threading
from uuid import uuid4

import httpx
import pytest

from infra.contracts.base import Outcome
from infra.contracts.views.api import NewApiKey, Scope
from ranker import groups, records
from ranker.ranking import Rules
from services.api import keys
from services.api.routers.monitoring import events

P, W = Outcome.PASSED, Outcome.WRONG_ANSWER


def parsed(lines):
    """Yield (event, id, data) of a stream of lines."""
    fields = {}
    for line in lines:
        if not line and fields:
            yield fields["event"], fields["id"], json.loads(fields["data"])
            fields = {}
        elif line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value


def read(http, path, count=None, after=None):
    """Read so many events, or all to the end of the stream."""
    headers = {} if after is None else {"Last-Event-ID": after}
    events = []
    with http.stream("GET", path, headers=headers) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        for event in parsed(response.iter_lines()):
            events.append(event)
            if len(events) == count:
                break
    return events


@pytest.fixture
def label(database, results_for):
    def store(candidate_id, outcome):
        with database.unit_of_work() as work:
            records.record_results(work, results_for({candidate_id: [outcome] * 2}), Rules())

    return store


def test_a_group_tells_of_every_candidate_and_then_of_its_ranking(http, client, make_group, label):
    group_id = make_group(("teacher", "a"), ("student", "b"), ("student", "c"))
    first, second, third = (item.id for item in client.candidates(group_id))
    label(second, W)
    later = threading.Timer(0.6, lambda: [label(first, P), label(third, W)])
    later.start()

    events = read(http, f"/v1/groups/{group_id}/events")
    later.join()

    assert [name for name, _, _ in events] == ["candidate"] * 3 + ["ranked"]
    assert [data["id"] for _, _, data in events[:3]] == [str(second), str(first), str(third)]
    assert events[0][2]["label"] == "partial_pass"
    assert events[3][2]["order"][0]["candidate_id"] == str(first)


def test_a_client_goes_on_after_the_last_event_it_saw(http, client, make_group, label):
    group_id = make_group(("teacher", "a"), ("student", "b"), ("student", "c"))
    first, second, third = (item.id for item in client.candidates(group_id))
    path = f"/v1/groups/{group_id}/events"
    label(third, W)
    (seen,) = read(http, path, count=1)
    label(first, P)
    label(second, W)

    rest = read(http, path, after=seen[1])
    over = http.get(path, headers={"Last-Event-ID": rest[-1][1]})

    assert [data.get("id") for _, _, data in rest[:2]] == [str(first), str(second)]
    assert rest[2][0] == "ranked"
    assert (over.status_code, over.content) == (204, b"")


def test_a_candidate_that_is_set_aside_is_told_of(http, client, database, make_group, label):
    group_id = make_group(("teacher", "a"), ("student", "b"))
    first, second = (item.id for item in client.candidates(group_id))
    with database.unit_of_work() as work:
        groups.lock(work, [group_id])
        records.quarantine(work, first, "poison")
    label(second, W)

    told = {
        data["id"]: data["state"] for _, _, data in read(http, f"/v1/groups/{group_id}/events", 2)
    }

    assert told == {str(first): "quarantined", str(second): "labelled"}


def test_a_policy_tells_of_its_checkpoints_by_version(http, leased):
    def record(version):
        checkpoint = {"version": version, "path": "/c", "sha256": "a" * 64, "metrics": {}}
        body = {"leases": [leased], "checkpoint": checkpoint}
        assert http.post("/v1/training-batches/complete", json=body).status_code == 200

    record(7)
    path = "/v1/policies/default/events"

    (event,) = read(http, path, count=1)
    (again,) = read(http, path, count=1, after="6")

    assert (event[0], event[1], event[2]["version"]) == ("checkpoint", "7", 7)
    assert again == event


@pytest.mark.parametrize(("what", "after"), [("groups", "zz"), ("groups", "-1"), ("policies", "x")])
def test_an_id_that_is_none_of_ours_is_refused(http, make_group, what, after, is_problem):
    name = make_group(("student", "a")) if what == "groups" else "default"

    answered = http.get(f"/v1/{what}/{name}/events", headers={"Last-Event-ID": after})

    is_problem(answered, 422, "invalid_input")


def test_events_of_what_does_not_exist_are_not_found(http, is_problem):
    is_problem(http.get(f"/v1/groups/{uuid4()}/events"), 404, "not_found")
    is_problem(http.get("/v1/policies/none/events"), 404, "not_found")


@pytest.fixture
def reader(api, client):
    """Open a client with a new key that may read."""
    opened = []

    def hold(name):
        made = client.create_key(NewApiKey(name=name, scopes=frozenset({Scope.READ})))
        headers = {"Authorization": f"Bearer {made.key}"}
        opened.append(httpx.Client(base_url=api, headers=headers, timeout=30))
        return opened[-1]

    yield hold
    for one in opened:
        one.close()


def test_a_revoked_key_hears_no_more(client, make_group, reader, monkeypatch):
    monkeypatch.setattr(keys, "_REMEMBERED_SECONDS", 0.3)
    monkeypatch.setattr(events, "_PING_SECONDS", 0.2)
    group_id = make_group(("student", "a"))

    with reader("mine").stream("GET", f"/v1/groups/{group_id}/events") as response:
        lines = response.iter_lines()
        assert next(lines).startswith(":")
        client.revoke_key("mine")
        rest = list(itertools.islice(lines, 100))

    assert len(rest) < 100


def ask(listener, path):
    """Ask for a stream and leave it; a refusal is read."""
    with listener.stream("GET", path) as response:
        if response.is_error:
            response.read()
        return response


def test_streams_are_limited_for_a_key_and_in_all(
    http, make_group, reader, is_problem, monkeypatch
):
    monkeypatch.setattr(events, "_MOST_OF_A_KEY", 2)
    monkeypatch.setattr(events, "_MOST", 3)
    monkeypatch.setattr(events, "_PING_SECONDS", 0.0)
    path = f"/v1/groups/{make_group(('student', 'a'))}/events"
    mine, others = reader("mine"), reader("other")

    with contextlib.ExitStack() as streams:

        def listen(listener):
            stack = streams.enter_context(contextlib.ExitStack())
            response = stack.enter_context(listener.stream("GET", path))
            lines = response.iter_lines()
            assert next(lines).startswith(":")
            return stack, lines  # Without its lines a stream is closed.

        held = [listen(mine), listen(mine)]
        of_the_key = ask(mine, path)
        held.append(listen(others))
        of_all = ask(http, path)
        held[0][0].close()
        # The server hears of it at its next look.
        while (again := ask(mine, path)).status_code == 429:
            pass

    for refused, words in ((of_the_key, "of this API key"), (of_all, "of all API keys")):
        assert words in is_problem(refused, 429, "queue_full")["detail"]
        assert int(refused.headers["retry-after"]) >= 1
    assert again.status_code == 200
