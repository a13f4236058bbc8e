"""A running API and a running executor over one Redis, shared by every test of this folder."""

import os
import subprocess
import sys

import httpx
import psycopg
import pytest
from psycopg import sql

from infra.db.unit_of_work import Database
from services.api.app import create_app
from services.client import Client
from tests.conftest import with_path
from tests.serving import served

KEY = "direct-key"
REDIS_NUMBER = 63
"""The last one: other tests count up from the first."""


@pytest.fixture(scope="session")
def inline_redis(servers):
    return with_path(servers.redis_url, f"/{REDIS_NUMBER}")


@pytest.fixture(scope="session")
def inline_executor(inline_redis, open_directory):
    """An executor of two slots, as a process of its own."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("RRTF_")},
        "REDIS_URL": inline_redis,
        "RRTF_EXECUTOR_SLOTS": "2",
        "RRTF_EXECUTOR_HOME": str(open_directory / "executor"),
        # The users past those of the slots that other tests open.
        "RRTF_EXECUTOR_OUTSIDE_UID": str(int(os.environ["RRTF_EXECUTOR_OUTSIDE_UID"]) + 40 * 1024),
    }
    with (
        (open_directory / "executor.log").open("ab") as log,
        subprocess.Popen(
            [sys.executable, "-m", "executor"], env=environment, stdout=log, stderr=log
        ) as process,
    ):
        yield process
        process.terminate()


@pytest.fixture(scope="session")
def inline_url(servers, template, inline_redis, inline_executor):
    """The address of an API before that executor."""
    name = f"direct_{os.getpid()}"
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
    app = create_app(
        Database(with_path(servers.database_url, f"/{name}")), inline_redis, KEY, 8_000_000
    )
    with served(app) as url:
        yield url
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def suite_client(inline_url):
    with Client(inline_url, KEY) as opened:
        yield opened


@pytest.fixture
def raw(inline_url):
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=inline_url, headers=headers, timeout=90) as opened:
        yield opened
