"""What a process says of its health, and what a step of the trainer adds to its metrics."""

import os
import subprocess
import sys
from subprocess import PIPE

import pytest
from prometheus_client import REGISTRY

from infra import errors, health
from infra.observability import metrics
from trainer.modes.config import LossConfig
from trainer.modes.terms import Denominators
from trainer.watch.metrics import Tally

CHECK = "find {} -mmin -2 | grep -q ."
"""As in docker-compose.yml."""
FAILS = """
import sys
from infra import errors, health
try:
    with health.watched_slot():
        raise errors.SandboxError("no namespaces")
except errors.SandboxError:
    print("f", end="", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    named = tmp_path / "well"
    monkeypatch.setenv("RRTF_HEALTH_FILE", str(named))
    health._file.cache_clear()
    yield named
    health._file.cache_clear()


def is_well(file):
    """Ask as a container's engine does, an hour after whatever was said before."""
    found = subprocess.run(["/bin/sh", "-c", CHECK.format(file)], capture_output=True, check=False)
    if file.exists():
        os.utime(file, (0, 0))
    return found.returncode == 0


def test_a_process_is_well_whose_last_round_is_young(file):
    assert not is_well(file)
    health.round_ended("sweep")
    assert is_well(file)
    assert not is_well(file)
    health.round_ended("sweep")
    assert is_well(file)


def test_a_worker_is_not_well_while_the_sandbox_of_a_slot_fails(file):
    # A process of its own, not a fork of this one: locks of its other threads would stay closed.
    child = subprocess.Popen([sys.executable, "-c", FAILS], stdin=PIPE, stdout=PIPE)
    assert child.stdout.read(1) == b"f"
    health.round_ended("executor")
    assert not is_well(file)

    child.kill()
    child.communicate()
    health.round_ended("executor")
    assert is_well(file)

    with pytest.raises(errors.SandboxError), health.watched_slot():
        raise errors.SandboxError("here")
    health.round_ended("executor")
    assert not is_well(file)
    with health.watched_slot():
        pass
    health.round_ended("executor")
    assert is_well(file)


def test_what_a_step_measures_is_exported() -> None:
    measured = Tally(tokens=7, groups=1).metrics(Denominators(pairs=1, ce=1), LossConfig())
    before = REGISTRY.get_sample_value("rrtf_response_tokens_total") or 0.0

    metrics.observe_step(measured | {"seconds": 0.5, "wait_seconds": 2.0})

    assert REGISTRY.get_sample_value("rrtf_response_tokens_total") == before + 7
    assert REGISTRY.get_sample_value("rrtf_step", {"measure": "pair_accuracy"}) == 0.0
    assert REGISTRY.get_sample_value("rrtf_lease_wait_seconds_sum") >= 2.0
