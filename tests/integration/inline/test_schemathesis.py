"""schemathesis, as whoever has the document would run it: `make fuzz-api`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.problems import CallTest, Problem
from tests.integration.inline.conftest import KEY

ROOT = Path(__file__).parents[3]
CONFIGURATION = Path(__file__).with_name("schemathesis.toml")
LEAST = 2_000


@pytest.mark.skipif("GENERATOR" not in os.environ, reason="make fuzz-api, in ten minutes")
def test_the_api_keeps_to_its_document(suite_client, inline_url, raw, tmp_path, capsys):
    test = CallTest(function="f", expected=1)
    problem = suite_client.add_problem(Problem(slug="example/f", prompt="f", tests=(test,)))
    group = NewGroup(candidates=(NewCandidate(author="student", program="x"),))
    suite_client.create_group(problem.id, group)
    document = tmp_path / "openapi.json"
    document.write_text(raw.get("/openapi.json").text)

    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "--config-file", CONFIGURATION, "run",
         document, "--url", inline_url, "--header", f"Authorization: Bearer {KEY}",
         "--report-dir", tmp_path, "--seed", os.environ.get("FUZZ_SEED", "1")],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip

    with capsys.disabled():
        sys.stdout.write(done.stdout[-4000:])
    assert done.returncode == 0
    assert int(re.search(r"(\d+) generated", done.stdout)[1]) >= LEAST
