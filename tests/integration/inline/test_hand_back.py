"""What a worker gives back to the queue keeps its place there."""

import contextlib
import os
import subprocess
import sys

import pytest
import redis

from executor.images.image import stage
from executor.sandbox.slot_lock import SlotLock
from infra.contracts.base import new_id
from infra.contracts.execution import ExecutionRequest, Program, Suite
from infra.contracts.problems import StdioTest
from infra.queues.messaging import PRIORITIES, Queue, Task, queue_keys
from tests.messages import decoded

# One worker's child without its parent: the task is called with the priority that it came with.
CHILD = """
import sys
from executor.worker import tasks
tasks.open_slot()
payload = tasks.ExecutionRequest.model_validate_json(sys.argv[1]).model_dump(mode="json")
done = tasks.execute_batch.apply(args=[payload], priority=int(sys.argv[2]))
tasks.close_slot()
done.get()
"""


def request(attempt, programs, image="std"):
    test = StdioTest(expected_stdout="1\n")
    held = tuple(
        Program(candidate_id=new_id(), attempt=attempt, source="print(1)") for _ in range(programs)
    )
    return ExecutionRequest(
        problem_id=new_id(), suite=Suite(tests=(test,), image=image), programs=held
    )


def execute(asked, redis_url, home, batch_seconds, is_waited_for=False):
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "RRTF_EXECUTOR_HOME": str(home),
        "RRTF_EXECUTOR_BATCH_SECONDS": str(batch_seconds),
    }
    command = [sys.executable, "-c", CHILD, asked.model_dump_json(), str(PRIORITIES[is_waited_for])]
    subprocess.run(command, env=environment, check=True)


def waiting(redis_url, queue):
    """What waits in a queue, by the name of its task."""
    with redis.Redis.from_url(redis_url) as client:
        return [decoded(raw) for key in queue_keys(queue) for raw in client.lrange(key, 0, -1)]


@pytest.mark.parametrize(
    ("is_waited_for", "rest", "told"), [(False, [0, 1], [1, 2]), (True, [1, 0], [3, 0])]
)
def test_the_rest_of_bulk_work_stays_behind_those_who_wait(
    redis_url, open_directory, is_waited_for, rest, told
):
    home = open_directory / "executor"

    execute(request(1, 2), redis_url, home, 0.000001, is_waited_for)

    with redis.Redis.from_url(redis_url) as client:
        assert [client.llen(key) for key in queue_keys(Queue.EXECUTOR)] == rest
        # Its results too; what is told at once is that there is an executor.
        assert [client.llen(key) for key in queue_keys(Queue.RANKER)] == told


@pytest.mark.slow
def test_what_was_begun_before_waits_until_it_is_alone(redis_url, open_directory):
    asked, home = request(2, 1), open_directory / "executor"
    lock = SlotLock(stage(home).root.parent, "slots")
    with contextlib.closing(lock), lock.shared():
        execute(asked, redis_url, home, 0.5)

    # It goes back as it came, noticed but not counted; and it is labelled once there is room.
    assert waiting(redis_url, Queue.EXECUTOR) == [
        (Task.EXECUTE_BATCH, asked.model_dump(mode="json"))
    ]
    assert [
        payload["attempts"]
        for task, payload in waiting(redis_url, Queue.RANKER)
        if task == Task.RECORD_STARTED and payload["attempts"]
    ] == [{str(asked.programs[0].candidate_id): 1}]

    execute(asked, redis_url, home, 10)

    results = [
        payload for task, payload in waiting(redis_url, Queue.RANKER) if task == Task.RECORD_RESULTS
    ]
    assert [result["verdict"]["label"] for one in results for result in one["results"]] == [
        "all_pass"
    ]


def test_work_whose_image_is_missing_is_left_to_others_and_counts_as_no_attempt(
    redis_url, open_directory
):
    asked = request(1, 2, image="mine")

    execute(asked, redis_url, open_directory / "executor", 10)

    told = waiting(redis_url, Queue.RANKER)
    assert [payload["attempts"] for task, payload in told if task == Task.RECORD_STARTED] == [{}]
    ((failures, results),) = [
        (payload["failures"], payload["results"])
        for task, payload in told
        if task == Task.RECORD_RESULTS
    ]
    assert results == []
    assert {failure["candidate_id"] for failure in failures} == {
        str(program.candidate_id) for program in asked.programs
    }
    assert {(failure["permanent"], failure["reason"]) for failure in failures} == {
        (
            False,
            "this executor has no image 'mine'; build it with rrtf images build mine"
            " REQUIREMENTS.txt",
        )
    }
