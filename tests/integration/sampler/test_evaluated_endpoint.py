"""`rrtf evaluate` of a model server over real HTTP: paid once, resumed, with several seeds."""

import html
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import delete
from typer.testing import CliRunner

from infra.contracts.base import CallState
from infra.db.ledger import CallRow, KeptCompletionRow
from sampler import ask
from sampler.servers.weights import By
from services.cli.main import app
from services.starter import load
from tests.integration.sampler.test_served import checkpoint
from tests.model_server.app import serving
from tests.model_server.policy import PolicyServer
from tests.model_server.sources import Batched, Starter
from trainer.models.model import small_student
from trainer.models.tokenizer import byte_tokenizer

PROBLEMS = 3
PLAN = """
samples = 4
k = [1, 3]
seeds = [0, 5]
max_tokens = 200
[models.large]
endpoint = "expert"
prompt_form = { style = "instruct", system = "Be brief." }
[benchmarks.one]
problems = "one.jsonl"
"""
BOTH = """
greedy = false
samples = 2
k = [1, 2]
seeds = [0, 5]
max_tokens = 200
[models.small]
model = "MODEL"
[models.large]
endpoint = "expert"
[benchmarks.one]
problems = "one.jsonl"
[benchmarks.two]
problems = "two.jsonl"
"""
REQUESTS = PROBLEMS * (1 + 2 * 2)
"""Requests: for each problem a greedy one, and two of two samples with each seed."""


class Asked:
    """A plan that a server is asked for, and the command that runs it."""

    def __init__(self, lab, folder, home):
        self.lab, self.folder = lab, folder
        self.server = lab.serve(source=Batched(Starter("teacher"), 1, 0.02))
        (folder / "servers.toml").write_text(
            f'[expert]\nurl = "{self.server.url}"\nmodel = "m"\nsamples_per_request = 2\n'
        )
        rows = [one.model_dump_json() for one in load.problems()[: 2 * PROBLEMS]]
        for name, some in (("one", rows[:PROBLEMS]), ("two", rows[PROBLEMS:])):
            (folder / f"{name}.jsonl").write_text("\n".join(some) + "\n")
        (folder / "plan.toml").write_text(PLAN)
        self.environment = os.environ | {
            "DATABASE_URL": lab.url,
            "RRTF_SAMPLER_ENDPOINTS": str(folder / "servers.toml"),
            "RRTF_EXECUTOR_HOME": str(home),
        }

    def start(self, out):
        words = ["evaluate", "--plan", str(self.folder / "plan.toml"), "--slots", "1"]
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", *words, "--out", str(out)],
            env=self.environment,
            stderr=subprocess.PIPE,
        )

    def run(self, out):
        running = self.start(out)
        said = running.communicate()[1]
        assert running.returncode == 0, said.decode()

    def kill_when(self, out, condition):
        running = self.start(out)
        while running.poll() is None and not condition():
            time.sleep(0.002)
        running.kill()
        said = running.communicate()[1]
        assert running.returncode == -signal.SIGKILL, said.decode()
        assert not (out / "evaluation.json").exists()

    def completed(self):
        return sum(row.state is CallState.COMPLETED for row in self.lab.calls())

    def forget(self):
        with self.lab.database.unit_of_work() as work:
            for table in (KeptCompletionRow, CallRow):
                work.session.execute(delete(table))


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def asked(lab, tmp_path, open_directory):
    return Asked(lab, tmp_path, open_directory / "executor")


@pytest.mark.thorough
def test_a_server_is_asked_once_however_often_a_run_is_killed(asked, tmp_path):
    out, whole = tmp_path / "out", tmp_path / "whole"
    asked.kill_when(out, lambda: len(asked.server.served) >= 2)
    asked.kill_when(out, lambda: list(out.glob("models/large/one/t0.8_p0.95/labels.jsonl.partial")))
    asked.kill_when(out, lambda: len(asked.server.served) >= REQUESTS - 4)
    asked.run(out)

    assert asked.completed() == REQUESTS
    asked.forget()
    asked.run(whole)
    assert tree(out) == tree(whole)
    _look_at_requests(asked)
    _look_at_report(whole)


def _look_at_requests(asked):
    bodies = [seen.body for seen in asked.server.served[-REQUESTS:]]
    assert sorted(body["temperature"] for body in bodies) == [0.0] * 3 + [0.8] * 12
    assert [body.get("n") for body in bodies if body["temperature"]] == [2] * 12
    assert len({body["seed"] for body in bodies if body["temperature"]}) == 12
    assert {body["messages"][0]["content"] for body in bodies} == {"Be brief."}


def _look_at_report(out):
    cells = json.loads((out / "evaluation.json").read_text())["cells"]
    found = {(one["model"], one["benchmark"], one["setting"]): one for one in cells}
    assert len(found) == 2
    drawn = found["large", "one", "t0.8_p0.95"]
    assert (drawn["seeds"], drawn["programs"], drawn["pass_at"].keys()) == (
        [0, 5], PROBLEMS * 2 * 4, {"1", "3"}
    )  # fmt: skip
    assert [one["asked"]["sampling"]["seed"] for one in drawn["asked"]] == [0, 5]
    assert drawn["asked"][0]["asked"]["sampling"]["form"]["system"] == "Be brief."
    assert "| large, t0.8\\_p0.95 | 4, 2 seeds |" in (out / "report.md").read_text()


@pytest.mark.thorough
def test_a_model_here_and_a_server_on_two_benchmarks_end_the_same_however_often_killed(
    asked, tmp_path
):
    small_student(257, seed=0, width=32, layers=1).save_pretrained(tmp_path / "small")
    byte_tokenizer().save_pretrained(tmp_path / "small")
    (tmp_path / "plan.toml").write_text(BOTH.replace("MODEL", str(tmp_path / "small")))
    out, whole = tmp_path / "out", tmp_path / "whole"
    asked.kill_when(out, lambda: list(out.glob("models/small/one/*/sampled.jsonl.partial")))
    asked.kill_when(
        out, lambda: list(out.glob("models/small/two/t0.8_p0.95_s5/labels.jsonl.partial"))
    )
    asked.kill_when(out, lambda: (out / "models/large/one/t0.8_p0.95_s5/labels.jsonl").exists())
    asked.run(out)
    asked.forget()
    asked.run(whole)

    assert tree(out) == tree(whole)
    cells = json.loads((whole / "evaluation.json").read_text())["cells"]
    assert {(one["model"], one["benchmark"], tuple(one["seeds"])) for one in cells} == {
        (model, benchmark, (0, 5)) for model in ("small", "large") for benchmark in ("one", "two")
    }
    right = {(one["model"], one["benchmark"]): sum(one["right"].values()) for one in cells}
    text, page = ((whole / name).read_text() for name in ("report.md", "report.html"))
    assert "| pass@1 | one | two |" in text
    assert right["small", "one"] == 0 < right["large", "one"]
    plain = text.replace("\\", "")
    alone = re.findall(r"^\* (.+): large, \d+ of 4 programs$", plain, re.MULTILINE)
    unsolved = re.findall(r"^### Problems that no model solves: (\d)$", text, re.MULTILINE)
    assert len(alone) + sum(map(int, unsolved)) == 2 * PROBLEMS
    assert all(html.escape(slug) in page for slug in alone)


@pytest.mark.slow
def test_a_server_of_a_policy_is_asked_for_the_version_that_is_named(
    asked, lab, tmp_path, monkeypatch
):
    for version in (3, 4):
        checkpoint(lab, version)
    server = lab.stack.enter_context(serving(PolicyServer(By.NAME)))
    (tmp_path / "servers.toml").write_text(
        f'[mine]\nurl = "{server.url}"\nmodel = "base"\nform = "completion"\n'
        'policy = "default"\nweights = { by = "name", name = "{path}" }\n'
    )
    for name, value in asked.environment.items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"
    words = ["evaluate", "--samples", "0", "--slots", "1", "--out", str(out)]
    words += ["--problems", f"one={tmp_path / 'one.jsonl'}"]

    def evaluated(*endpoints):
        given = [word for endpoint in endpoints for word in ("--endpoint", endpoint)]
        return CliRunner().invoke(app, [*words, *given])

    ended = evaluated("old=mine@3", "new=mine@4")

    assert ended.exit_code == 0, ended.output
    for model, version in (("old", 3), ("new", 4)):
        cell = out / "models" / model / "one/greedy"
        said = json.loads((cell / "asked.json").read_text())["asked"]
        assert (said["endpoint"], said["version"]) == ("mine", version)
        programs = (cell / "candidates.jsonl").read_text().splitlines()
        assert len(programs) == PROBLEMS
        assert all(f"/trained/default/{version:08d}" in line for line in programs)
    assert "give a `version` where the endpoint serves a policy" in evaluated("bare=mine").output


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--endpoint", "nobody"], "lists no endpoint 'nobody'; there are: expert"),
        (["--endpoint", "expert", "--version", "1"], "serves no policy"),
        (["--endpoint", "expert", "--prompt-form", "raw"], "cannot be sent as chat"),
        (["--endpoint", "expert", "--temperature", "9"], "temperature"),
    ],
)
def test_what_a_server_cannot_be_asked_is_said(words, says, asked, tmp_path, monkeypatch, capfd):
    for name in ("DATABASE_URL", "RRTF_SAMPLER_ENDPOINTS"):
        monkeypatch.setenv(name, asked.environment[name])

    words += ["--problems", str(tmp_path / "one.jsonl"), "--out", str(tmp_path / "out.jsonl")]
    assert ask.main(words) == 1

    assert says in "".join(capfd.readouterr())
    assert not asked.server.seen
