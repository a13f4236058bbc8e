"""What is stored is checked by a real executor, and its finding comes back through the queues."""

import time

import pytest
import redis

from executor.images.packages import Images
from executor.worker.stored import check_stored
from infra import heartbeats, stored_problems
from infra.contracts.base import CheckState, Integrity, new_id
from infra.contracts.checks import CheckReport, CheckRequest
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest, Problem
from infra.db.tables import ProblemRow
from infra.queues.messaging import Queue, Sender, Task, celery_app, queue_keys
from ranker import checks
from services.delivery.dispatcher import Dispatcher
from tests.messages import decoded

RIGHT = "def add(a, b):\n    return a + b\n"
CALL = CallTest(args=(1, 2), expected=3)
PRINTS = AssertTest(
    source="""
def test_it(capsys):
    print(add(1, 2))
    assert capsys.readouterr().out.strip() == "3"
"""
)


@pytest.fixture
def checked(database, inline_redis, inline_executor):
    """Store problems, and record what a real executor says of them until it has of each."""

    def run(*problems, mutants=0):
        with database.unit_of_work() as work:
            ids = [stored_problems.add_problem(work, problem, mutants)[0] for problem in problems]
        dispatcher = Dispatcher(database, Sender(celery_app(url=inline_redis)), inline_redis)
        answered = set()
        with redis.Redis.from_url(inline_redis, socket_timeout=60) as client:
            while answered != set(ids):
                dispatcher.round()
                if (came := client.brpop(queue_keys(Queue.RANKER), timeout=1)) is None:
                    continue
                task, payload = decoded(came[1])
                if task != Task.RECORD_CHECK:
                    continue
                report = CheckReport.model_validate(payload)
                with database.unit_of_work() as work:
                    checks.record_check(work, report)
                if report.finding or report.reason:
                    answered.add(report.problem_id)
        with database.reading() as session:
            return [session.get_one(ProblemRow, one) for one in ids]

    return run


def problem(number, *tests, **fields):
    fields = {"reference_program": RIGHT, **fields}
    return Problem(slug=f"p/{number}", prompt="", entry_point="add", tests=tests, **fields)


@pytest.mark.slow
@pytest.mark.usefixtures("inline_executor", "numpy_image")
def test_an_executor_tells_which_images_it_has(inline_redis, open_directory):
    built = Images(open_directory / "executor").built()
    assert "numpy" in built

    def told():
        return [set(worker.images) for worker in heartbeats.workers(inline_redis)]

    deadline = time.monotonic() + 60
    while told() != [set(built)] and time.monotonic() < deadline:
        time.sleep(0.1)
    assert told() == [set(built)]


def test_an_executor_says_of_each_problem_what_holds_from_now_on(checked):
    right, prints, wrong, elsewhere = checked(
        problem(0, CALL),
        problem(1, PRINTS),
        problem(2, CALL, reference_program="def add(a, b):\n    return 0\n"),
        problem(3, CALL, image="mine"),
        mutants=10,
    )

    assert (right.check_state, right.decided) == (CheckState.SOUND, Integrity.ISOLATED)
    assert (right.check_attempts, right.finding["tests"]) == (1, 1)
    assert right.check_sandbox.startswith("python/")
    assert right.strength == 1.0
    assert right.finding["strength"]["killed"] == right.finding["strength"]["mutants"] > 0
    assert (prints.check_state, prints.decided) == (CheckState.SOUND, Integrity.SHARED)
    assert prints.finding["guards"]["sites"] == 1
    assert "capsys" in prints.finding["reason"]
    assert (wrong.check_state, wrong.finding["fault"]) == (CheckState.UNSOUND, "reference")
    assert wrong.decided is None
    assert (elsewhere.check_state, elsewhere.check_attempts) == (CheckState.PENDING, 0)
    assert "no image 'mine'" in elsewhere.check_reason


@pytest.mark.parametrize("is_stopping", [True, False])
def test_strength_is_of_the_time_that_there_is_and_not_of_when_a_worker_stops(cell, is_stopping):
    stored = problem(0, CALL)
    suite = Suite.of(stored).model_copy(update={"reference_program": stored.reference_program})
    request = CheckRequest(
        problem_id=new_id(), slug=stored.slug, suite=suite, suite_sha256="", mutants=9, attempt=1
    )
    said, looks = [], iter([False])

    def is_over():
        return next(looks, True)

    left = check_stored(cell, request, is_over, said.append, lambda: is_stopping)

    found = [report.finding.strength.mutants for report in said if report.finding]
    assert (left, found) == ((request, []) if is_stopping else (None, [1]))
