"""What the tests of the API share: requests with the key, and the shape of an error."""

import httpx
import pytest

from infra.contracts.base import Outcome
from ranker import batches, records
from ranker.ranking import Rules


@pytest.fixture
def http(api):
    headers = {"Authorization": "Bearer secret-key"}
    with httpx.Client(base_url=api, headers=headers, timeout=30) as opened:
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
