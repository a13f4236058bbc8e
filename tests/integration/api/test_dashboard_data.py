"""What the dashboard is drawn from: live, over time, by version, and whose key it is."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text, update

from infra.contracts.base import Label, Outcome
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.views.api import NewApiKey, Scope
from infra.db.tables import CandidateRow
from ranker import records
from ranker.ranking import Rules

P, W = Outcome.PASSED, Outcome.WRONG_ANSWER


@pytest.fixture
def labelled(client, database, problem, results_for):
    """Label candidates of a new group, given as (author, version, outcomes); return their ids."""

    def make(*entries, policy="default", slug="test/add"):
        stored = client.add_problem(problem.model_copy(update={"slug": slug}))
        candidates = tuple(
            NewCandidate(author=author, program=str(number), policy_version=version)
            for number, (author, version, _) in enumerate(entries)
        )
        group = client.create_group(stored.id, NewGroup(candidates=candidates, policy=policy))
        ids = [item.id for item in client.candidates(group.id)]
        outcomes = dict(zip(ids, [entry[2] for entry in entries], strict=True))
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())
        return ids

    return make


def label_at(database, candidate_id, moment):
    with database.unit_of_work() as work:
        work.session.execute(
            update(CandidateRow).where(CandidateRow.id == candidate_id).values(labelled_at=moment)
        )


def test_the_timeline_counts_each_label_in_the_bin_of_its_moment(http, database, labelled):
    ids = labelled(("teacher", None, [P, P]), ("student", 1, [P, W]), ("student", 1, [P, P]))
    timeline = http.get("/v1/timeline", params={"minutes": 10, "bins": 5}).json()
    starts = [datetime.fromisoformat(item["start"]) for item in timeline["bins"]]
    second = timedelta(seconds=1)
    label_at(database, ids[0], starts[1])
    label_at(database, ids[1], starts[2] - second)
    label_at(database, ids[2], starts[0] - second)

    again = http.get("/v1/timeline", params={"minutes": 10, "bins": 5}).json()

    assert timeline["bin_seconds"] == 120
    assert [later - start for start, later in itertools.pairwise(starts)] == [
        timedelta(seconds=120)
    ] * 4
    assert starts[-1] <= datetime.now(UTC) < starts[-1] + timedelta(seconds=240)
    assert timeline["bins"][-1]["labels"] == {
        "teacher": {"all_pass": 1},
        "student": {"partial_pass": 1, "all_pass": 1},
    }
    by_start = {datetime.fromisoformat(item["start"]): item["labels"] for item in again["bins"]}
    assert by_start[starts[1]] == {"teacher": {"all_pass": 1}, "student": {"partial_pass": 1}}
    assert sum(len(labels) for labels in by_start.values()) == 2


def test_the_timeline_reads_an_index_and_not_the_table(database, labelled):
    labelled(("teacher", None, [P, P]))
    with database.reading() as session:
        session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = "\n".join(
            session.scalars(
                text(
                    "EXPLAIN SELECT count(*) FROM candidates"
                    " WHERE labelled_at >= now() - interval '1 hour'"
                )
            )
        )

    assert "ix_candidates_labelled_at" in plan


def test_versions_count_labels_and_pass_at_1_by_problem(http, labelled):
    labelled(("student", 1, [P, P]), ("student", 1, [P, W]), ("teacher", None, [P, P]))
    labelled(("student", 1, [W, W]), ("student", 2, [P, P]), slug="test/other")
    labelled(("student", 1, [P, P]), policy="second")

    answer = http.get("/v1/versions").json()

    found = {(item["policy"], item["author"], item["version"]): item for item in answer["versions"]}
    assert set(found) == {
        ("default", "student", 1),
        ("default", "student", 2),
        ("default", "teacher", None),
        ("second", "student", 1),
    }
    first = found["default", "student", 1]
    assert first["pass_at_1"] == pytest.approx((1 / 2 + 0) / 2)
    assert (first["problems"], first["labels"]["all_pass"], first["labels"]["partial_pass"]) == (
        2,
        1,
        2,
    )
    assert set(first["labels"]) == set(Label)


def test_versions_look_no_further_back_than_they_are_told(http, labelled):
    labelled(("student", 1, [P, P]))
    labelled(("student", 2, [P, P]), ("student", 2, [P, W]))

    answer = http.get("/v1/versions", params={"candidates": 2}).json()

    assert [item["version"] for item in answer["versions"]] == [2]


def test_live_says_what_waits_and_who_holds_a_lease(http, form_batch, make_group, dispatch):
    form_batch()
    http.post("/v1/training-batches/lease", json={"worker": "trainer-1"})
    make_group(("student", "sent"))
    dispatch()
    make_group(("student", "waits"), ("teacher", "waits too"))

    live = http.get("/v1/live").json()

    assert (live["waiting"], live["sent"], live["open_groups"]) == (2, 1, 2)
    assert live["training_batches"] == {
        "ready": 0, "leased": 1, "quarantined": 0, "stale": 0,
    }  # fmt: skip
    assert [(item["worker"], item["batches"]) for item in live["trainers"]] == [("trainer-1", 1)]
    assert live["queues"] == {"sampler": 0, "executor": 0, "ranker": 0}
    assert live["oldest_seconds"]["outbox"] > 0
    assert live["workers"] == []


def test_live_looks_once_for_all_who_ask_at_the_same_time(http, make_group):
    first = http.get("/v1/live").json()
    make_group(("student", "waits"))

    assert http.get("/v1/live").json() == first


def test_groups_can_be_read_newest_first_page_by_page(http, make_group):
    made = [str(make_group(("student", f"number {number}"))) for number in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": 2, "newest_first": True} | ({"cursor": cursor} if cursor else {})
        page = http.get("/v1/groups", params=params).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert seen == made[::-1]


def test_every_key_may_ask_what_it_may_do_and_only_readers_see_more(http, client, is_problem):
    made = client.create_key(NewApiKey(name="trainer", scopes=frozenset({Scope.TRAIN})))
    headers = {"Authorization": f"Bearer {made.key}"}

    assert http.get("/v1/caller", headers=headers).json() == {
        "scopes": ["train"],
        "project": "default",
        "candidates_per_day": None,
    }
    assert set(http.get("/v1/caller").json()["scopes"]) == set(Scope)
    for path in ("live", "timeline", "versions", "keys"):
        is_problem(http.get(f"/v1/{path}", headers=headers), 403, "forbidden")
    is_problem(http.get("/v1/caller", headers={"Authorization": "Bearer x"}), 401, "unauthorized")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("timeline", {"minutes": 1441}),
        ("timeline", {"bins": 0}),
        ("timeline", {"bins": 241}),
        ("versions", {"candidates": 1_000_001}),
    ],
)
def test_windows_are_bounded(http, is_problem, path, params):
    is_problem(http.get(f"/v1/{path}", params=params), 422, "invalid_input")
