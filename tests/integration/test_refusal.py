"""Where the sandbox cannot hold, the executor refuses to start and says what to do."""

import json
import os
import subprocess
import sys

import pytest

from executor.settings import ExecutorSettings


def test_without_user_namespaces_the_executor_refuses_and_explains(open_directory):
    program = f"echo 0 > /proc/sys/user/max_user_namespaces && exec {sys.executable} -m executor"
    environment = {
        **os.environ,
        "REDIS_URL": "redis://127.0.0.1:1",
        "RRTF_EXECUTOR_HOME": str(open_directory / "executor"),
    }
    result = subprocess.run(
        # In a user namespace of its own, so that the setting ends with the process.
        ["/usr/bin/unshare", "--user", "--map-root-user", "/bin/sh", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    last = json.loads(result.stderr.strip().splitlines()[-1])
    assert result.returncode == 1
    assert last["code"] == "sandbox_unsupported"
    assert "user namespaces" in last["reason"]


def test_an_image_that_the_jail_cannot_reach_is_refused_with_the_folder(tmp_path):
    from executor.images.image import stage
    from infra import errors

    if os.geteuid() != 0:
        assert stage(ExecutorSettings(home=tmp_path).home).root.is_dir()
        return
    tmp_path.chmod(0o700)
    with pytest.raises(errors.SandboxUnsupported, match="cannot be entered"):
        stage(tmp_path / "home")
