"""A database with its messages caught at our own seam, and an API over it."""

import contextlib

import pytest

from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra import errors
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.execution import ExecutionResult, ExecutionResults, TestResult, Verdict
from infra.contracts.problems import CallTest, Problem
from services.api.app import create_app
from services.client import Client
from services.delivery.dispatcher import Dispatcher
from tests.samples import is_drawn
from tests.serving import served


def pytest_collection_modifyitems(items):
    """Leave three in four of what runs in cells too to the thorough run in strict jails."""
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if params.get("slot") == "strict" and not is_drawn(item.name, 4):
            item.add_marker(pytest.mark.thorough)


@pytest.fixture(scope="module")
def cell(open_directory):
    """A slot with a warm cell."""
    settings = ExecutorSettings(home=open_directory / "executor")
    with contextlib.closing(Slot(settings, 11)) as opened:
        yield opened


@pytest.fixture(scope="module", params=["cell", "strict"])
def slot(request, open_directory):
    """A slot of each mode, in turn."""
    settings = ExecutorSettings(home=open_directory / "executor", strict=request.param == "strict")
    with contextlib.closing(Slot(settings, 12)) as opened:
        yield opened


class SentMessages:
    """Stands where the broker is: keeps what was sent, or refuses it."""

    def __init__(self):
        self.messages = []
        self.away = False

    def send(self, task, message, priority=0):
        if self.away:
            return False
        self.messages.append((task, message))
        return True

    def send_or_raise(self, task, message, priority=0):
        if not self.send(task, message):
            raise errors.Unavailable

    def of(self, task):
        return [message for sent, message in self.messages if sent is task]


@pytest.fixture
def sent():
    return SentMessages()


@pytest.fixture
def database(open_database, sent):
    opened = open_database(sent)
    yield opened
    opened.close()


@pytest.fixture
def dispatch(database, sent, redis_url):
    """Send what waits, as the dispatcher does."""
    return Dispatcher(database, sent, redis_url).round


@pytest.fixture
def problem():
    return Problem(
        slug="test/add",
        prompt="def add(a, b):\n",
        entry_point="add",
        tests=(CallTest(args=(1, 2), expected=3), CallTest(args=(2, 2), expected=4)),
    )


@pytest.fixture
def make_group(database, problem):
    """Open a group of the problem with some programs, given as (author, program).

    `student` holds what is said of each student's beside.
    """
    from infra import intake, stored_problems

    def make(*programs, student=None, **fields):
        said = {Author.STUDENT: student or {}, Author.TEACHER: {}}
        candidates = tuple(
            NewCandidate(author=Author(author), program=program, **said[Author(author)])
            for author, program in programs
        )
        with database.unit_of_work() as work:
            problem_id, _ = stored_problems.add_problem(work, problem)
            return intake.open_group(work, problem_id, NewGroup(candidates=candidates, **fields))

    return make


@pytest.fixture
def results_for():
    """Make the executor's results: outcomes for each candidate id."""

    def make(outcomes_by_id, attempt=1):
        from executor.judging.verdicts import label_of

        return ExecutionResults(
            results=tuple(
                ExecutionResult(
                    candidate_id=candidate_id,
                    attempt=attempt,
                    verdict=Verdict(
                        label=label_of(outcomes),
                        tests=tuple(TestResult(outcome=outcome) for outcome in outcomes),
                        sandbox="test",
                    ),
                )
                for candidate_id, outcomes in outcomes_by_id.items()
            )
        )

    return make


@pytest.fixture
def api(database, redis_url):
    """A real server over the test's database; yields its URL and key."""
    app = create_app(database, redis_url, "secret-key", max_body_bytes=200_000)
    with served(app, lifespan="off") as url:
        yield url


@pytest.fixture
def client(api):
    with Client(api, "secret-key") as opened:
        yield opened
