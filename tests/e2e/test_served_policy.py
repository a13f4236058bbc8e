"""Rounds with a policy that a real model server samples, which is killed in the midst of them."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import psycopg
import pytest

from infra.contracts.base import Author, SampleState
from infra.local.home import free_port
from infra.local.process import signal_group, spawn
from services.cli.suite.running import running_suite
from services.exercises import files
from services.exercises.exercise import Split
from services.exercises.student import kept_student
from tests.model_server.app import ModelServer, serving

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PROBLEMS, SAMPLES, ROUNDS = 3, 4, 3
SERVE = "from transformers.cli.transformers import app; app()"
SECONDS = 400.0


class Serve:
    """`transformers serve` on one port; it loads whatever path a request names as its model."""

    def __init__(self, log):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self._log = log
        self.process = None

    def start(self):
        words = ["serve", "--device", "cpu", "--dtype", "float32", "--port", str(self.port)]
        self.process = spawn(
            [sys.executable, "-c", SERVE, *words, "--host", "127.0.0.1"],
            env={**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"},
            log=self._log,
        )

    def kill(self):
        signal_group(self.process, signal.SIGKILL)
        self.process.wait()

    def is_up(self):
        with contextlib.suppress(httpx.TransportError):
            return httpx.get(self.url.removesuffix("/v1") + "/health").is_success
        return False


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def student(open_directory):
    """The kept student; the server draws only where its files say that it shall."""
    path = kept_student(open_directory / "served")
    settings = path / "generation_config.json"
    settings.write_text(json.dumps(json.loads(settings.read_text()) | {"do_sample": True}))
    return path


@pytest.fixture(scope="module")
def server(open_directory):
    with (open_directory / "serve.log").open("ab") as log:
        running = Serve(log)
        running.start()
        yield running
        running.kill()


@pytest.fixture(scope="module")
def suite(open_directory, student, server):
    with serving(ModelServer()) as teacher:
        path = open_directory / "servers.toml"
        path.write_text(
            f'[policy]\nurl = "{server.url}"\nmodel = "{student}"\nform = "completion"\n'
            'prompt = "paper"\nconcurrency = 1\npolicy = "default"\n'
            'weights = { by = "name", name = "{path}" }\n'
            f'[large]\nurl = "{teacher.url}"\nmodel = "tiny"\noutput_price = 1\nbudget = 0.1\n'
            f'[poor]\nurl = "{teacher.url}"\nmodel = "tiny"\noutput_price = 1\nbudget = 0\n'
        )
        overrides = {
            "sampler": {"RRTF_SAMPLER_ENDPOINTS": str(path)},
            "trainer": {
                "RRTF_TRAINER_MODEL": str(student),
                "RRTF_TRAINER_THREADS": "1",
                "RRTF_TRAINER_MAX_STALENESS": "8",
            },
            "sweep": {"RRTF_SWEEP_FLUSH_SECONDS": "1"},
        }
        home = open_directory / "served-policy"
        with running_suite(home, executor_slots=2, durable=False, overrides=overrides) as running:
            yield running


@pytest.fixture(scope="module")
def exercises(open_directory):
    folder = open_directory / "served"
    training = files.write_problems(folder, Split.TRAINING, 0, PROBLEMS)
    return training, folder / files.TEACHERS, files.write_problems(folder, Split.HELD_OUT, 0, 1)


def rrtf(suite, *words):
    environment = {**os.environ, "RRTF_HOME": str(suite.home), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, "-m", "services.cli.main", *map(str, words)],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def second_round_is_sampled(suite):
    query = (
        "SELECT count(*) FROM sampling_calls JOIN sample_requests ON sample_requests.id = scope"
        " JOIN groups ON groups.id = group_id WHERE endpoint = 'policy'"
        " AND sampling_calls.state = 'sent' AND groups.metadata ->> 'round' = '2'"
    )
    with psycopg.connect(suite.database_url) as connection:
        return connection.execute(query).fetchone()[0] > 0


@pytest.mark.parametrize(
    ("asked", "mode"),
    [
        pytest.param(
            ("--teacher", "large:2", "--teacher", "poor:1", "--teachers", "TEACHERS"),
            "iterative",
            marks=pytest.mark.thorough,
        ),
        ((), "overlapping"),
    ],
    ids=["with teachers", "without any, a round ahead"],
)
def test_three_rounds_survive_the_death_of_the_policys_server_in_the_second(
    suite, server, exercises, tmp_path, asked, mode
):
    training, teachers, held_out = exercises
    until(server.is_up, "up")
    with suite.client() as client:
        known = {group.id for group in client.groups()}
    command = rrtf(
        suite, "train", "--rounds", ROUNDS, "--mode", mode, "--policy-endpoint", "policy",
        *(teachers if word == "TEACHERS" else word for word in asked), "--problems", training,
        "--held-out", held_out, "--samples", SAMPLES, "--max-tokens", 48, "--out", tmp_path,
        "--json",
    )  # fmt: skip

    def is_time():
        assert command.poll() is None, command.communicate()
        return second_round_is_sampled(suite)

    until(is_time, "sampling the second round")
    server.kill()
    time.sleep(1)
    server.start()
    said, complaint = command.communicate(timeout=SECONDS)

    assert command.returncode == 0, complaint
    rounds = json.loads(said)["rounds"]
    versions = [one["version"] for one in rounds]
    assert versions == sorted(versions), complaint
    assert len(versions) == ROUNDS + 1
    # A step may take groups of two rounds that overlap, the later of which then adds none.
    assert len(set(versions)) == ROUNDS + 1 if mode == "iterative" else versions[-1] > versions[0]
    with suite.client() as client:
        groups = [one for one in client.groups() if one.id not in known]
        taught = [group for group in groups if group.policy == "default"]
        written = [(group, one) for group in taught for one in client.candidates(group.id)]
        steps = client.checkpoints("default")
    requests = [one for group in groups for one in group.samples]
    refused = [one for one in requests if one.plan["backend"] == "poor"]
    assert {one.code for one in refused} == ({"budget_exceeded"} if asked else set())
    assert all(one.state is SampleState.COMPLETED for one in requests if one not in refused)
    missing = PROBLEMS if asked else 0
    assert [one["teachers_missing"] for one in rounds] == [0] + [missing] * ROUNDS
    students = [(group, one) for group, one in written if one.author is Author.STUDENT]
    assert len(students) == ROUNDS * PROBLEMS * SAMPLES
    for group, one in students:
        number = group.metadata["round"]
        # A round that overlaps began while the one before was trained.
        oldest = number - 1 if mode == "iterative" else max(0, number - 2)
        assert versions[oldest] <= one.policy_version <= versions[number - 1]
        assert one.staleness is None or 1 <= one.staleness <= 8
    models = [one.model for _, one in written if one.author is Author.TEACHER]
    assert models.count("tiny") == (ROUNDS * PROBLEMS * 2 if asked else 0)
    assert 0 <= steps[0].metrics["idle_share"] <= 1
    audited = rrtf(suite, "audit", "--complete")
    report, _ = audited.communicate(timeout=60)
    assert audited.returncode == 0, report
