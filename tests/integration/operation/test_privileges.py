"""The executor's sandbox holds with the capabilities that its container has, and not with fewer."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[3]
GRANTED = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["executor"][
    "cap_add"
]

CONTROLLERS = ("memory", "pids", "cpuacct")
"""Of version 1; version 2 has no such folders."""
PROBE = "executor.worker.probe"

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("setpriv") is None,
    reason="only root can give capabilities up, and setpriv does it",
)


@pytest.fixture
def container() -> Iterator[list[Path]]:
    """Cgroups in which their owner may make others, as in a container; not so a machine's root."""
    name = f"container-{os.getpid()}"
    made = [path / name for path in map(Path("/sys/fs/cgroup").joinpath, CONTROLLERS)]
    made = [path for path in made if path.parent.is_dir()]
    for path in made:
        path.mkdir()
    yield made
    for path in made:
        path.rmdir()


def probe(
    capabilities: list[str], home: Path, container: list[Path]
) -> subprocess.CompletedProcess[str]:
    """Run the start-up probe as a container's first process runs: as root, with these alone."""
    enter = "".join(f"echo $$ > {path}/cgroup.procs; " for path in container)
    kept = ",".join(f"+{name.lower()}" for name in capabilities)
    confined = [
        "setpriv",
        "--no-new-privs",
        "--inh-caps=-all",
        "--ambient-caps=-all",
        f"--bounding-set=-all,{kept}",
    ]
    return subprocess.run(
        ["/bin/sh", "-c", f'{enter}exec "$@"', "sh", *confined, sys.executable, "-m", PROBE],
        env={**os.environ, "RRTF_EXECUTOR_HOME": str(home), "RRTF_EXECUTOR_REQUIRE_CGROUP": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


@pytest.mark.slow
def test_every_control_bites_with_what_the_container_is_granted(
    open_directory: Path, container: list[Path]
) -> None:
    done = probe(GRANTED, open_directory / "executor", container)

    version, *controls = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accounting/cgroup" in version
    assert len(controls) > 10
    assert all(line.startswith("ok ") for line in controls)


@pytest.mark.parametrize("missing", ["SETUID", "SETGID"])
def test_with_one_less_it_refuses_and_says_what_to_do(
    missing: str, open_directory: Path, container: list[Path]
) -> None:
    granted = [name for name in GRANTED if name != missing]
    assert len(granted) == len(GRANTED) - 1

    done = probe(granted, open_directory / "executor", container)

    assert done.returncode == 1
    assert "in a container grant SYS_ADMIN" in done.stdout


@pytest.mark.skipif(
    Path("/sys/fs/cgroup/cgroup.controllers").exists(), reason="the cgroups here are of version 2"
)
def test_the_entry_point_makes_read_only_cgroups_of_version_1_writable() -> None:
    unshare = shutil.which("unshare")
    assert unshare
    use = (
        "set -e; for one in memory pids cpuacct;"
        " do mkdir /sys/fs/cgroup/$one/rrtf-entry-$$; rmdir /sys/fs/cgroup/$one/rrtf-entry-$$; done"
    )
    script = """
        for one in memory pids cpuacct; do mount -o remount,bind,ro /sys/fs/cgroup/$one; done
        ! sh -c "$1" 2>/dev/null && exec "$0" sh -c "$1"
    """
    entry = str(ROOT / "infra/docker/executor-entrypoint.sh")

    done = subprocess.run(
        [unshare, "--mount", "sh", "-c", script, entry, use],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
