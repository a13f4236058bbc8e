"""Both servers of one machine under one lock; external ones take their place where named."""

import os
from pathlib import Path

from infra.local.home import HomeLock, Identity, prepare
from infra.local.postgres import Postgres
from infra.local.valkey import Valkey


class LocalServers:
    """PostgreSQL and Valkey in one data directory; `DATABASE_URL` and `REDIS_URL` override."""

    def __init__(self, home: Path, durable: bool = True) -> None:
        self.home = home.absolute()
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.redis_url = os.environ.get("REDIS_URL", "")
        self.executor_redis_url = self.redis_url
        """For executors, which may do little where the server is ours."""
        self._durable = durable
        self._lock: HomeLock | None = None
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
                self.database_url = self.postgres.url
            if not os.environ.get("REDIS_URL"):
                self.valkey = Valkey(self.home, identity, self._durable)
                self.valkey.start()
                self.redis_url = self.valkey.url
                self.executor_redis_url = self.valkey.executor_url
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop what was started, in reverse order."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.stop()
        if self._lock is not None:
            self._lock.release()

    def __enter__(self) -> "LocalServers":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
