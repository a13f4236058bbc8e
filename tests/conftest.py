"""Real servers for every test that needs them; a missing server fails, it never skips."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import redis
from hypothesis import HealthCheck, settings
from psycopg import sql
from sqlalchemy import event

from executor.images.packages import Images
from infra.db import migrate
from infra.db.unit_of_work import Database
from infra.images.pinned import shipped
from infra.local.servers import LocalServers
from infra.settings import data_directory

_numbers = itertools.count(1)
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of unguessable name is made in it
ENOUGH_BYTES = 4 * 2**30

# A shell that starts us in the background has them ignored; what we start would ignore them too.
for _number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
    if signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(
            _number,
            signal.default_int_handler if _number is signal.SIGINT else signal.SIG_DFL,
        )

# Two that test at the same time give their jails different users, as two machines would: the
# kernel counts a user's processes wherever they are.
_worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
os.environ.setdefault("RRTF_EXECUTOR_OUTSIDE_UID", str(200_000 + 65_536 * _worker))


# How long an example takes depends on what else the machine does.
settings.register_profile(
    "any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")

EXECUTOR_HOME = "RRTF_EXECUTOR_HOME"


def pytest_configure(config):
    """Have one home of executors for all processes of a run.

    What a jail sees is staged into it once, which takes seconds, and each image is built once.
    """
    if EXECUTOR_HOME not in os.environ:
        folder = _open_folder()
        os.environ[EXECUTOR_HOME] = str(folder)
        config.add_cleanup(lambda: shutil.rmtree(folder))


def _open_folder():
    """Make a folder that the user `nobody` can enter, unlike pytest's own."""
    path = Path(tempfile.mkdtemp(prefix="rrtf-test-", dir="/var/tmp"))
    path.chmod(0o711)
    return path


@pytest.fixture(scope="session")
def open_directory():
    """A directory that the user `nobody` can enter; `executor` in it is the home of executors."""
    path = _open_folder()
    (path / "executor").symlink_to(os.environ[EXECUTOR_HOME])
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="session")
def numpy_image(open_directory):
    """The packages of the image `numpy`, in the home of the executors that tests start."""
    return Images(open_directory / "executor").build("numpy")


@pytest.fixture(scope="session")
def kernel_image(open_directory, tmp_path_factory):
    """The packages of an image with what runs notebooks and no more, pinned as in `notebook`."""
    pinned, others = shipped()["notebook"].requirements, set(shipped()["science"].packages)
    others -= {"packaging", "pygments", "python-dateutil", "six", "typing-extensions"}
    lines = re.split(r"\n(?! )", pinned.strip())
    kept = [line for line in lines if line.partition("==")[0] not in others]
    requirements = tmp_path_factory.mktemp("kernel") / "requirements.txt"
    requirements.write_text("\n".join(kept) + "\n")
    return Images(open_directory / "executor").build("kernel", requirements)


@pytest.fixture(scope="session")
def servers(open_directory):
    """PostgreSQL and Valkey, started once for the whole session.

    In memory, where there is enough: most of these tests begin with a copy of a database, which
    takes a disk several times as long.
    """
    with contextlib.ExitStack() as stack:
        home = open_directory
        if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH_BYTES:
            home = Path(tempfile.mkdtemp(prefix="rrtf-test-", dir=MEMORY))
            stack.callback(shutil.rmtree, home)
            home.chmod(0o711)
        yield stack.enter_context(LocalServers(home / "servers", durable=False))


def with_path(url: str, path: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=path))


@pytest.fixture(scope="session")
def template(servers):
    """A migrated database to copy from."""
    # Numbered and removed, for DATABASE_URL may name a server that is not ours alone.
    name = f"template_{os.getpid()}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate.upgrade(with_path(servers.database_url, f"/{name}"))
    yield name
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def database_url(servers, template):
    """A fresh, migrated database of the test's own."""
    name = f"test_{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    yield with_path(servers.database_url, f"/{name}")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="session")
def _engine(servers):
    """An engine and the name of the database that it connects to."""
    engine, place = Database(servers.database_url).engine, {}
    event.listen(engine, "do_connect", lambda _, __, ___, words: words.update(place))
    return engine, place


@pytest.fixture
def open_database(database_url, _engine):
    """Open the test's own database.

    By one engine for all tests, which knows by now what their statements compile to.
    """
    engine, place = _engine
    place["dbname"] = urlsplit(database_url).path[1:]

    def opened(sender=None):
        database = Database(database_url, sender)
        database.engine = engine
        return database

    return opened


@pytest.fixture
def redis_url(servers):
    """An empty logical database of the test's own; number 63 is left to what lives longer."""
    url = with_path(servers.redis_url, f"/{next(_numbers) % 62 + 1}")
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def data_dir():
    """The folder of recorded problems and candidates."""
    found = data_directory()
    if found is None or not (found / "HumanEval.jsonl.gz").exists():
        pytest.skip("RRTF_DATA names no folder with recorded problems")
    return found
