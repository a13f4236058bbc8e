"""A commit wakes the dispatcher; what is rolled back does not."""

import os
import signal
import threading
import time

import psycopg
import pytest

from infra import errors, intake
from infra.contracts.base import Label
from infra.contracts.candidates import NewGroup
from infra.db.tables import CandidateRow
from infra.db.wakeup import Listener
from services.delivery.dispatcher import Dispatcher

LONG = 20.0


@pytest.fixture
def listener(database_url):
    opened = Listener(database_url)
    opened.wait(LONG)  # The first call connects, and returns at once.
    yield opened
    opened.close()


def waited(listener, seconds):
    began = time.monotonic()
    listener.wait(seconds)
    return time.monotonic() - began


def submit(suite, work):
    new = NewGroup(candidates=(suite.student("one"),))
    return intake.open_group(work, suite.problem_id, new)


def test_a_commit_with_candidates_ends_the_wait(suite, listener):
    with suite.work() as work:
        group_id = submit(suite, work)
    assert waited(listener, LONG) < LONG

    with suite.work() as work:
        intake.admit(work, group_id, [suite.student("two")])
    assert waited(listener, LONG) < LONG


def test_an_interrupt_ends_the_wait_and_all_that_come(listener):
    signal.signal(signal.SIGUSR1, lambda *_: listener.interrupt())
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()

    assert waited(listener, LONG) < LONG
    assert waited(listener, LONG) < LONG
    signal.signal(signal.SIGUSR1, signal.SIG_DFL)


def test_what_is_rolled_back_wakes_nobody(suite, listener):
    with suite.work() as work:
        submit(suite, work)
        work.session.rollback()

    assert waited(listener, 0.3) >= 0.3


def test_a_cut_connection_is_said_and_then_made_anew(suite, listener, database_url):
    with psycopg.connect(database_url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN%'"
        )

    with pytest.raises(errors.Unavailable):
        listener.wait(LONG)
    listener.wait(LONG)
    with suite.work() as work:
        submit(suite, work)
    assert waited(listener, LONG) < LONG


def test_the_dispatcher_rests_only_while_every_candidate_has_its_label(suite, sent, redis_url):
    dispatcher = Dispatcher(suite.database, sent, redis_url)
    while dispatcher.round():
        pass
    resting = dispatcher.pause_seconds()

    with suite.work() as work:
        submit(suite, work)
    while dispatcher.round():
        pass
    (candidate,) = suite.all(CandidateRow)
    # No message waits, for the sender has only kept it; but somebody may follow what runs.
    assert candidate.sent_at is not None
    assert dispatcher.pause_seconds() < resting

    suite.record(suite.result(candidate.id, Label.ALL_PASS))
    assert not dispatcher.round()
    assert dispatcher.pause_seconds() == resting
