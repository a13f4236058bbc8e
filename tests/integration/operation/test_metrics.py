"""What counts in a process, and in its children, can be read from outside."""

import signal
import subprocess
import sys

import httpx
import psutil
import pytest

from infra.contracts.base import Outcome
from infra.contracts.execution import ExecutionStarted
from infra.local.home import free_port
from infra.queues.messaging import Sender, Task, celery_app

RECORD = Task.RECORD_RESULTS.value


@pytest.fixture
def deliver(make_group, database, dispatch, sent, results_for, redis_url, monkeypatch):
    """Label a new candidate, as an executor does, over the real queue."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    sender = Sender(celery_app())

    def delivered(program):
        make_group(("student", program), cache=False)
        dispatch()
        request = sent.of(Task.EXECUTE_BATCH)[-1]
        outcomes = {one.candidate_id: [Outcome.PASSED] * 2 for one in request.programs}
        sender.send_or_raise(
            Task.RECORD_STARTED, ExecutionStarted(attempts=dict.fromkeys(outcomes, 1))
        )
        sender.send_or_raise(Task.RECORD_RESULTS, results_for(outcomes))

    return delivered


@pytest.mark.slow
def test_a_worker_shows_what_its_children_count_and_goes_on_whatever_happens_to_one(
    launch, until, scrape, deliver
):
    port = free_port()
    ranker = launch("ranker", RRTF_METRICS_PORT=str(port))
    labelled = ("rrtf_candidates_labelled_total", "all_pass", "student")

    deliver("first")
    done = ("rrtf_task_seconds_count", RECORD, "success")
    assert until(lambda: scrape(port).get(done) == 1)
    seen = scrape(port)
    (child,) = psutil.Process(ranker.pid).children()
    child.kill()
    # Nor do others that want the same port take anything away.
    others = [
        launch(name, RRTF_METRICS_PORT=str(port)) for name in ("ranker", "services.delivery.sweep")
    ]
    assert [other.wait(60) for other in others] == [1, 1]
    deliver("second")
    assert until(lambda: scrape(port).get(labelled) == 2)

    assert seen["rrtf_slots", "ranker"] == 1
    assert seen["rrtf_task_wait_seconds_count", RECORD] == 1
    assert seen[labelled] == 1
    assert seen["rrtf_label_seconds_count",] == 1
    assert seen["rrtf_attempts_bucket", "1.0"] == 1
    assert until(lambda: scrape(port)["rrtf_tasks_running", RECORD] == 0)
    ranker.send_signal(signal.SIGTERM)
    assert ranker.wait(60) == 0


def test_a_gauge_of_a_killed_child_counts_no_more(tmp_path, monkeypatch):
    # The child dies with a task under way, as one that is killed for its memory.
    program = (
        "import os, signal\n"
        "from infra.observability import metrics\n"
        "metrics.SLOTS.labels('executor').set(4)\n"
        "if not (child := os.fork()):\n"
        "    metrics.TASKS_RUNNING.labels('t').inc()\n"
        "    metrics.CELLS_BUILT.labels('first').inc()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "os.waitpid(child, 0)\n"
        "from infra.observability.scraping import _Family\n"
        "from prometheus_client import CollectorRegistry, generate_latest\n"
        f"registry = CollectorRegistry(); _Family(registry, {str(tmp_path)!r})\n"
        "print(generate_latest(registry).decode())\n"
    )
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))

    shown = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout

    assert 'rrtf_slots{room="executor"} 4.0' in shown
    assert 'rrtf_cells_built_total{reason="first"} 1.0' in shown
    assert "rrtf_tasks_running{" not in shown


@pytest.mark.slow
def test_dispatcher_and_sweep_show_when_their_last_round_was(launch, until, scrape, make_group):
    make_group(("student", "waits"))
    ports = {name: free_port() for name in ("dispatcher", "sweep")}

    settings = {"RRTF_SWEEP_INTERVAL_SECONDS": "0.1", "RRTF_METRICS_KEY": "secret"}
    for name, port in ports.items():
        launch(f"services.delivery.{name}", RRTF_METRICS_PORT=str(port), **settings)

    for name, port in ports.items():
        seen = ("rrtf_last_round_timestamp_seconds", name)
        assert until(lambda port=port, seen=seen: scrape(port, "secret").get(seen, 0) > 0)
        first = scrape(port, "secret")[seen]
        assert until(lambda p=port, s=seen, first=first: scrape(p, "secret")[s] > first)
        for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "Basic secret"}):
            refused = httpx.get(f"http://127.0.0.1:{port}/metrics", headers=headers)
            assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")
            assert "rrtf_" not in refused.text.lower().replace("rrtf_metrics_key", "")
