import threading
from datetime import timedelta

import pytest
import redis
from sqlalchemy import func, select, update

from infra import errors
from infra.contracts.base import (
    BatchState,
    CandidateState,
    GroupState,
    Label,
    Priority,
    SampleState,
)
from infra.contracts.candidates import RankGroup
from infra.db.locks import Lock
from infra.db.tables import (
    CandidateRow,
    GroupRow,
    IdempotentRequestRow,
    RankingRow,
    SampleRequestRow,
    TrainingBatchRow,
)
from infra.queues.messaging import Queue, Task
from infra.settings import SweepSettings
from ranker.batching import batches
from services.delivery import sweep as sweep_module
from services.delivery.sweep import Sweep

SETTINGS = SweepSettings()
LONG_AGO = SETTINGS.started_seconds + 1


class SweepThenSend(Sweep):
    """A sweep, and after each of its rounds one of the dispatcher."""

    def __init__(self, suite, redis_url):
        super().__init__(suite.database, redis_url, SETTINGS, batch_groups=2)
        self._suite = suite

    def round(self):
        super().round()
        self._suite.dispatch()


@pytest.fixture
def sweep(suite, redis_url):
    return SweepThenSend(suite, redis_url)


@pytest.fixture
def fill(redis_url):
    """Put messages into a queue."""

    def push(queue: Queue, count: int) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.rpush(queue.value, *["waiting"] * count)

    return push


def test_work_that_was_committed_and_never_sent_is_sent(suite, sweep):
    suite.outbox.reachable = False
    suite.open(suite.teacher("good"), suite.student("bad"), suite.student("bad"), samples=1)
    suite.outbox.reachable = True
    suite.age(SETTINGS.unsent_seconds + 1)

    sweep.round()

    first, second, _ = suite.all(CandidateRow)
    assert suite.outbox.programs() == [(first.id, 1), (second.id, 1)]
    (request,) = suite.all(SampleRequestRow)
    assert [m.sample_request_id for m in suite.outbox.of(Task.SAMPLE_GROUP)] == [request.id]


def test_what_was_just_sent_is_not_sent_again(suite, sweep):
    suite.open(suite.teacher("good"), samples=1)
    suite.outbox.sent.clear()

    sweep.round()
    suite.age(SETTINGS.unsent_seconds + 1)
    sweep.round()
    sweep.round()

    assert len(suite.outbox.programs()) == 1
    assert len(suite.outbox.of(Task.SAMPLE_GROUP)) == 1


def test_a_long_queue_is_given_time(suite, sweep, fill):
    suite.open(suite.teacher("good"), samples=1)
    suite.outbox.sent.clear()
    fill(Queue.EXECUTOR, 1)
    fill(Queue.SAMPLER, 1)

    suite.age(SETTINGS.unsent_seconds + 1)
    sweep.round()
    assert suite.outbox.sent == []

    suite.age(SETTINGS.backlog_seconds)
    sweep.round()
    assert len(suite.outbox.programs()) == 1


@pytest.mark.parametrize("priority", list(Priority))
def test_a_message_lost_from_a_queue_that_never_empties_is_found(suite, sweep, fill, priority):
    suite.open(suite.teacher("lost"), suite.teacher("lost too"), priority=priority)
    suite.age(SETTINGS.unsent_seconds + 1)
    suite.outbox.sent.clear()
    other = {Priority.BULK: Priority.INTERACTIVE, Priority.INTERACTIVE: Priority.BULK}
    fill(Queue.EXECUTOR, 1)

    suite.open(suite.teacher("of the other queue"), priority=other[priority])
    ((later, _),) = suite.outbox.programs()
    suite.start(later)
    suite.outbox.sent.clear()
    sweep.round()
    assert suite.outbox.programs() == []  # It may stand behind all of that.

    suite.open(suite.teacher("later"), priority=priority)
    ((later, _),) = suite.outbox.programs()
    suite.start(later)
    suite.outbox.sent.clear()
    sweep.round()

    lost = suite.all(CandidateRow)[:2]
    assert suite.outbox.programs() == [(row.id, 1) for row in lost]


def test_work_in_progress_is_left_alone(suite, sweep):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    suite.start(good)
    suite.outbox.sent.clear()

    suite.age(SETTINGS.started_seconds - 1)
    sweep.round()

    assert suite.outbox.sent == []


def test_lost_work_is_sent_again_as_the_next_attempt(suite, sweep):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    suite.start(good)
    suite.outbox.sent.clear()
    suite.age(LONG_AGO)

    sweep.round()
    sweep.round()

    assert suite.outbox.programs() == [(good, 2)]


@pytest.mark.parametrize("is_begun", [True, False])
def test_what_waits_for_a_slow_ranker_is_not_taken_for_lost(suite, sweep, fill, is_begun):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    if is_begun:
        suite.start(good)
    suite.outbox.sent.clear()
    suite.age(LONG_AGO)
    fill(Queue.RANKER, 500)

    sweep.round()

    assert suite.outbox.sent == []


def test_a_failure_of_ours_is_tried_again(suite, sweep):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    suite.start(good)
    suite.fail(good)
    suite.outbox.sent.clear()
    suite.age(SETTINGS.unsent_seconds + 1)

    sweep.round()

    assert suite.outbox.programs() == [(good, 2)]


def test_what_was_left_to_others_is_sent_again_as_the_same_attempt_however_often(suite, sweep):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    for _ in range(SETTINGS.max_attempts + 1):
        suite.fail(good)  # Without having begun.
        suite.outbox.sent.clear()
        suite.age(SETTINGS.unsent_seconds + 1)

        sweep.round()

        assert suite.outbox.programs() == [(good, 1)]
    assert suite.candidate(good).state is CandidateState.SUBMITTED
    assert suite.candidate(good).reason == "no cell"


def test_what_begins_after_all_is_not_sent_again_beside_it(suite, sweep, redis_url):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    suite.age(SETTINGS.unsent_seconds + 1)
    Sweep(suite.database, redis_url, SETTINGS, 2).round()
    assert suite.candidate(good).sent_at is None

    suite.start(good)
    suite.dispatch()

    assert suite.outbox.programs() == [(good, 1)]

    suite.age(LONG_AGO)
    sweep.round()
    suite.dispatch()

    assert suite.outbox.programs() == [(good, 1), (good, 2)]


def test_poison_is_set_aside_after_three_attempts_and_its_group_is_ranked(suite, sweep):
    group_id = suite.open(
        suite.teacher("good"),
        suite.student("bad"),
        suite.student("poison"),
        suite.student("poison"),
    )
    (good, _), (bad, _), (poison, _) = suite.outbox.programs()
    suite.record(suite.result(good, Label.ALL_PASS), suite.result(bad, Label.RUNTIME_ERROR))
    attempts = []
    for _ in range(5):
        suite.outbox.sent.clear()
        suite.age(LONG_AGO)
        sweep.round()
        attempts += suite.outbox.programs()
        if suite.outbox.programs():
            suite.start(poison)  # and the executor dies

    assert attempts == [(poison, 1), (poison, 2), (poison, 3)]
    assert suite.candidate(poison).reason == "3 attempts: no executor finished it"
    states = [row.state for row in suite.all(CandidateRow)]
    assert states == [CandidateState.LABELLED] * 2 + [CandidateState.QUARANTINED] * 2
    assert RankGroup(group_id=group_id) in suite.outbox.of(Task.RANK_GROUP)
    assert suite.rank(group_id)
    (ranking,) = suite.all(RankingRow)
    assert (len(ranking.order), ranking.num_pairs) == (2, 1)


def test_what_ends_its_sampler_whenever_the_broker_hands_it_out_again_is_set_aside(suite, sweep):
    suite.open(samples=1)

    with suite.work() as work:
        begun = {"attempts": SETTINGS.max_attempts + 1, "started_at": func.now()}
        work.session.execute(update(SampleRequestRow).values(begun))
    sweep.round()

    (request,) = suite.all(SampleRequestRow)
    assert request.state is SampleState.QUARANTINED


def test_the_last_attempt_is_waited_for(suite, sweep):
    suite.open(suite.teacher("good"))
    ((good, _),) = suite.outbox.programs()
    for _ in range(SETTINGS.max_attempts):
        suite.start(good)

    sweep.round()

    assert suite.candidate(good).state is CandidateState.SUBMITTED


def test_a_request_for_samples_that_nobody_answers_is_set_aside(suite, sweep):
    group_id = suite.open(samples=1)
    with suite.work() as work:
        (row,) = work.session.query(SampleRequestRow)
        row.attempts = SETTINGS.max_attempts
    suite.age(LONG_AGO)

    sweep.round()

    (request,) = suite.all(SampleRequestRow)
    assert request.state is SampleState.QUARANTINED
    assert RankGroup(group_id=group_id) in suite.outbox.of(Task.RANK_GROUP)
    assert suite.rank(group_id)


def test_a_complete_group_whose_ranking_was_lost_is_ranked(suite, sweep):
    group_id = suite.open(suite.teacher("x"))
    with suite.work() as work:
        (row,) = work.session.query(CandidateRow)
        row.state, row.label, row.pass_fraction = CandidateState.LABELLED, Label.ALL_PASS, 1.0
    suite.age(SETTINGS.interval_seconds + 1)
    suite.outbox.sent.clear()

    sweep.round()

    assert suite.outbox.sent == [(Task.RANK_GROUP, RankGroup(group_id=group_id))]
    assert suite.rank(group_id)
    (group,) = suite.all(GroupRow)
    assert group.state is GroupState.RANKED


def test_a_group_left_over_is_batched_once_it_has_waited(suite, sweep):
    suite.ranked_group()

    sweep.round()
    assert suite.all(TrainingBatchRow) == []

    suite.age(SETTINGS.flush_seconds + 1)
    sweep.round()
    (batch,) = suite.all(TrainingBatchRow)
    assert (batch.state, batch.num_groups) == (BatchState.READY, 1)


def test_a_batch_leased_too_often_is_set_aside(suite, sweep):
    suite.ranked_group()
    with suite.work() as work:
        batches.form(work, 1)
    with suite.work() as work:
        (row,) = work.session.query(TrainingBatchRow)
        row.state, row.attempts = BatchState.LEASED, batches.MAX_LEASES
        row.lease_until = row.created_at
    suite.age(1)

    sweep.round()

    (batch,) = suite.all(TrainingBatchRow)
    assert batch.state is BatchState.QUARANTINED


def test_answers_to_requests_of_yesterday_go_in_steps(suite, sweep, monkeypatch):
    monkeypatch.setattr(sweep_module, "_REQUESTS", 2)
    with suite.work() as work:
        for number in range(4):
            day = timedelta(hours=24 if number else 23)
            row = IdempotentRequestRow(api_key_id=0, key=f"{number}", fingerprint="f", answer=[])
            row.created_at = func.now() - day
            work.session.add(row)

    left = []
    for _ in range(3):
        sweep.round()
        with suite.database.reading() as session:
            left.append(session.scalars(select(IdempotentRequestRow.key)).all())

    assert [len(keys) for keys in left] == [2, 1, 1]
    assert left[-1] == ["0"]


def test_a_sweep_does_nothing_while_another_is_at_it(suite, sweep):
    suite.open(suite.student("x"))
    suite.outbox.sent.clear()
    suite.age(SETTINGS.unsent_seconds + 1)

    with suite.work() as other:
        other.session.execute(select(func.pg_advisory_xact_lock(Lock.SWEEPING)))
        sweep.round()
        assert suite.outbox.sent == []

    sweep.round()
    assert len(suite.outbox.programs()) == 1


def test_two_sweeps_at_once_send_everything_once(suite, sweep, redis_url):
    suite.open(*(suite.student(f"x = {number}") for number in range(40)))
    suite.outbox.sent.clear()
    suite.age(SETTINGS.unsent_seconds + 1)
    sweeps = [Sweep(suite.database, redis_url, SETTINGS, 2) for _ in range(3)]
    together = threading.Barrier(len(sweeps))

    def watch(one):
        together.wait()
        one.round()

    threads = [threading.Thread(target=watch, args=(one,)) for one in sweeps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    suite.dispatch()
    programs = suite.outbox.programs()
    assert len(programs) == len(set(programs)) == 40


def test_a_sweep_and_late_results_do_not_block_each_other(suite, sweep):
    for number in range(8):
        same = suite.student(f"same {number}")
        suite.open(suite.teacher(f"t{number}"), same, same)
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    with suite.work() as work:
        for row in work.session.query(CandidateRow):
            row.attempts = SETTINGS.max_attempts
    suite.age(LONG_AGO)
    together = threading.Barrier(3)
    failures = []

    def run(step, *arguments):
        together.wait()
        try:
            step(*arguments)
        except Exception as error:
            failures.append(error)

    results = [suite.result(one, Label.ALL_PASS, attempt=3) for one in reversed(ids)]
    threads = [
        threading.Thread(target=run, args=(sweep.round,)),
        threading.Thread(target=run, args=(suite.record, *results)),
        threading.Thread(target=run, args=(suite.start, *ids)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    states = {row.state for row in suite.all(CandidateRow)}
    assert len(states) == 1
    assert states <= {CandidateState.LABELLED, CandidateState.QUARANTINED}


def test_a_round_without_redis_says_so(suite):
    away = Sweep(suite.database, "redis://127.0.0.1:9", SETTINGS, batch_groups=2)

    with pytest.raises(errors.Unavailable):
        away.round()


@pytest.mark.parametrize(
    ("at_most", "rounds", "again"), [("_LOOKED_AT", 3, [0]), ("_ROUND", 2, [0, 3])]
)
def test_every_complete_group_is_found_though_a_round_takes_few(
    suite, sweep, monkeypatch, at_most, rounds, again
):
    monkeypatch.setattr(f"services.delivery.sweep.{at_most}", 2)
    groups = [suite.open(suite.teacher(f"t{number}")) for number in range(5)]
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    for candidate_id in (ids[0], ids[3], ids[4]):
        with suite.work() as work:
            work.session.get_one(CandidateRow, candidate_id).state = CandidateState.QUARANTINED
    suite.age(SETTINGS.interval_seconds + 1)

    for _ in range(rounds):
        before = len(suite.outbox.of(Task.RANK_GROUP))
        sweep.round()
        assert len(suite.outbox.of(Task.RANK_GROUP)) <= before + 2
    found = [message.group_id for message in suite.outbox.of(Task.RANK_GROUP)]
    assert found == [groups[0], groups[3], groups[4]]

    # And from the beginning once more, for nobody has ranked them.
    sweep.round()
    assert [message.group_id for message in suite.outbox.of(Task.RANK_GROUP)][3:] == [
        groups[n] for n in again
    ]
