"""The embedded servers: closed, clean, and kept apart."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from infra import errors
from infra.local.servers import LocalServers

OWN = {"DATABASE_URL", "REDIS_URL"}


@pytest.fixture
def home(open_directory, request):
    return open_directory / request.node.name[:40]


def alive(pid):
    return Path(f"/proc/{pid}").exists()


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def test_both_servers_start_serve_and_leave_no_process(home):
    with LocalServers(home) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        pids = [servers.postgres.pid, servers.valkey.pid]
        assert all(alive(pid) for pid in pids)

    assert not any(alive(pid) for pid in pids)


def test_servers_listen_on_loopback_only_and_want_a_password(home):
    with LocalServers(home) as servers:
        for url in (servers.database_url, servers.redis_url):
            port = int(url.rpartition(":")[2].partition("/")[0])
            local = f"0100007F:{port:04X}"
            tables = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
            listening = [line.split()[1] for line in tables.splitlines() if " 0A " in line]
            assert [entry for entry in listening if entry.endswith(f":{port:04X}")] == [local]
        without = servers.database_url.split("@")[1]
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(f"postgresql://rrtf@{without}", connect_timeout=5)
        with (
            redis.Redis.from_url("redis://" + servers.redis_url.split("@")[1]) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


def test_no_password_is_on_a_command_line(home):
    with LocalServers(home) as servers:
        secrets = [
            url.split("@")[0].rpartition(":")[2]
            for url in (servers.database_url, servers.redis_url)
        ]
        lines = [
            Path(f"/proc/{pid}/cmdline").read_bytes().decode()
            for pid in (servers.postgres.pid, servers.valkey.pid)
        ]

    assert not [s for s in secrets for line in lines if s in line]


def test_data_survive_a_restart_and_a_crash(home):
    with LocalServers(home) as servers:
        with psycopg.connect(servers.database_url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept (n int)")
            connection.execute("INSERT INTO kept VALUES (7)")
        os.kill(servers.postgres.pid, signal.SIGKILL)

    with (
        LocalServers(home) as servers,
        psycopg.connect(servers.database_url) as connection,
    ):
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_two_suites_run_side_by_side_but_not_in_one_directory(home):
    with (
        LocalServers(home.with_name(home.name + "-a")) as first,
        LocalServers(home.with_name(home.name + "-b")) as second,
    ):
        assert first.database_url != second.database_url
        with pytest.raises(errors.ConfigurationError, match="another suite"):
            LocalServers(home.with_name(home.name + "-a")).start()
        with psycopg.connect(first.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_servers_do_not_outlive_an_owner_that_is_killed(home):
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from infra.local.servers import LocalServers\n"
        "servers = LocalServers(Path(sys.argv[1]))\nservers.start()\n"
        "print(servers.postgres.pid, servers.valkey.pid, flush=True)\ntime.sleep(60)\n"
    )
    owner = subprocess.Popen(
        [sys.executable, "-c", program, str(home)], stdout=subprocess.PIPE, text=True
    )
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2

    owner.kill()
    owner.wait()
    owner.stdout.close()

    wait_until(lambda: not any(alive(pid) for pid in pids))
    with LocalServers(home) as servers:
        assert servers.postgres.pid


@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_an_ordinary_user_can_run_them_and_nothing_outside_changes(open_directory):
    home = open_directory / "ordinary"
    home.mkdir()
    os.chown(home, 65534, 65534)
    modes = {path: path.stat().st_mode for path in (open_directory, *open_directory.parents)}
    users = Path("/etc/passwd").read_bytes()
    program = (
        "import sys\nfrom pathlib import Path\nsys.path[:0] = sys.argv[2].split(':')\n"
        "from infra.local.servers import LocalServers\nimport psycopg\n"
        "with LocalServers(Path(sys.argv[1]) / 'suite') as servers:\n"
        "    with psycopg.connect(servers.database_url) as connection:\n"
        "        print(connection.execute('SELECT 41 + 1').fetchone()[0])\n"
    )
    readable = "/usr/bin/python3"
    path = ":".join(entry for entry in sys.path if entry)
    result = subprocess.run(
        [readable, "-I", "-c", program, str(home), path],
        user=65534,
        group=65534,
        extra_groups=[],
        capture_output=True,
        text=True,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        check=False,
        cwd="/",
    )
    if "ModuleNotFoundError" in result.stderr or "Permission denied" in result.stderr:
        pytest.skip("this environment cannot be read by another user, or by the system's Python")

    assert result.stdout.strip() == "42", result.stderr
    assert Path("/etc/passwd").read_bytes() == users
    assert {path: path.stat().st_mode for path in modes} == modes


def test_variables_name_servers_that_run_elsewhere(home, servers, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", servers.database_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)

    with LocalServers(home) as named:
        assert named.database_url == servers.database_url
        assert named.redis_url == servers.redis_url
        assert named.postgres is None
        assert named.valkey is None


def test_a_free_port_is_found_each_time():
    from infra.local.home import free_port

    port = free_port()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
