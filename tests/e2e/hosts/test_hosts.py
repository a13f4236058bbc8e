"""Three hosts: one with the services and both servers, two that execute and know nothing else."""

import contextlib
import os
import random
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import psutil
import pytest
import redis

from infra.local.process import end, spawn
from infra.queues.messaging import Queue
from services.cli.suite.running import running_suite
from tests.e2e.faults.load import Load, until, write_replay
from tests.e2e.faults.rig import QUICK, Record, Rig
from tests.e2e.hosts.network import ADDRESS, Host, move_to_a_host_of_its_own

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make hosts")
_EXECUTORS = (2, 3)
_CUT_SECONDS = 6.0
_LABELLED = b'"event": "batch.labelled"'


@pytest.fixture(scope="module")
def first_host():
    """A thread that is on the first host; whatever it starts is there too."""
    with ThreadPoolExecutor(1, initializer=move_to_a_host_of_its_own) as thread:
        yield thread


@pytest.fixture
def home(open_directory):
    path = open_directory / "hosts"
    path.mkdir()
    path.chmod(0o711)
    return path


def test_a_host_that_is_cut_off_loses_nothing_and_comes_back(first_host, home):
    first_host.submit(cut_one_off, home).result()


def cut_one_off(home):
    with contextlib.ExitStack() as stack:
        settings = {"sweep": QUICK["sweep"], "sampler": write_replay(home)}
        suite = stack.enter_context(
            running_suite(home, executor_slots=0, trainer=False, durable=False, overrides=settings)
        )
        url = executor_url(suite)
        hosts = [stack.enter_context(Host(number)) for number in _EXECUTORS]
        logs = [stack.enter_context(executor(host, url, home, n)) for n, host in enumerate(hosts)]
        rig = Rig(suite, random.Random(0), 1, home)
        rig.run_undisturbed()
        record = Record("host cut off", 1)

        with rig.measured(record):
            with Load(suite, 1000) as load:
                assert until(lambda: all(labelled(log) for log in logs), 60)
                before = labelled(logs[0])
                hosts[0].cut()
                time.sleep(_CUT_SECONDS)
                there = labelled(logs[1])
                assert until(lambda: labelled(logs[1]) > there, 30)
                hosts[0].join()
                assert until(lambda: labelled(logs[0]) > before + 5, 60)
            rig.prove(record, load)

        assert record.sent_again > 0
        may_do_nothing_else(url)


def executor_url(suite):
    """Open Redis to the bridge, and return the address that an executor's host is given."""
    with redis.Redis.from_url(suite.redis_url) as server:
        server.config_set("bind", f"127.0.0.1 {ADDRESS}")
    parts = urlsplit(suite.executor_redis_url)
    return parts._replace(netloc=parts.netloc.replace("127.0.0.1", ADDRESS)).geturl()


@contextlib.contextmanager
def executor(host, url, home, number):
    """Run an executor on a host, which is told where Redis is and nothing else; yield its log."""
    env = {name: os.environ[name] for name in ("PATH", "PYTHONPATH", "HOME") if name in os.environ}
    env |= {
        "REDIS_URL": url,
        "RRTF_EXECUTOR_HOME": str(home),
        "RRTF_EXECUTOR_SLOTS": "1",
        # They share one machine's users, which hosts do not.
        "RRTF_EXECUTOR_OUTSIDE_UID": str(300_000 + 100_000 * number),
    }
    log = home / f"executor{number}.log"
    with log.open("wb") as file:
        process = spawn(host.command([sys.executable, "-m", "executor"]), env=env, log=file)
    try:
        assert until(lambda: b" ready." in log.read_bytes(), 60), log.read_text()
        assert not [name for name in psutil.Process(process.pid).environ() if "DATABASE" in name]
        yield log
    finally:
        end(process, signal.SIGTERM)


def labelled(log):
    """Count the batches that an executor has labelled."""
    return log.read_bytes().count(_LABELLED)


def may_do_nothing_else(url):
    """Try what somebody would who has taken an executor's host."""
    refused = [
        ("LRANGE", Queue.RANKER, 0, -1),
        ("BRPOP", Queue.RANKER, 1),
        ("HGETALL", "ranker.unacked"),
        ("DEL", Queue.RANKER),
        ("LRANGE", Queue.SAMPLER, 0, -1),
        ("LPUSH", Queue.SAMPLER, "{}"),
        ("SMEMBERS", "_kombu.binding.sampler"),
        ("SUBSCRIBE", "anything"),
        *(("KEYS", "*"), ("SCAN", 0), ("FLUSHALL",), ("FLUSHDB",), ("CONFIG", "GET", "*")),
        *(("ACL", "LIST"), ("SAVE",), ("SHUTDOWN",), ("MONITOR",), ("EVAL", "return 1", 0)),
        ("CLIENT", "KILL", "TYPE", "normal"),
    ]
    with redis.Redis.from_url(url) as taken:
        for words in refused:
            with pytest.raises(redis.exceptions.NoPermissionError):
                pytest.fail(f"{words} gave {taken.execute_command(*words)}")
