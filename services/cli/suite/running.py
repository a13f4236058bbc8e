"""The whole suite on one machine, while it runs: servers, services, one supervisor."""

import contextlib
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import redis

from infra import errors, heartbeats
from infra.contracts.problems import MAX_WALL_SECONDS
from infra.db import migrate
from infra.local.home import API_KEY, API_URL, free_port, secret_file
from infra.local.ports import listen, url_of
from infra.local.servers import LocalServers
from infra.local.supervisor import Service, Supervisor
from infra.observability import logs
from infra.queues.messaging import Queue, held_keys, queue_keys
from infra.settings import ApiSettings, MetricsSettings, load
from services.cli.suite.environments import passed_on, teachers_keys
from services.client import Client

log = logs.get(__name__)

_WORKERS = ("ranker", "sampler", "executor")
_READY_SECONDS = 120.0
GRACE_SECONDS = {"executor": MAX_WALL_SECONDS + 20}
"""Until a service that was told to stop is killed, where that is longer than usual: as long as a
candidate may take on a busy machine."""
_OUTLIVING = ("api", "ranker")
"""Services that end when all others have, which may still have something to say to them."""
_TEMPORARY = "tmp"
"""Folder of the data directory for what services keep for a while."""


class RunningSuite:
    """A suite that runs, and what one needs to speak to it."""

    def __init__(
        self, home: Path, servers: LocalServers, supervisor: Supervisor, url: str, key: str
    ) -> None:
        self.home = home
        self.servers = servers
        self.database_url = servers.database_url
        self.redis_url = servers.redis_url
        self.executor_redis_url = servers.executor_redis_url
        self.api_url = url
        self.api_key = key
        self._supervisor = supervisor
        self._services: dict[str, Service] = {}
        self.names: list[str] = []
        """Services in the order of their start."""

    def client(self) -> Client:
        """Open a client of its API."""
        return Client(self.api_url, self.api_key)

    def add(self, service: Service) -> None:
        """Make a service known, to be started once it is wanted."""
        self._services[service.name] = service

    def start(self, name: str) -> None:
        """Start a service and wait until it is ready.

        Raises:
            errors.Unavailable: it died, or is not ready in time.
        """
        self._supervisor.start(self._services[name])
        self.names.append(name)

    def check(self) -> None:
        """Raise if a service or a server has been given up.

        Raises:
            errors.Unavailable: naming it.
        """
        self.servers.check()
        self._supervisor.check()

    def abandon(self) -> None:
        """Wait for nothing that is under way when the suite stops."""
        self._supervisor.abandon()
        self.servers.abandon()

    def pid(self, name: str) -> int | None:
        """Return the process id of a service."""
        return self._supervisor.pid(name)

    def kill(self, name: str, number: int = signal.SIGKILL, *, with_children: bool = True) -> None:
        """Send a signal to a service; the supervisor brings it back if it dies."""
        self._supervisor.kill(name, number, with_children=with_children)


@contextlib.contextmanager
def running_suite(
    home: Path,
    *,
    executor_slots: int | None = None,
    trainer: bool = True,
    port: int | None = None,
    echo: bool = False,
    durable: bool = True,
    tell: Callable[[str], None] = lambda _: None,
    overrides: Mapping[str, Mapping[str, str]] | None = None,
    commands: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[RunningSuite]:
    """Start everything, yield it once it is ready, and stop it in order.

    `tell` is given each step of the start as it begins. With `echo` the services' logs, which are
    in files, are shown too. `overrides` adds environment variables to services by name, `commands`
    starts something else in a service's place. Without `trainer` none is started, but may be
    later; with no `executor_slots`, executors are elsewhere.

    Raises:
        errors.SuiteError: something does not start; the message says what and why.
    """
    with contextlib.ExitStack() as stack:
        host = load(ApiSettings).host
        if executor_slots != 0:
            stack.callback(_sweep_cgroups)
        # Before anything is started: nobody else can answer there from now on.
        listener = stack.enter_context(listen(host, port or free_port()))
        tell(f"starting PostgreSQL and Valkey in {home}")
        servers = stack.enter_context(LocalServers(home, durable=durable))
        _reach_redis(servers.redis_url)
        tell("bringing the database to the newest schema")
        migrate.upgrade(servers.database_url)
        _forget_old_messages(servers)
        _empty(home / _TEMPORARY)
        key, url = _api_key(home), url_of(listener)
        secret_file(home / API_KEY, key)
        secret_file(home / API_URL, url)
        supervisor = Supervisor(home / "logs", echo, servers.parts)
        stack.callback(supervisor.stop)
        stack.callback(listener.close)  # Whoever calls while it stops is refused, and not kept.
        suite = RunningSuite(home, servers, supervisor, url, key)
        client = stack.enter_context(suite.client())
        environments = _environments(suite, listener.getsockname()[1], executor_slots)
        environments["api"]["RRTF_API_FD"] = str(listener.fileno())
        if executor_slots == 0:
            del environments["executor"]
        modules = {
            "api": "services.api",
            "dispatcher": "services.delivery.dispatcher",
            "sweep": "services.delivery.sweep",
        }
        with _abandoned_if_it_fails(suite):
            for number, (name, environment) in enumerate(environments.items()):
                usual = [sys.executable, "-m", modules.get(name, name)]
                service = Service(
                    name=name,
                    command=(commands or {}).get(name, usual),
                    env=environment | _metrics(number) | dict((overrides or {}).get(name, {})),
                    grace_seconds=GRACE_SECONDS.get(name, Service.grace_seconds),
                    ends_beside=name not in _OUTLIVING,
                    pass_fds=(listener.fileno(),) if name == "api" else (),
                )
                suite.add(service)
                if trainer or name != "trainer":
                    suite.start(name)
            # They start beside one another: most of that is reading programs.
            tell(f"starting {', '.join(suite.names)}")
            _wait_until_ready(suite, client)
        # A trainer imports for longer than all others take to start.
        supervisor.be_patient(name for name in suite.names if name != "trainer")
        yield suite


@contextlib.contextmanager
def _abandoned_if_it_fails(suite: RunningSuite) -> Iterator[None]:
    try:
        yield
    except BaseException:
        suite.abandon()
        raise


def _sweep_cgroups() -> None:
    """Remove the cgroups of executors that were killed, empty as they are."""
    from executor.sandbox import cgroups  # With executors elsewhere it need not be there.

    named = os.environ.get("RRTF_EXECUTOR_CGROUP")
    cgroups.sweep(Path(named) if named else None)


def _reach_redis(url: str) -> None:
    """Look for Redis before anybody is started that would wait for it.

    Raises:
        errors.Unavailable: it is not reachable; the message names its address, not its password.
    """
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as connection:
            connection.ping()
    except (redis.RedisError, ValueError) as error:
        place = urlsplit(url).netloc.rpartition("@")[2] or "REDIS_URL"
        raise errors.Unavailable(f"Redis at {place} is not reachable: {error}") from error


def _wait_until_ready(suite: RunningSuite, client: Client) -> None:
    """Wait until the API and the rooms that empty queues answer; the executor probes its sandbox.

    Raises:
        errors.Unavailable: a service is given up, or one does not answer in time.
    """
    deadline = time.monotonic() + _READY_SECONDS
    missing = ["api"]
    while missing:
        suite.check()
        if time.monotonic() > deadline:
            raise errors.Unavailable(f"not ready: {', '.join(missing)}; see {suite.home}/logs")
        time.sleep(0.1)
        nodes = {one.name.partition("@")[0] for one in heartbeats.workers(suite.redis_url)}
        wanted = [name for name in _WORKERS if name in suite.names]
        missing = [name for name in wanted if f"{name}-{suite.pid(name)}" not in nodes]
        if not missing and not client.is_ready():
            missing = ["api"]


def _api_key(home: Path) -> str:
    """Return the key of the settings, else the one of the last start, else a new one."""
    given = load(ApiSettings).key
    if given is not None and given.get_secret_value():
        return given.get_secret_value()
    with contextlib.suppress(FileNotFoundError):
        if kept := (home / API_KEY).read_text().strip():
            return kept
    return secrets.token_urlsafe(24)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, exist_ok=True)


def _forget_old_messages(servers: LocalServers) -> None:
    """Empty the queues that an earlier run left: Postgres knows what is to be done."""
    if os.environ.get("REDIS_URL"):
        return  # Not ours to empty.
    with redis.Redis.from_url(servers.redis_url) as connection:
        for queue in Queue:
            connection.delete(*queue_keys(queue), *held_keys(queue))


def _environments(
    suite: RunningSuite, port: int, executor_slots: int | None
) -> dict[str, dict[str, str]]:
    """Give every service what it needs to know, and nothing else."""
    queue = {"REDIS_URL": suite.redis_url}
    both = queue | {"DATABASE_URL": suite.database_url}
    slots = {} if executor_slots is None else {"RRTF_EXECUTOR_SLOTS": str(executor_slots)}
    # What a killed process leaves there goes with the next start.
    temporary = {"TMPDIR": str(suite.home / _TEMPORARY)}
    told = {
        "api": temporary | both | {"RRTF_API_PORT": str(port), "RRTF_API_KEY": suite.api_key},
        "ranker": temporary | both,
        "sampler": both | teachers_keys(),
        "executor": temporary
        | {
            "REDIS_URL": suite.executor_redis_url,
            "RRTF_EXECUTOR_HOME": str(_executor_home(suite.home)),
        }
        | slots,
        "dispatcher": temporary | both,
        "sweep": temporary | both,
        "trainer": {
            "RRTF_CLIENT_URL": suite.api_url,
            "RRTF_CLIENT_KEY": suite.api_key,
            "RRTF_TRAINER_OUTPUT_DIR": str(suite.home / "checkpoints"),
        },
    }
    # What the trainer writes, the sampler reads.
    usual = {"sampler": {"RRTF_SAMPLER_CHECKPOINTS": str(suite.home / "checkpoints")}}
    always = {"PYTHONUNBUFFERED": "1"}
    return {
        name: always | usual.get(name, {}) | passed_on(name) | own for name, own in told.items()
    }


def _metrics(number: int) -> dict[str, str]:
    """Give each service a port of its own to show its metrics at, counted from the one set."""
    settings = load(MetricsSettings)
    key = {"RRTF_METRICS_KEY": settings.wanted} if settings.wanted else {}
    if not settings.port:
        return key
    return key | {
        "RRTF_METRICS_HOST": settings.host,
        "RRTF_METRICS_PORT": str(settings.port + number),
    }


def _executor_home(home: Path) -> Path:
    """Keep the jail's image beside the default data, so that short-lived suites share one copy."""
    return Path(os.environ.get("RRTF_EXECUTOR_HOME") or home)
