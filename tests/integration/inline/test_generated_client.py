"""A client that is generated from the OpenAPI document; `make fuzz-api` brings the generator."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.integration.inline.conftest import KEY

CALLS = """\
import json, sys
from generated import AuthenticatedClient
from generated.api.execute import execute_v1_execute_post as execute
from generated.api.problems import get_problem_v1_problems_problem_id_get as get_problem
from generated.models import CallTest, ExecuteRequest, ProblemDetails

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key, timeout=60)
test = CallTest(kind="call", function="f", args=[1], expected=2)
request = ExecuteRequest(tests=[test], programs=["def f(x): return x + 1", "def f(x): return 0"])
answer = execute.sync(client=client, body=request)
refused = get_problem.sync(client=client, problem_id="01890a5d-ac96-774b-bcce-b302099a8057")
assert isinstance(refused, ProblemDetails)
print(json.dumps([[str(result.label) for result in answer.results], refused.code]))
"""


@pytest.mark.skipif("GENERATOR" not in os.environ, reason="GENERATOR names no generator's folder")
def test_a_generated_client_reads_answers_and_errors(inline_url, raw, tmp_path):
    programs = Path(os.environ["GENERATOR"])
    document = tmp_path / "openapi.json"
    document.write_text(raw.get("/openapi.json").text)
    command = ["openapi-python-client", "generate", "--meta", "none", "--path", document]
    made = subprocess.run(
        [*command, "--output-path", tmp_path / "generated", "--fail-on-warning"],
        env={"PATH": f"{programs}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout + made.stderr

    called = subprocess.run(
        [programs / "python", "-c", CALLS, inline_url, KEY],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )

    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == [["all_pass", "partial_pass"], "not_found"]
