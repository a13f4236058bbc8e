"""What the tests of the API share: requests with the key, and the shape of an error."""

from typing import NamedTuple
from uuid import UUID

import httpx
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from infra.contracts.base import Author, GroupState, Outcome, SampleState
from infra.contracts.candidates import NewCandidate, NewGroup, SamplePlan
from infra.contracts.execution import ExecutionFailure, ExecutionResults
from infra.contracts.ranking import LeaseRequest
from infra.db.tables import SampleRequestRow
from ranker import records
from ranker.batching import batches
from ranker.ranking import Rules
from services.cli.main import app
from services.client.sending import trusted


@pytest.fixture
def http(api):
    headers = {"Authorization": "Bearer secret-key"}
    with httpx.Client(base_url=api, headers=headers, timeout=30, verify=trusted()) as opened:
        yield opened


@pytest.fixture
def is_problem():
    """Assert that a response is an error of this status and code; return its body."""

    def check(response, status, code):
        assert response.status_code == status, response.text
        assert response.headers["content-type"] == "application/problem+json"
        body = response.json()
        assert body.keys() == {"type", "title", "status", "code", "detail", "errors"}
        assert (body["status"], body["code"]) == (status, code)
        assert body["type"] == f"urn:rrtf:error:{code}"
        assert body["detail"]
        return body

    return check


@pytest.fixture
def post_raw(http):
    """Post bytes that are called JSON, whatever they are."""

    def post(path, body):
        return http.post(path, content=body, headers={"Content-Type": "application/json"})

    return post


@pytest.fixture
def form_batch(client, database, make_group, results_for):
    """Make a ranked group of these programs, alone in a ready batch; return the group's id."""

    def form(number=0, policy="default"):
        programs = (("teacher", f"good {number}"), ("student", f"bad {number}"))
        group_id = make_group(*programs, policy=policy)
        good, bad = (item.id for item in client.candidates(group_id))
        outcomes = {good: [Outcome.PASSED] * 2, bad: [Outcome.WRONG_ANSWER] * 2}
        with database.unit_of_work() as work:
            records.record_results(work, results_for(outcomes), Rules())
            batches.form(work, 1)
        return group_id

    return form


@pytest.fixture
def leased(http, form_batch):
    """The lease of one ready batch."""
    form_batch()
    (batch,) = http.post("/v1/training-batches/lease", json={"worker": "w"}).json()["batches"]
    return {"batch_id": batch["batch_id"], "epoch": batch["epoch"]}


class Poisoned(NamedTuple):
    """A ranked group of which one program, submitted twice, or a request was set aside."""

    group_id: UUID
    set_aside: set[UUID]
    """Both candidates; one of them in place of the other is enough."""
    request_id: UUID | None


@pytest.fixture
def poison(client, problem, database, results_for):
    """Make a ranked group of a teacher, a student and what was set aside."""
    numbers = iter(range(100))

    def make(samples=0):
        number = next(numbers)
        programs = [(Author.TEACHER, "good"), (Author.STUDENT, "bad")]
        programs += [] if samples else [(Author.STUDENT, "poison")] * 2
        new = NewGroup(
            candidates=tuple(
                NewCandidate(author=author, program=f"{program} {number}")
                for author, program in programs
            ),
            samples=tuple(
                SamplePlan(author=Author.STUDENT, backend="replay", num_samples=4)
                for _ in range(samples)
            ),
        )
        group_id = client.create_group(client.add_problem(problem).id, new).id
        good, bad, *poison = (item.id for item in client.candidates(group_id))
        failures = tuple(
            ExecutionFailure(candidate_id=one, attempt=1, reason="no cell", permanent=True)
            for one in poison[:1]
        )
        outcomes = {good: [Outcome.PASSED] * 2, bad: [Outcome.NOT_RUN] * 2}
        with database.unit_of_work() as work:
            request_id = work.session.scalar(
                update(SampleRequestRow)
                .where(SampleRequestRow.group_id == group_id)
                .values(state=SampleState.QUARANTINED, reason="1 of 4 samples: the budget is 5")
                .returning(SampleRequestRow.id)
            )
            records.record_results(work, ExecutionResults(failures=failures), Rules())
            records.record_results(work, results_for(outcomes), Rules())
        assert client.get_group(group_id).state is GroupState.RANKED
        return Poisoned(group_id, set(poison), request_id)

    return make


@pytest.fixture
def batch(database):
    """Put what is ranked into batches of so many groups."""

    def form(size):
        with database.unit_of_work() as work:
            assert batches.form(work, size) > 0

    return form


@pytest.fixture
def lease(database):
    """Lease ready batches for a trainer."""

    def take(**more):
        with database.unit_of_work() as work:
            return batches.lease(work, LeaseRequest(worker="trainer", **more)).batches

    return take


@pytest.fixture
def rrtf(api, monkeypatch):
    """Run the command as a user who has set address and key."""
    monkeypatch.setenv("RRTF_CLIENT_URL", api)
    monkeypatch.setenv("RRTF_CLIENT_KEY", "secret-key")
    monkeypatch.setenv("COLUMNS", "250")

    def run(*words):
        return CliRunner().invoke(app, [str(word) for word in words])

    return run
