"""Whatever is sent to the API, it answers; `make fuzz` sends ten thousand requests."""

import os
import sys

import pytest

from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.problems import CallTest, Problem
from tests.fuzzing import Fuzz
from tests.integration.inline.conftest import KEY

CASES = int(os.environ.get("FUZZ_CASES", "30"))
SEED = int(os.environ.get("FUZZ_SEED", "1"))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Of schemathesis and what it imports.
def test_no_request_makes_the_server_fail(suite_client, inline_url, capsys):
    test = CallTest(function="f", expected=1)
    problem = suite_client.add_problem(Problem(slug="fuzz/f", prompt="f", tests=(test,)))
    group = suite_client.create_group(
        problem.id, NewGroup(candidates=(NewCandidate(author="student", program="x"),))
    )
    existing = {
        "problem_id": str(problem.id),
        "group_id": str(group.id),
        "candidate_id": str(suite_client.candidates(group.id)[0].id),
        "name": "default",
    }
    fuzz = Fuzz(inline_url, KEY, existing)

    fuzz.run(CASES, SEED)

    with capsys.disabled():
        if "FUZZ_CASES" in os.environ:
            sys.stdout.write("\n".join(["", *fuzz.report()]))
            sys.stdout.write(f"\n{fuzz.answers.total()} requests, no status of 500 or more\n")
    assert fuzz.answers.total() >= CASES
    assert suite_client.is_ready()
