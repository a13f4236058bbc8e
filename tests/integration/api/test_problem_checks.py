"""What the API and the commands say of the check of a problem."""

import json

import pytest

from infra import errors
from infra.contracts.base import CheckState, Integrity, Language, new_id
from infra.contracts.candidates import NewGroup
from infra.contracts.checks import CheckReport, Fault, Finding
from infra.contracts.problems import Problem, ProgramTest
from infra.contracts.views.api import NewApiKey, Scope
from infra.queues.messaging import Task
from ranker import checks
from services.client import Client

SECRET = "test 1: wrong_answer: got 3, expected 424242"
WRONG = Finding(slug="test/add", fault=Fault.REFERENCE, detail=SECRET)
RIGHT = Finding(
    slug="test/add", integrity=Integrity.ISOLATED, reason="it only calls", tests=2, cpu_seconds=0.1,
    wall_seconds=0.1, has_reference=True,
)  # fmt: skip


@pytest.fixture
def find(dispatch, sent, database):
    """Have the check that waits answered with a finding."""

    def answer(finding):
        dispatch()
        request = sent.of(Task.CHECK_PROBLEM)[-1]
        with database.unit_of_work() as work:
            checks.record_check(work, CheckReport.of(request, finding=finding))

    return answer


def test_a_check_can_be_waited_for_asked_for_again_and_listed(client, problem, find):
    stored = client.add_problem(problem)
    assert (stored.check_state, stored.check.finding) == (CheckState.PENDING, None)
    find(WRONG)
    assert client.get_problem(stored.id).check.finding == WRONG
    assert client.find_problem(problem.slug).check_state is CheckState.UNSOUND

    client.check_again(stored.id, mutants=3)
    again = client.get_problem(stored.id).check
    assert (again.state, again.mutants, again.finding) == (CheckState.PENDING, 3, WRONG)
    find(RIGHT)

    assert client.get_problem(stored.id).check.state is CheckState.SOUND
    with pytest.raises(errors.NotFound):
        client.check_again(new_id())


def test_problems_are_listed_by_what_is_known_of_their_tests(client, http, problem, find):
    client.add_problem(problem)
    find(WRONG)
    client.add_problem(problem.model_copy(update={"slug": "other"}))

    def listed(state):
        found = http.get("/v1/problems", params={"check_state": state}).json()["items"]
        return [one["slug"] for one in found]

    assert (listed("unsound"), listed("pending"), listed("sound")) == (["test/add"], ["other"], [])


def test_who_may_only_submit_is_refused_without_what_a_test_expects(client, api, problem, find):
    stored = client.add_problem(problem)
    find(WRONG)
    key = client.create_key(NewApiKey(name="s", scopes=frozenset({Scope.SUBMIT}))).key
    group = NewGroup(candidates=({"author": "student", "program": "x"},))

    with Client(api, key) as submits, pytest.raises(errors.InvalidInput) as refused:
        submits.create_group(stored.id, group)

    assert "(reference)" in refused.value.detail
    assert "424242" not in refused.value.detail


def test_an_import_tells_what_executors_found(client, problem, find, rrtf, tmp_path):
    other = problem.model_copy(update={"slug": "other"})
    file = tmp_path / "problems.jsonl"
    file.write_text("".join(f"{one.model_dump_json()}\n" for one in (problem, other)))
    client.add_problem(problem)
    find(RIGHT)
    client.add_problem(other)
    find(WRONG)

    told = rrtf("import", str(file), "--wait", "60")
    as_data = rrtf("import", str(file), "--wait", "60", "--json")

    assert told.exit_code == 1
    assert "test/add  isolated (it only calls), 2 tests, 0.100 s CPU" in told.stdout
    assert "reference, the problem's fault" in told.stderr
    states = {slug: one["state"] for slug, one in json.loads(as_data.stdout)["checks"].items()}
    assert states == {"test/add": "sound", "other": "unsound"}


def test_test_programs_are_kept_as_they_were_given(client, sent, dispatch):
    test = ProgramTest(source="exit", before="x\n", options=("-O1",), silent=True)
    problem = Problem(slug="other/exit", prompt="", tests=(test,), language=Language.RUBY)

    stored = client.add_problem(problem)
    dispatch()

    assert client.get_problem(stored.id).tests == (test,)
    assert sent.of(Task.CHECK_PROBLEM)[-1].suite.tests == (test,)
