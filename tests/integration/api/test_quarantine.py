"""What was set aside: listed, tried again, or kept because a trainer has the rest of its group."""

import json
import threading
import time
from uuid import UUID

import pytest
from sqlalchemy import delete, text, update
from typer.testing import CliRunner

from infra import intake
from infra.contracts.base import (
    Author,
    BatchState,
    CandidateState,
    GroupState,
    Label,
    Outcome,
    SampleState,
)
from infra.contracts.candidates import NewCandidate
from infra.contracts.ranking import LeaseRequest
from infra.contracts.views.api import QuarantineKind
from infra.db.tables import GroupRow, RankingRow, TrainingBatchRow
from infra.queues.messaging import Task
from ranker import groups, records
from ranker.batching import batches
from ranker.ranking import Rules
from services.audit import Maxima, audit
from services.cli.main import app

CANDIDATE, SAMPLES = QuarantineKind.CANDIDATE, QuarantineKind.SAMPLE_REQUEST


@pytest.fixture(autouse=True)
def nothing_is_wrong(database):
    """Whatever was done, the auditor finds nothing."""
    yield
    assert audit(database, Maxima(max_attempts=3, max_leases=5)).findings == ()


def test_poison_is_listed_with_its_reason_and_may_be_released(
    client, poison, dispatch, sent, database, results_for
):
    group_id, both, _ = poison()
    listed = list(client.quarantine(CANDIDATE))
    assert [(item.group_id, item.reason) for item in listed] == [(group_id, "no cell")] * 2

    # One of two like programs is enough; they have one label.
    released = client.release(CANDIDATE, [listed[1].id])

    assert set(released.released) == both
    assert released.kept == ()
    assert client.get_group(group_id).state is GroupState.OPEN
    sent.messages.clear()
    dispatch()
    (request,) = sent.of(Task.EXECUTE_BATCH)
    assert [p.source for p in request.programs][-1] == "poison 0"
    outcomes = {listed[0].id: [Outcome.PASSED, Outcome.WRONG_ANSWER]}
    with database.unit_of_work() as work:
        assert records.record_results(work, results_for(outcomes), Rules()) == [group_id]
    labels = [row.label for row in client.candidates(group_id)]
    assert labels[2:] == [Label.PARTIAL_PASS] * 2
    assert list(client.quarantine(CANDIDATE)) == []


def test_a_verdict_that_came_too_late_is_taken_at_the_release(
    client, poison, database, results_for, dispatch, sent
):
    group_id, both, _ = poison()
    original = min(both)
    with database.unit_of_work() as work:
        late = {original: [Outcome.PASSED, Outcome.WRONG_ANSWER]}
        records.record_results(work, results_for(late, attempt=3), Rules())

    released = client.release(CANDIDATE, [original])

    assert set(released.released) == both
    labels = [row.label for row in client.candidates(group_id)]
    assert labels[2:] == [Label.PARTIAL_PASS] * 2
    dispatch()
    assert sent.of(Task.EXECUTE_BATCH) == []
    with database.unit_of_work() as work:
        groups.lock(work, [group_id])
        assert groups.rank_complete(work, [group_id], Rules())


def test_one_that_cannot_be_released_does_not_stop_the_others(client, poison, batch, lease):
    trained = poison()
    batch(1)
    (leased,) = lease()
    free = poison()

    result = client.release(CANDIDATE, [*trained.set_aside, *free.set_aside])

    assert set(result.released) == free.set_aside
    assert {one.id for one in result.kept} == trained.set_aside
    for one in result.kept:
        assert f"batch {leased.batch_id}, which is leased" in one.reason
        assert one.reason.endswith("submit the program in a new group")
    assert {item.id for item in client.quarantine(CANDIDATE)} == trained.set_aside
    assert client.get_group(trained.group_id).state is GroupState.RANKED
    assert client.get_group(free.group_id).state is GroupState.OPEN


def test_a_batch_that_nobody_has_leased_gives_a_group_back(client, poison, batch, lease):
    released, other, alone = poison(), poison(), poison()
    batch(2)
    batch(1)
    together, single = client.training_batches()

    result = client.release(CANDIDATE, [*released.set_aside, *alone.set_aside])

    assert set(result.released) == released.set_aside | alone.set_aside
    (left,) = client.training_batches()
    assert left.id == together.id != single.id
    assert left.group_ids == (other.group_id,)
    assert (left.num_groups, left.num_pairs) == (1, together.num_pairs // 2)
    (leased,) = lease(limit=9)
    assert [group.group_id for group in leased.groups] == [other.group_id]


def test_a_batch_that_a_trainer_gave_back_keeps_its_groups(client, poison, batch, lease, database):
    held = poison()
    batch(1)
    (leased,) = lease()
    with database.unit_of_work() as work:
        work.session.execute(
            update(TrainingBatchRow).values(state=BatchState.READY, lease_until=None)
        )

    result = client.release(CANDIDATE, list(held.set_aside))

    assert result.released == ()
    assert {one.id for one in result.kept} == held.set_aside
    assert f"batch {leased.batch_id}, which a trainer has had" in result.kept[0].reason


def test_samples_that_nobody_answered_may_be_asked_for_again(client, poison, batch, dispatch):
    group_id, _, request_id = poison(samples=1)
    batch(1)
    (listed,) = client.quarantine(SAMPLES)
    assert (listed.group_id, listed.reason) == (group_id, "1 of 4 samples: the budget is 5")

    released = client.release(SAMPLES, [listed.id])

    assert released.released == (request_id,)
    assert client.get_group(group_id).state is GroupState.OPEN
    assert dispatch()
    assert list(client.quarantine(SAMPLES)) == []


def test_samples_for_a_group_that_is_being_trained_are_to_be_asked_for_anew(
    client, poison, batch, lease
):
    group_id, _, request_id = poison(samples=1)
    batch(1)
    lease()

    result = client.release(SAMPLES, [request_id])

    (kept,) = result.kept
    assert (result.released, kept.id) == ((), request_id)
    assert kept.reason.endswith("ask for the rest in a new group")
    assert client.get_group(group_id).samples[0].state is SampleState.QUARANTINED


def test_releasing_what_is_not_set_aside_changes_nothing(client, make_group):
    (one,) = client.candidates(make_group(("student", "x")))

    for kind in QuarantineKind:
        result = client.release(kind, [one.id])
        assert (result.released, result.kept) == ((), ())
    assert list(client.quarantine(QuarantineKind.TRAINING_BATCH)) == []


def test_a_release_waits_for_a_batch_that_is_being_formed(client, poison, database):
    group_id, both, _ = poison()
    results = []
    releasing = threading.Thread(
        target=lambda: results.append(client.release(CANDIDATE, list(both)))
    )

    with database.unit_of_work() as work:
        assert batches.form(work, 1) == 1
        releasing.start()
        while releasing.is_alive() and not waits_for_a_lock(database):
            time.sleep(0.01)
    releasing.join()

    (result,) = results
    assert set(result.released) == both
    assert client.get_group(group_id).state is GroupState.OPEN
    assert list(client.training_batches()) == []


def test_a_copy_of_it_that_comes_meanwhile_is_released_with_it(client, poison, database):
    group_id, both, _ = poison()
    first, *_ = sorted(both)
    with database.unit_of_work() as work:
        ranking = delete(RankingRow).where(RankingRow.group_id == group_id)
        work.session.execute(ranking)
        work.session.get_one(GroupRow, group_id).state = GroupState.OPEN
        work.session.get_one(GroupRow, group_id).ranked_at = None
    results = []
    releasing = threading.Thread(target=lambda: results.append(client.release(CANDIDATE, [first])))

    with database.unit_of_work() as work:
        program = client.get_candidate(first).program
        copy = NewCandidate(author=Author.STUDENT, program=program)
        (third,) = intake.admit(work, group_id, [copy])
        releasing.start()
        while releasing.is_alive() and not waits_for_a_lock(database):
            time.sleep(0.01)
    releasing.join()

    (result,) = results
    assert set(result.released) == both | {third}


def waits_for_a_lock(database):
    query = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    with database.reading() as session:
        return session.scalar(text(query + " AND datname = current_database()"))


def test_a_batch_that_is_being_leased_keeps_its_groups(client, poison, batch, database):
    _, both, _ = poison()
    batch(1)

    with database.unit_of_work() as work:
        (leased,) = batches.lease(work, LeaseRequest(worker="trainer")).batches
        # It does not wait: who waits for a trainer while it holds groups stops everybody.
        result = client.release(CANDIDATE, list(both))

    assert {one.id for one in result.kept} == both
    (still,) = client.training_batches()
    assert (still.id, still.num_groups) == (leased.batch_id, 1)


@pytest.fixture
def rrtf(api, monkeypatch):
    monkeypatch.setenv("RRTF_CLIENT_URL", api)
    monkeypatch.setenv("RRTF_CLIENT_KEY", "secret-key")
    return lambda *words: CliRunner().invoke(app, ["quarantine", *words])


def test_the_command_says_what_was_released_and_what_was_kept(rrtf, poison, batch, lease):
    kept = poison()
    batch(1)
    lease()
    free = poison()

    as_json = rrtf("--release", "--json")
    again = rrtf("--release")

    assert (as_json.exit_code, again.exit_code) == (1, 1)
    found = json.loads(as_json.stdout)
    assert set(map(UUID, found["released"])) == free.set_aside
    assert {UUID(one["id"]) for one in found["kept"]} == kept.set_aside
    lines = again.stdout.splitlines()
    assert {UUID(line.split("\t")[0]) for line in lines} == kept.set_aside
    assert all("kept: " in line and "submit the program in a new group" in line for line in lines)
    assert "0 released, 2 kept" in again.stderr


@pytest.mark.parametrize("kind", QuarantineKind)
def test_the_command_releases_every_kind(rrtf, kind, poison, batch, lease, database, client):
    poison(samples=int(kind is SAMPLES))
    if kind is QuarantineKind.TRAINING_BATCH:
        batch(1)
        lease()
        with database.unit_of_work() as work:
            work.session.execute(update(TrainingBatchRow).values(state=BatchState.QUARANTINED))
    listed = rrtf("--kind", kind.value).stdout.splitlines()

    released = rrtf("--kind", kind.value, "--release")

    assert released.exit_code == 0
    assert [line.split("\t")[0] for line in released.stdout.splitlines()] == [
        line.split("\t")[0] for line in listed
    ]
    assert f"{len(listed)} released" in released.stderr
    assert list(client.quarantine(kind)) == []
    for candidate in client.candidates(next(client.groups()).id):
        if kind is CANDIDATE:
            assert candidate.state is not CandidateState.QUARANTINED
