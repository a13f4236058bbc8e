"""Whoever stops in the midst of a transaction keeps nobody waiting for long."""

import os
import signal
import threading
import time
from contextlib import closing

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from infra.db import unit_of_work
from infra.db.unit_of_work import Database

LOCK = func.pg_advisory_xact_lock(7)
IS_FREE = select(func.pg_try_advisory_xact_lock(7))


@pytest.fixture
def database(database_url):
    with closing(Database(database_url)) as opened:
        yield opened


@pytest.fixture
def stopped_soon():
    """The signal by which Celery tells a task that its time is nearly over."""

    def stop(*_):
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    yield
    timer.join()
    signal.signal(signal.SIGUSR1, before)


def is_free(database):
    with database.unit_of_work() as work:
        return work.session.scalar(IS_FREE)


@pytest.mark.parametrize("kind", ["unit_of_work", "reading"])
def test_a_task_stopped_in_the_midst_of_a_statement_leaves_no_lock(database, stopped_soon, kind):
    with pytest.raises(SoftTimeLimitExceeded) as remembered, getattr(database, kind)() as opened:
        getattr(opened, "session", opened).execute(select(LOCK, func.pg_sleep(1)))

    time.sleep(1.5)  # The server first ends what it is at.
    assert is_free(database)
    assert remembered  # With its frames: nothing was only waiting to be forgotten.


def test_a_transaction_in_which_nothing_happens_is_ended(database_url, monkeypatch):
    monkeypatch.setattr(unit_of_work, "IDLE_SECONDS", 0.5)
    with closing(Database(database_url)) as database, closing(Database(database_url)) as other:
        # As if Postgres had gone away: what is tried again then is tried again now.
        with (
            pytest.raises(OperationalError, match="idle-in-transaction"),
            database.unit_of_work() as work,
        ):
            idle(work, other)

        assert is_free(database)


def idle(work, other):
    work.session.execute(select(LOCK))
    assert not is_free(other)
    time.sleep(1)
    assert is_free(other)
    work.session.execute(select(LOCK))
