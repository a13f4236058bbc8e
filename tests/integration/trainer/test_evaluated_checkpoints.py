"""A policy whose checkpoints are evaluated while it is trained."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from typer.testing import CliRunner

from infra import errors
from infra.contracts.views.evaluations import NewEvaluation, Rate
from services.cli.main import app
from trainer.batches.client import LeaseClient
from trainer.loop import run

pytestmark = pytest.mark.slow

ASKED = "a" * 64


def rated(version, *means, asked=ASKED):
    """What an evaluator says of a version; without rates, that it is at work."""
    rates = {
        f"set{number}": Rate(mean=mean, low=0.0, high=1.0, problems=4)
        for number, mean in enumerate(means)
    }
    return NewEvaluation(policy="followed", version=version, asked_sha256=asked, rates=rates)


def train(trainers, **fields):
    """Run a trainer of the policy in this process, to its end."""
    with closing(LeaseClient(trainers.url, "secret-key", threading.Event())) as lease_client:
        run(trainers.settings("followed", **fields), lease_client, threading.Event())


def versions(trainers):
    folder = trainers.root / "followed"
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def drawn(trainers, name):
    events = EventAccumulator(str(trainers.root / "followed/tensorboard"))
    events.Reload()
    if name not in events.Tags()["scalars"]:
        return []
    return [(point.step, round(point.value, 3)) for point in events.Scalars(name)]


def test_the_best_checkpoint_is_kept_and_rates_are_tracked(trainers, client, form_batches):
    form_batches(6, "followed")
    pace = {"keep_checkpoints": 1, "tracker": "tensorboard"}
    train(trainers, max_steps=1, **pace)
    client.record_evaluation(rated(1, 0.25, 0.75))
    train(trainers, max_steps=2, **pace)
    client.record_evaluation(rated(2))
    train(trainers, max_steps=4, **pace)

    # The best, the one that is evaluated, the newest; the one before it was the last good one.
    assert {1, 2, 4} <= set(versions(trainers))
    policy = client.record_evaluation(rated(2, 0.25, 0.5)).policy
    assert [(one.version, one.score, one.is_best) for one in client.evaluations(policy)] == [
        (2, 0.375, False), (1, 0.5, True),
    ]  # fmt: skip
    client.record_evaluation(rated(4, 0.5, 0.5))
    client.record_evaluation(rated(4, 0.5, 0.5))
    train(trainers, max_steps=6, **pace)

    assert [one.is_best for one in client.evaluations(policy)] == [False, False, True]
    assert set(versions(trainers)) >= {1, 6}
    assert not {2, 3} & set(versions(trainers))
    assert drawn(trainers, "evaluation/score") == [(1, 0.5), (2, 0.375), (4, 0.5)]
    assert drawn(trainers, "evaluation/set1") == [(1, 0.75), (2, 0.5), (4, 0.5)]
    client.record_evaluation(rated(6, 0.1, asked="b" * 64))
    assert [one.is_best for one in client.evaluations(policy)] == [True, False, False, False]
    with pytest.raises(errors.NotFound, match="no checkpoint of version 3000"):
        client.record_evaluation(rated(3000))


def shown(trainers):
    """The policy, as a trainer is shown it."""
    with closing(LeaseClient(trainers.url, "secret-key", threading.Event())) as lease_client:
        return lease_client.policy("followed")


def asked(folder):
    """Write a benchmark of one problem; return the options that ask it greedily."""
    row = {"slug": "own/f", "prompt": "def f(x):\n", "entry_point": "f"}
    row["tests"] = [{"kind": "call", "args": [1], "expected": 1}]
    (folder / "own.jsonl").write_text(json.dumps(row) + "\n")
    words = ["--samples", "0", "--max-tokens", "4", "--slots", "1", "--threads", "1"]
    return [*words, "--problems", f"own={folder / 'own.jsonl'}"]


def reached(trainers, folder, home):
    """The environment of a command that finds the suite."""
    return {
        "RRTF_CLIENT_URL": trainers.url,
        "RRTF_CLIENT_KEY": "secret-key",
        "RRTF_HOME": str(folder / "home"),
        "RRTF_EXECUTOR_HOME": str(home),
    }


class Evaluator:
    """`rrtf evaluate --follow` as a process of its own."""

    def __init__(self, trainers, folder, home):
        self.out = folder / "evaluated"
        words = ["--follow", "followed", "--every", "2", "--until", "2", *asked(folder)]
        self._command = [sys.executable, "-m", "services.cli.main", "evaluate", *words]
        self._command += ["--out", str(self.out)]
        self._environment = os.environ | reached(trainers, folder, home)

    def start(self):
        return subprocess.Popen(
            self._command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )


def test_an_evaluator_that_is_killed_goes_on_with_its_version(
    trainers, client, form_batches, tmp_path, open_directory
):
    form_batches(3, "followed")
    train(trainers, max_steps=2)
    evaluator = Evaluator(trainers, tmp_path, open_directory / "executor")
    first = evaluator.start()
    while not client.evaluations("followed"):
        assert first.poll() is None, first.communicate()[0].decode()
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    (begun,) = client.evaluations("followed")
    assert (begun.version, begun.score) == (2, None)
    assert shown(trainers).evaluating_version == 2
    train(trainers, max_steps=3)

    second = evaluator.start()
    said, _ = second.communicate()

    assert second.returncode == 0, said.decode()
    (found,) = client.evaluations("followed")
    assert (found.version, found.is_best, found.rates["own"].problems) == (2, True, 1)
    assert (evaluator.out / "models/followed@2/own/greedy/labels.jsonl").exists()
    assert "followed@2" in (evaluator.out / "report.md").read_text()
    assert shown(trainers).best_version == 2


def test_checkpoints_of_a_policy_are_evaluated_by_their_versions_and_no_others(
    trainers, client, form_batches, tmp_path, open_directory, monkeypatch
):
    form_batches(2, "followed")
    train(trainers, max_steps=2)
    for name, value in reached(trainers, tmp_path, open_directory / "executor").items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"

    def evaluated(*policies):
        words = [word for policy in policies for word in ("--policy", policy)]
        return CliRunner().invoke(app, ["evaluate", *words, *asked(tmp_path), "--out", str(out)])

    ended = evaluated("followed", "first=followed@1")

    assert ended.exit_code == 0, ended.output
    recorded = {one.version: one.sha256 for one in client.checkpoints("followed")}
    for name, version in (("followed", 2), ("first", 1)):
        cell = out / "models" / name / "own/greedy"
        said = json.loads((cell / "asked.json").read_text())["asked"]
        assert (said["policy"], said["version"]) == ("followed", version)
        assert said["weights_sha256"] == recorded[version]
        assert len((cell / "labels.jsonl").read_text().splitlines()) == 1
    assert recorded[1] != recorded[2]
    assert "no checkpoint of version 7" in evaluated("new=followed@7").output
    assert "'nobody'" in evaluated("nobody").output
    with (trainers.root / "followed/00000001/model.safetensors").open("ab") as weights:
        weights.write(b"more")
    assert "not those that were recorded" in evaluated("again=followed@1").output
