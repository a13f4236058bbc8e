"""Candidates are found among all, have a history, and are run again."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.contracts.base import Label, Outcome
from infra.contracts.candidates import AGAIN, NewCandidate, NewGroup
from ranker import records
from ranker.ranking import Rules

PASSED, WRONG = Outcome.PASSED, Outcome.WRONG_ANSWER


@pytest.fixture
def labelled(client, database, problem, results_for):
    """Label candidates of a new group, given with their outcomes; return their ids."""

    def make(*entries, slug="test/add", **fields):
        stored = client.add_problem(problem.model_copy(update={"slug": slug}))
        candidates = tuple(NewCandidate(**given) for given, _ in entries)
        group = client.create_group(stored.id, NewGroup(candidates=candidates, **fields))
        ids = [item.id for item in client.candidates(group.id)]
        outcomes = {one: [end] * 2 for one, (_, end) in zip(ids, entries, strict=True) if end}
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())
        return [str(one) for one in ids]

    return make


def test_candidates_are_found_by_each_filter_and_by_several_newest_first(http, labelled):
    begun = datetime.now(UTC) - timedelta(seconds=1)
    teacher = {"author": "teacher", "program": "a", "model": "Large_1"}
    student = {"author": "student", "program": "b", "model": "LargeX1"}
    good, bad = labelled((teacher, PASSED), (student, WRONG), slug="set_one/Add")
    other, open_ = labelled((student, PASSED), (student | {"program": "c"}, None), policy="second")
    late = (datetime.now(UTC) + timedelta(seconds=1)).isoformat()

    def found(path="candidates", **params):
        answer = http.get(f"/v1/{path}", params=params)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert found() == [open_, other, bad, good]
    assert found(limit=3) == [open_, other, bad]
    assert found(limit=3, cursor=bad) == [good]
    for filters, wanted in (
        ({"label": "all_pass"}, [other, good]),
        ({"state": "submitted"}, [open_]),
        ({"author": "student"}, [open_, other, bad]),
        ({"model": "large"}, [open_, other, bad, good]),
        ({"model": "LARGE_1"}, [good]),
        ({"problem": "ET_ONE/a"}, [bad, good]),
        ({"problem": "set%"}, []),
        ({"policy": "second"}, [open_, other]),
        ({"since": begun.isoformat()}, [open_, other, bad, good]),
        ({"since": late}, []),
        ({"until": late}, [open_, other, bad, good]),
        ({"until": begun.isoformat()}, []),
        ({"until": "0001-01-01T00:00:00Z"}, []),
        ({"since": "9999-12-31T23:59:59Z"}, []),
        ({"label": "all_pass", "problem": "test/", "author": "student"}, [other]),
    ):
        assert found(**filters) == wanted, filters
    one = http.get("/v1/candidates", params={"label": "partial_pass"}).json()["items"][0]
    assert (one["problem_slug"], one["policy"]) == ("set_one/Add", "default")
    assert len(found("groups", problem="ADD", policy="default")) == 1
    assert len(found("problems", problem="dd", since=begun.isoformat())) == 2
    assert found("groups", until=begun.isoformat()) == found("problems", problem="t%t") == []
    assert http.get("/v1/candidates", params={"since": "2026-01-01T00:00:00"}).status_code == 422


def test_a_program_is_run_again_by_itself_and_both_know_of_each_other(http, database, labelled):
    program = {"author": "student", "program": "x = '\ud800'", "model": "m", "seed": 7}
    first, _ = labelled((program, WRONG), ({"author": "teacher", "program": "good"}, PASSED))

    answer = http.post(f"/v1/candidates/{first}/again")

    again = answer.json()
    old = http.get(f"/v1/candidates/{first}").json()
    assert answer.status_code == 202
    assert (again["state"], again["cached"], again["seed"]) == ("submitted", False, 7)
    assert again["program_sha256"] == old["program_sha256"]
    assert old["label"] == Label.PARTIAL_PASS
    assert http.get(f"/v1/groups/{again['group_id']}").json()["metadata"] == {"again": first}
    history = http.get(f"/v1/candidates/{first}/history").json()
    assert [(item["attempt"], item["label"]) for item in history["executions"]] == [
        (1, "partial_pass")
    ]
    assert history["labelled_at"] >= history["created_at"]
    (same,) = history["same_program"]
    assert (same["id"], same["policy"], same["label"]) == (again["id"], AGAIN, None)
    (other,) = http.get(f"/v1/candidates/{again['id']}/history").json()["same_program"]
    assert (other["id"], other["policy"]) == (first, "default")


def test_what_was_run_again_counts_once_for_its_model(http, database, labelled, results_for):
    (first,) = labelled(({"author": "student", "program": "x", "model": "m"}, WRONG))
    again = http.post(f"/v1/candidates/{first}/again").json()["id"]
    with database.unit_of_work() as work:
        records.record_results(work, results_for({again: [PASSED] * 2}), Rules())

    (model,) = http.get("/v1/models").json()["models"]

    assert sum(model["labels"].values()) == 1


def test_an_unknown_candidate_is_told(http, is_problem):
    gone = "01890a5d-ac96-774b-bcce-b302099a8057"
    for answer in (
        http.get(f"/v1/candidates/{gone}/history"),
        http.post(f"/v1/candidates/{gone}/again"),
    ):
        is_problem(answer, 404, "not_found")
