import os
import signal
import subprocess
import sys
import time

import pytest

from infra.contracts.base import GroupState, Label
from infra.contracts.execution import ExecutionResults, ExecutionStarted
from infra.db.tables import CandidateRow, GroupRow, TrainingBatchRow
from infra.queues.messaging import Queue, Sender, Task, celery_app, queue_depths
from tests.samples import first


def start(module, database_url, redis_url, **more):
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RRTF_")},
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        **more,
    }
    return subprocess.Popen([sys.executable, "-m", module], env=environment)


@pytest.fixture
def launch(database_url, redis_url):
    """Start processes, and stop them however the test ends."""
    started = []

    def launched(module, **more):
        started.append(start(module, database_url, redis_url, **more))
        return started[-1]

    yield launched
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.slow
def test_a_ranker_killed_at_work_loses_nothing_once_it_is_started_again(
    suite, launch, redis_url, monkeypatch
):
    monkeypatch.setenv("REDIS_URL", redis_url)
    sender = Sender(celery_app())
    groups = [suite.open(suite.teacher(f"t{n}"), suite.student(f"s{n}")) for n in range(20)]
    ids = [candidate_id for candidate_id, _ in suite.outbox.programs()]
    sender.send_or_raise(Task.RECORD_STARTED, ExecutionStarted(attempts=dict.fromkeys(ids, 1)))

    def deliver():
        for one in ids:
            message = ExecutionResults(results=(suite.result(one, Label.PARTIAL_PASS),))
            sender.send_or_raise(Task.RECORD_RESULTS, message)

    deliver()
    first = launch("ranker", RRTF_RANKER_BATCH_GROUPS="4")
    assert until(lambda: any(row.state is GroupState.RANKED for row in suite.all(GroupRow)))
    first.kill()
    first.wait()
    deliver()  # as the sweep has the lost candidates executed once more
    second = launch("ranker", RRTF_RANKER_BATCH_GROUPS="4")

    assert until(lambda: all(row.state is GroupState.RANKED for row in suite.all(GroupRow)))
    assert until(lambda: sum(row.num_groups for row in suite.all(TrainingBatchRow)) == len(groups))
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    assert {row.num_pairs for row in suite.all(TrainingBatchRow)} == {4}


@pytest.mark.slow
def test_sweep_and_dispatcher_run_as_processes_and_stop_when_told(suite, launch, redis_url):
    suite.outbox.reachable = False
    suite.open(suite.student("x"))
    suite.age(1000)

    def sent_at():
        (candidate,) = suite.all(CandidateRow)
        return candidate.sent_at

    # In this order: while the check of its problem waits in the queue, nothing counts as lost.
    processes = [launch("services.delivery.sweep", RRTF_SWEEP_INTERVAL_SECONDS="0.1")]
    assert until(lambda: sent_at() is None)
    processes.append(launch("services.delivery.dispatcher"))
    assert until(lambda: sent_at() is not None)
    # The check of its problem may come with it.
    assert until(lambda: queue_depths(redis_url)[Queue.EXECUTOR] >= 1)
    for process in processes:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    "module", first(1, ["ranker", "services.delivery.sweep", "services.delivery.dispatcher"])
)
def test_a_mistyped_setting_is_refused_at_the_start(launch, module, capfd):
    process = launch(module, RRTF_RANKER_PRESETS="rrtf")

    assert process.wait(30) == 1
    assert "unknown settings: RRTF_RANKER_PRESETS" in capfd.readouterr().err
