"""Both servers of one machine under one lock; external ones take their place where named."""

import os
import threading
import time
from pathlib import Path

from infra import errors
from infra.local.home import HomeLock, Identity, prepare
from infra.local.parts import Parts
from infra.local.postgres import Postgres
from infra.local.server import Server
from infra.local.valkey import Valkey
from infra.observability import logs

log = logs.get(__name__)

_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 1.0
"""Between two attempts to start a server again."""
_PATIENCE_SECONDS = 300.0
"""How long a server may fail to come back before it is given up; the disk may be full."""


class LocalServers:
    """PostgreSQL and Valkey in one data directory; `DATABASE_URL` and `REDIS_URL` override.

    One that dies is started again, with the address and the data that it had.
    """

    def __init__(self, home: Path, durable: bool = True) -> None:
        self.home = home.absolute()
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.redis_url = os.environ.get("REDIS_URL", "")
        self.executor_redis_url = self.redis_url
        """For executors, which may do little where the server is ours."""
        self._durable = durable
        self._lock: HomeLock | None = None
        self._keeper: threading.Thread | None = None
        self._stopping = threading.Event()
        self._failure: str | None = None
        self.parts = Parts(self.home)
        """Those of the suite that lives in the directory, told by whoever starts them."""
        self.postgres: Postgres | None = None
        self.valkey: Valkey | None = None

    def start(self) -> None:
        """Start what no environment variable names.

        Raises:
            errors.ConfigurationError: the directory is in use, or the servers cannot reach it.
            errors.Unavailable: a server does not come up.
        """
        identity = Identity()
        prepare(self.home, identity)
        self._lock = HomeLock(self.home)
        self._lock.acquire()
        try:
            if not os.environ.get("DATABASE_URL"):
                self.postgres = Postgres(self.home, identity, self._durable)
                self.postgres.start()
                self.parts.up(type(self.postgres).__name__)
                self.database_url = self.postgres.url
            if not os.environ.get("REDIS_URL"):
                self.valkey = Valkey(self.home, identity, self._durable)
                self.valkey.start()
                self.parts.up(type(self.valkey).__name__)
                self.redis_url = self.valkey.url
                self.executor_redis_url = self.valkey.executor_url
            self._keeper = threading.Thread(target=self._keep, name="servers", daemon=True)
            self._keeper.start()
        except BaseException:
            self.abandon()
            self.stop()
            raise

    def check(self) -> None:
        """Raise if a server has died and does not come back.

        Raises:
            errors.Unavailable: naming it.
        """
        if self._failure is not None:
            raise errors.Unavailable(self._failure)

    def abandon(self) -> None:
        """Wait for nothing when the servers are stopped."""
        for server in self._servers():
            server.abandon()

    def _keep(self) -> None:
        # The kernel ends what this thread has started when the thread ends: after all servers.
        failing_since: dict[Server, float] = {}
        while not self._stopping.wait(_PAUSE_SECONDS if failing_since else _LOOK_SECONDS):
            for server in self._servers():
                name = type(server).__name__
                try:
                    if server.restart_if_dead():
                        self.parts.up(name)
                        log.warning("server.restarted", name=name)
                    failing_since.pop(server, None)
                except (errors.SuiteError, OSError) as error:
                    self.parts.down(name, str(error))
                    since = failing_since.setdefault(server, time.monotonic())
                    log.warning("server.not_restarted", name=name, reason=str(error))
                    if time.monotonic() - since > _PATIENCE_SECONDS:
                        self._failure = f"{name} died and does not come back: {error}"

    def _servers(self) -> list[Server]:
        return [server for server in (self.valkey, self.postgres) if server is not None]

    def stop(self) -> None:
        """Stop what was started, in reverse order."""
        self._stopping.set()
        for server in self._servers():
            server.stop()
        if self._keeper is not None:
            self._keeper.join()
        if self._lock is not None:
            self.parts.end()
            self._lock.release()

    def __enter__(self) -> "LocalServers":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
