import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from infra import errors
from infra.contracts.base import Author, BatchState, Integrity, Label
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    Lease,
    LeaseRequest,
    NewCheckpoint,
)
from infra.db.tables import CheckpointRow, RankingRow, TrainingBatchRow
from ranker.batching import batches
from ranker.ranking import Rules


def form(suite, size=1, flush=False):
    flush_before = datetime.now(UTC) + timedelta(days=1) if flush else None
    with suite.work() as work:
        return batches.form(work, size, flush_before)


def lease(suite, worker="trainer", **more):
    with suite.work() as work:
        return batches.lease(work, LeaseRequest(worker=worker, **more)).batches


def held(*leased):
    return tuple(Lease(batch_id=one.batch_id, epoch=one.epoch) for one in leased)


def complete(suite, leases, version=1, weights="a", policy="default"):
    checkpoint = NewCheckpoint(version=version, path=f"/w/{version}", sha256=weights * 64)
    with suite.work() as work:
        return batches.complete(
            work, CompleteRequest(policy=policy, leases=leases, checkpoint=checkpoint)
        )


def heartbeat(suite, leases):
    with suite.work() as work:
        batches.heartbeat(work, HeartbeatRequest(leases=leases))


def test_only_whole_batches_are_formed_and_oldest_groups_first(suite):
    groups = [suite.ranked_group(number) for number in range(5)]

    assert form(suite, 2) == 2
    assert form(suite, 2) == 0

    batched = [row.group_id for row in suite.all(RankingRow) if row.training_batch_id]
    assert batched == groups[:4]
    assert [row.num_groups for row in suite.all(TrainingBatchRow)] == [2, 2]


def test_groups_that_waited_long_are_batched_though_too_few(suite):
    for number in range(3):
        suite.ranked_group(number)

    assert form(suite, 2, flush=True) == 2
    assert [row.num_groups for row in suite.all(TrainingBatchRow)] == [2, 1]


def test_a_group_that_teaches_nothing_is_not_batched(suite):
    suite.open(suite.student("x"))
    ((alone, _),) = suite.outbox.programs()
    suite.record(suite.result(alone, Label.ALL_PASS))

    assert form(suite, 1, flush=True) == 0


def test_groups_of_two_policies_are_never_in_one_batch(suite):
    suite.ranked_group(1, policy="one")
    suite.ranked_group(2, policy="two")

    assert form(suite, 2) == 0
    assert form(suite, 2, flush=True) == 2
    assert lease(suite, policy="default") == ()
    assert len(lease(suite, policy="one", limit=9)) == 1


def test_batches_formed_by_two_at_once_hold_every_group_once(suite):
    for number in range(6):
        suite.ranked_group(number)
    together = threading.Barrier(3)
    formed = []

    def former():
        together.wait()
        formed.append(form(suite, 2))

    threads = [threading.Thread(target=former) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(formed) == 3
    assert all(row.training_batch_id for row in suite.all(RankingRow))


@pytest.mark.parametrize("integrity", list(Integrity))
def test_a_lease_carries_all_that_training_takes(suite, integrity):
    group_id = suite.open(suite.teacher("good"), suite.student("bad \ud800"), suite.student(""))
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    labels = (Label.ALL_PASS, Label.PARTIAL_PASS, Label.RUNTIME_ERROR)
    results = [suite.result(*pair) for pair in zip(ids, labels, strict=True)]
    shared = results[0].verdict.model_copy(update={"integrity": integrity})
    suite.record(results[0].model_copy(update={"verdict": shared}), *results[1:])
    form(suite)

    (leased,) = lease(suite)

    (group,) = leased.groups
    assert group.integrity is integrity
    assert (group.group_id, group.problem_slug, group.prompt) == (
        group_id,
        "double",
        "Double it.",
    )
    assert [response.candidate_id for response in group.responses] == ids[:2]
    assert [response.program for response in group.responses] == ["good", "bad ?"]
    assert [response.author for response in group.responses] == [Author.TEACHER, Author.STUDENT]
    assert group.best == 0
    assert [response.score for response in group.responses] == [1.0, (2 + 0.9 * 0.5) / 3]
    assert [response.pass_fraction for response in group.responses] == [1.0, 0.5]
    assert group.pairs == ((0, 1, pytest.approx(1.0 - (2 + 0.9 * 0.5) / 3)),)


def test_responses_without_a_pair_are_there_for_trainers_that_compare_all(suite):
    programs = ("passes", "half", "half too", "does not compile")
    suite.open(
        suite.teacher(programs[1]), *(suite.student(one) for one in programs if one != "half")
    )
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    labels = (Label.PARTIAL_PASS, Label.ALL_PASS, Label.PARTIAL_PASS, Label.COMPILE_ERROR)
    suite.record(*(suite.result(*pair) for pair in zip(ids, labels, strict=True)))
    form(suite)

    (leased,) = lease(suite)

    (group,) = leased.groups
    assert [response.program for response in group.responses] == list(programs)
    # A teacher's bonus is in the gap of a tie alone, which `half` and `half too` are.
    assert [response.score for response in group.responses] == [1.0, 2.45 / 3, 2.45 / 3, 0.0]
    assert [pair[:2] for pair in group.pairs] == [(1, 2), (1, 3)]
    assert group.pairs[0][2] == Rules().tie_bonus
    assert group.best == 0


def test_where_nothing_was_written_there_is_no_response_however_good_its_label(suite):
    nothing = {"completion": " \n", "program": "def double(x):\n    'Doubles it.'\n"}
    suite.open(
        suite.teacher("half"),
        suite.student("bad"),
        suite.student("x").model_copy(update=nothing),
        suite.student("# to be done\n"),
    )
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    labels = (Label.PARTIAL_PASS, Label.RUNTIME_ERROR, Label.ALL_PASS, Label.ALL_PASS)
    suite.record(*(suite.result(*pair) for pair in zip(ids, labels, strict=True)))
    form(suite)

    (leased,) = lease(suite)

    (group,) = leased.groups
    assert [response.program for response in group.responses] == ["half", "bad"]
    assert (group.best, [pair[:2] for pair in group.pairs]) == (0, [(0, 1)])


def test_of_several_trainers_that_ask_at_once_one_gets_batches(suite):
    for number in range(4):
        suite.ranked_group(number)
    form(suite)
    together = threading.Barrier(4)
    taken, refused = [], []

    def trainer(name):
        together.wait()
        try:
            taken.append(lease(suite, worker=name, limit=2))
        except errors.PolicyBusy as busy:
            refused.append(busy.detail)

    threads = [threading.Thread(target=trainer, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [len(leased) for leased in taken] == [2]
    assert len(refused) == 3
    assert all("is trained by 't" in detail for detail in refused)


def test_a_second_trainer_is_refused_until_the_first_holds_nothing(suite):
    suite.ranked_group(1)
    suite.ranked_group(2)
    form(suite)
    first = lease(suite, worker="first")

    with pytest.raises(errors.PolicyBusy, match="'first'"):
        lease(suite, worker="second")
    assert len(lease(suite, worker="first")) == 1
    suite.age(1000)

    assert [one.batch_id for one in lease(suite, worker="second")] == [first[0].batch_id]
    with pytest.raises(errors.PolicyBusy, match="'second'"):
        lease(suite, worker="first")


def test_trainers_of_two_policies_do_not_wait_for_one_another(suite):
    suite.ranked_group(1, policy="one")
    suite.ranked_group(2, policy="two")
    form(suite)

    with suite.work() as other:
        (taken,) = batches.lease(other, LeaseRequest(worker="other", policy="one")).batches
        with suite.work() as work:
            work.session.execute(text("SET LOCAL lock_timeout = '5s'"))
            (leased,) = batches.lease(work, LeaseRequest(worker="mine", policy="two")).batches

    assert taken.batch_id != leased.batch_id


def test_a_fresh_trainer_gets_back_at_once_and_in_order_what_its_name_held(suite):
    for number in range(3):
        suite.ranked_group(number)
    form(suite)
    before = lease(suite, limit=2)

    after = lease(suite, limit=3, fresh=True)

    assert [one.batch_id for one in after] == sorted(row.id for row in suite.all(TrainingBatchRow))
    assert [one.epoch for one in after] == [2, 2, 1]
    with pytest.raises(errors.LeaseLost):
        complete(suite, held(*before))


def test_a_batch_that_kills_its_trainer_is_not_given_back_for_ever(suite):
    suite.ranked_group(1)
    form(suite)
    for _ in range(batches.MAX_LEASES):
        assert len(lease(suite, fresh=True)) == 1

    assert lease(suite, fresh=True) == ()
    suite.age(1000)
    with suite.work() as work:
        assert batches.quarantine_exhausted(work) == 1


def test_a_heartbeat_extends_the_lease(suite):
    suite.ranked_group()
    form(suite)
    leased = lease(suite)
    suite.age(60)
    (before,) = suite.all(TrainingBatchRow)

    heartbeat(suite, held(*leased))

    (after,) = suite.all(TrainingBatchRow)
    assert after.lease_until > before.lease_until


def test_an_ended_lease_goes_to_the_next_trainer_and_fences_off_the_first(suite):
    suite.ranked_group()
    form(suite)
    old = held(*lease(suite, worker="slow"))
    suite.age(1000)

    new = held(*lease(suite, worker="quick"))

    assert new[0].batch_id == old[0].batch_id
    assert new[0].epoch == old[0].epoch + 1
    with pytest.raises(errors.LeaseLost):
        heartbeat(suite, old)
    with pytest.raises(errors.LeaseLost):
        complete(suite, old)
    assert suite.all(CheckpointRow) == []
    complete(suite, new)
    with pytest.raises(errors.LeaseLost):
        complete(suite, old, weights="b", version=2)


def test_an_ended_lease_that_nobody_took_over_may_still_complete(suite):
    suite.ranked_group()
    form(suite)
    leases = held(*lease(suite))
    suite.age(1000)

    complete(suite, leases)

    (batch,) = suite.all(TrainingBatchRow)
    assert batch.state is BatchState.COMPLETED


def test_completion_records_all_batches_with_their_checkpoint(suite):
    suite.ranked_group(1)
    suite.ranked_group(2)
    form(suite)
    leases = held(*lease(suite, limit=2))

    checkpoint_id = complete(suite, leases)

    rows = suite.all(TrainingBatchRow)
    assert {row.checkpoint_id for row in rows} == {checkpoint_id}
    assert {row.state for row in rows} == {BatchState.COMPLETED}
    assert all(row.completed_at for row in rows)
    assert lease(suite, limit=2) == ()


def test_completion_is_all_or_nothing(suite):
    suite.ranked_group(1)
    suite.ranked_group(2)
    form(suite)
    good, other = held(*lease(suite, limit=2))
    stale = Lease(batch_id=other.batch_id, epoch=other.epoch - 1)

    with pytest.raises(errors.LeaseLost):
        complete(suite, (good, stale))

    assert {row.state for row in suite.all(TrainingBatchRow)} == {BatchState.LEASED}
    assert suite.all(CheckpointRow) == []


def test_the_same_completion_again_returns_the_same_checkpoint(suite):
    suite.ranked_group()
    form(suite)
    leases = held(*lease(suite))

    assert complete(suite, leases) == complete(suite, leases)
    assert len(suite.all(CheckpointRow)) == 1


def test_two_trainers_that_complete_one_batch_leave_one_checkpoint(suite):
    suite.ranked_group()
    form(suite)
    leases = held(*lease(suite))
    together = threading.Barrier(2)
    outcomes = []

    def trainer(version, weights):
        together.wait()
        try:
            outcomes.append(complete(suite, leases, version, weights))
        except errors.SuiteError as error:
            outcomes.append(type(error))

    threads = [threading.Thread(target=trainer, args=pair) for pair in ((1, "a"), (2, "b"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors.LeaseLost in outcomes
    (checkpoint,) = suite.all(CheckpointRow)
    assert checkpoint.id in outcomes


def test_versions_of_a_policy_only_rise(suite):
    for number in range(3):
        suite.ranked_group(number)
    form(suite)
    first, second, third = held(*lease(suite, limit=3))
    complete(suite, (first,), version=5)

    for version in (4, 5):
        with pytest.raises(errors.Conflict, match="not above"):
            complete(suite, (second,), version=version, weights="b")
    complete(suite, (second,), version=6, weights="b")
    with pytest.raises(errors.Conflict):
        complete(suite, (third,), version=6, weights="b")


def test_a_batch_is_completed_only_for_its_own_policy(suite):
    suite.ranked_group(1, policy="one")
    suite.ranked_group(2, policy="two")
    form(suite)
    leases = held(*lease(suite, policy="one"))

    with pytest.raises(errors.LeaseLost):
        complete(suite, leases, policy="two")
    with pytest.raises(errors.NotFound):
        complete(suite, leases, policy="three")


def test_a_batch_that_nobody_completes_is_set_aside(suite):
    suite.ranked_group()
    form(suite)
    for _ in range(batches.MAX_LEASES):
        (last,) = held(*lease(suite))
        suite.age(1000)

    assert lease(suite) == ()
    with suite.work() as work:
        assert batches.quarantine_exhausted(work) == 1
    (batch,) = suite.all(TrainingBatchRow)
    assert batch.state is BatchState.QUARANTINED
    with pytest.raises(errors.LeaseLost):
        complete(suite, (last,))


def sampled_group(suite, number, version):
    """Make a group whose student's candidate was written by a version of the policy."""
    student = suite.student(f"bad {number}").model_copy(update={"policy_version": version})
    suite.open(suite.teacher(f"good {number}"), student)
    (good, _), (bad, _) = suite.outbox.programs()[-2:]
    suite.record(suite.result(good, Label.ALL_PASS), suite.result(bad, Label.COMPILE_ERROR))
    return good, bad


def test_a_checkpoint_records_how_stale_each_candidate_was(suite):
    teacher, student = sampled_group(suite, 1, version=0)
    form(suite)
    complete(suite, held(*lease(suite)), version=1)
    _, later = sampled_group(suite, 2, version=1)
    form(suite)

    complete(suite, held(*lease(suite)), version=5)

    assert suite.candidate(student).staleness == 1
    assert suite.candidate(later).staleness == 4
    assert suite.candidate(teacher).staleness is None


def test_what_is_staler_than_the_trainer_accepts_is_set_aside_and_the_rest_leased(suite):
    sampled_group(suite, 1, version=0)
    form(suite)
    complete(suite, held(*lease(suite)), version=6)
    sampled_group(suite, 2, version=1)
    sampled_group(suite, 3, version=3)
    form(suite)

    (leased,) = lease(suite, max_staleness=3, limit=9)

    assert [group.responses[0].program for group in leased.groups] == ["good 3"]
    states = [row.state for row in suite.all(TrainingBatchRow)]
    assert states == [BatchState.COMPLETED, BatchState.STALE, BatchState.LEASED]
    assert lease(suite, limit=9) == ()


def test_what_no_version_of_the_policy_wrote_is_never_stale(suite):
    sampled_group(suite, 1, version=0)
    form(suite)
    complete(suite, held(*lease(suite)), version=90)
    sampled_group(suite, 2, version=1)
    sampled_group(suite, 3, version=None)
    form(suite)

    (leased,) = lease(suite, max_staleness=0, limit=9)

    assert leased.groups[0].responses[0].program == "good 3"
