"""Limits that a task can keep."""

import pytest
from pydantic import ValidationError

from infra import errors
from infra.contracts.problems import MAX_WALL_SECONDS, Limits
from infra.queues.messaging import Queue, celery_app
from infra.settings import QueueSettings, load


@pytest.fixture(autouse=True)
def somewhere(monkeypatch):
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:9/0")


def test_limits_that_outlast_a_task_are_refused():
    with pytest.raises(ValidationError, match="must be at most 150 s"):
        Limits(total_cpu_seconds=40, idle_factor=3)


def test_the_limit_of_wall_time_names_what_took_its_place():
    with pytest.raises(ValidationError, match="`idle_factor` bounds the time"):
        Limits.model_validate({"wall_factor": 3})


def test_a_batch_and_its_last_candidate_end_before_the_task_is_stopped():
    from executor.settings import ExecutorSettings

    stop = load(QueueSettings).stop_seconds
    assert ExecutorSettings().batch_seconds + MAX_WALL_SECONDS + 20 < stop


def test_messages_stay_hidden_for_longer_than_a_task_may_run(monkeypatch):
    monkeypatch.setenv("RRTF_QUEUE_TASK_SECONDS", "15")
    monkeypatch.setenv("RRTF_QUEUE_VISIBILITY_SECONDS", "15")
    with pytest.raises(errors.ConfigurationError, match="must be more than task_seconds"):
        load(QueueSettings)

    monkeypatch.setenv("RRTF_QUEUE_VISIBILITY_SECONDS", "15.5")
    conf = celery_app(Queue.RANKER).conf

    assert (conf.task_time_limit, conf.task_soft_time_limit) == (15.0, 14.0)
    assert conf.visibility_timeout == conf.broker_transport_options["visibility_timeout"] == 15.5


def test_an_executor_whose_batches_outlast_a_task_does_not_start(monkeypatch, capsys):
    from executor.__main__ import main

    monkeypatch.setenv("RRTF_QUEUE_TASK_SECONDS", "100")
    monkeypatch.setenv("RRTF_EXECUTOR_BATCH_SECONDS", "95")

    assert main() == 1
    assert "RRTF_EXECUTOR_BATCH_SECONDS must be less" in "".join(capsys.readouterr())
