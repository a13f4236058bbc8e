"""Tools of others, as they are released, each in an environment of its own: `make peers`."""

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = ROOT / "build/peers"
VERL = ENVIRONMENTS / "verl-source"
"""verl's repository: what it has of tests is not released."""
CHECKS = ROOT / "tests/peers/checks"
"""Programs, and not modules: what is installed beside a peer may have a package `tests`."""
PEERS = [
    ("verl", "verl"),
    ("verl", "verl_sandbox"),
    ("sandbox-fusion", "sandbox_fusion"),
    ("openenv", "openenv"),
    ("verifiers", "verifiers"),
    ("inspect-ai", "inspect"),
    ("lm-eval", "lm_eval"),
    ("evalplus", "rates"),
]
"""Name of the package and of its environment, and of its check."""


@pytest.mark.parametrize(("package", "check"), PEERS, ids=[check for _, check in PEERS])
def test_a_released_peer_works_with_the_suite_as_it_is(
    package, check, suite_environment, table, tmp_path
):
    python = ENVIRONMENTS / package / "bin/python"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RRTF_")},
        **suite_environment,
        "PYTHONPATH": str(ROOT),
        "VERL": str(VERL),
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
    }
    asked = f"from importlib.metadata import version; print(version({package!r}))"
    version = subprocess.run(
        [python, "-c", asked], capture_output=True, text=True, check=True
    ).stdout.strip()

    done = subprocess.run(
        [python, CHECKS / f"check_{check}.py"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip

    said = done.stdout.strip().splitlines()[-1:] or [""]
    table.append((package, version, said[0] if done.returncode == 0 else "FAILED"))
    assert done.returncode == 0, done.stderr[-4000:]
    assert said[0]
