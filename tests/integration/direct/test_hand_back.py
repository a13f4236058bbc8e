"""What a worker gives back to the queue keeps its place there."""

import os
import subprocess
import sys

import redis

from infra.contracts.base import new_id
from infra.contracts.execution import ExecutionRequest, Program, Suite
from infra.contracts.problems import StdioTest
from infra.messaging import PRIORITIES, Queue, queue_keys

# One worker's child without its parent: the task is called with the priority that it came with.
CHILD = """
import sys
from executor import tasks
tasks.open_slot()
payload = tasks.ExecutionRequest.model_validate_json(sys.argv[1]).model_dump(mode="json")
done = tasks.execute_slice.apply(args=[payload], priority=int(sys.argv[2]))
tasks.close_slot()
done.get()
"""


def test_the_rest_of_bulk_work_stays_behind_those_who_wait(redis_url, open_directory):
    test = StdioTest(expected_stdout="1\n")
    programs = tuple(Program(candidate_id=new_id(), attempt=1, source="print(1)") for _ in range(2))
    request = ExecutionRequest(problem_id=new_id(), suite=Suite(tests=(test,)), programs=programs)
    environment = os.environ | {
        "REDIS_URL": redis_url,
        "RRTF_EXECUTOR_HOME": str(open_directory / "executor"),
        "RRTF_EXECUTOR_SLICE_SECONDS": "0.000001",
    }

    subprocess.run(
        [sys.executable, "-c", CHILD, request.model_dump_json(), str(PRIORITIES[False])],
        env=environment,
        check=True,
    )

    with redis.Redis.from_url(redis_url) as client:
        assert [client.llen(key) for key in queue_keys(Queue.EXECUTOR)] == [0, 1]
