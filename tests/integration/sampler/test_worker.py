"""Sampler workers as processes, with Celery, Valkey and a model server: killed, and overheard."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import psycopg
import pytest
import redis

from infra.contracts.base import Author, CallState, SampleState
from infra.contracts.candidates import SampleGroup, SamplePlan
from infra.db.tables import SampleRequestRow
from infra.queues.messaging import Sender, Task, celery_app
from tests.model_server.faults import Fault, Schedule
from tests.model_server.sources import Batched, Starter

KEY = "sk-not-to-be-seen-0123456789"


@pytest.fixture
def launch(database_url, redis_url, tmp_path):
    """Start workers with an endpoint each; stop them however the test ends."""
    started = []

    def launched(server, **more):
        config = tmp_path / "endpoints.toml"
        config.write_text(
            f'[teacher]\nurl = "{server.url}"\nmodel = "{server.model}"\nkey = "TEACHER_KEY"\n'
            "input_price = 1\noutput_price = 2\nconcurrency = 4\ntries = 20\n"
        )
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RRTF_")},
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "RRTF_SAMPLER_ENDPOINTS": str(config),
            "RRTF_LOG_LEVEL": "DEBUG",
            "TEACHER_KEY": KEY,
            **more,
        }
        command = [sys.executable, "-m", "sampler"]
        with (tmp_path / f"worker-{len(started)}.log").open("wb") as log:
            started.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield launched
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


@pytest.fixture
def send(redis_url, monkeypatch):
    monkeypatch.setenv("REDIS_URL", redis_url)
    sender = Sender(celery_app())

    def sent(request_id):
        sender.send_or_raise(Task.SAMPLE_GROUP, SampleGroup(sample_request_id=request_id))

    return sent


def until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen")


def plan(count):
    return SamplePlan(author=Author.TEACHER, backend="teacher", num_samples=count)


@pytest.mark.slow
def test_a_killed_sampler_repeats_no_completed_request(lab, launch, send):
    server = lab.serve(source=Batched(Starter("teacher"), slots=4, seconds=0.3), key=KEY)
    (request,) = lab.ask(plan(30))
    first = launch(server)
    send(request)
    until(lambda: len(lab.kept()) >= 8)

    first.kill()
    first.wait()
    completed = {row.position for row in lab.calls() if row.state is CallState.COMPLETED}
    with lab.database.unit_of_work() as work:
        # As the sweep does when nothing was heard for long enough.
        work.session.get_one(SampleRequestRow, request).sent_at = None
    assert lab.dispatch() == [request]
    launch(server)
    send(request)
    until(lambda: lab.row(SampleRequestRow, request).state is SampleState.COMPLETED)

    calls = lab.calls()
    again = Counter(row.position for row in calls)
    assert len(lab.candidates()) == 30
    assert 8 <= len(completed) < 30
    assert all(again[position] == 1 for position in completed)
    orphans = [row for row in calls if row.state is CallState.SENT]
    # Under way when the kill came: at most one for each slot, and still counted as paid.
    assert len(orphans) == len(calls) - 30 <= 4
    assert {row.cost for row in orphans} <= {None}
    assert lab.committed("teacher") == lab.ledger_sum("teacher")


@pytest.mark.slow
def test_no_key_is_in_logs_messages_or_the_database(lab, launch, send, database_url, redis_url,
                                                    tmp_path):  # fmt: skip
    faults = Schedule({Fault.REFUSED: 7, Fault.SERVER_ERROR: 4})
    server = lab.serve(source=Starter("teacher"), faults=faults, key=KEY)
    worker = launch(server)
    requests = [lab.ask(plan(6))[0] for _ in range(3)]
    for request in requests:
        send(request)
    until(lambda: all(lab.row(SampleRequestRow, one).state is not SampleState.SUBMITTED
                      for one in requests))  # fmt: skip
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(60) == 0

    logs = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert {one.headers["authorization"] for one in server.seen} == {f"Bearer {KEY}"}
    assert faults.made[Fault.REFUSED] >= 1
    assert "wrong API key: Bearer ***" in logs  # The server said it; it was struck out.
    assert KEY not in logs
    assert KEY not in _everything_in_redis(redis_url)
    dumped = _everything_in_postgres(database_url)
    assert "Bearer ***" in dumped
    assert KEY not in dumped
    assert KEY.encode().hex() not in dumped  # Programs are stored as bytes.


def _everything_in_redis(url):
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found = []
        for key in client.scan_iter():
            kind = client.type(key)
            found += [key]
            found += client.lrange(key, 0, -1) if kind == "list" else []
            found += [str(client.hgetall(key))] if kind == "hash" else []
        return "\n".join(found)


def _everything_in_postgres(url):
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return "\n".join(
            str(row)
            for (table,) in tables
            for row in connection.execute(f"SELECT t::text FROM {table} t").fetchall()  # noqa: S608
        )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"TEACHER_KEY": ""}, "needs its key in the variable TEACHER_KEY"),
        pytest.param(
            {"RRTF_SAMPLER_ENDPOINTS": "/nowhere.toml"},
            "cannot read /nowhere.toml",
            marks=pytest.mark.thorough,
        ),
        pytest.param(
            {"RRTF_QUEUE_TASK_SECONDS": "149"},
            "a timeout_seconds of 120, and a task has time for 1",
            marks=pytest.mark.thorough,
        ),
    ],
)
def test_a_worker_that_cannot_ask_refuses_to_start(lab, launch, changes, complaint, tmp_path):
    worker = launch(lab.serve(), **changes)

    assert worker.wait(60) == 1
    assert complaint in (tmp_path / "worker-0.log").read_text()
