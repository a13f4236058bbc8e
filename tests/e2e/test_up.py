"""`rrtf up` from outside: when it says that it is ready, what it tells, and how it ends."""

import itertools
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from infra.contracts.base import Label
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.contracts.problems import CallTest, Problem
from infra.local.home import free_port
from infra.local.parts import parts_of
from services.client import Client
from tests.processes import descendants, lives, words_of

pytestmark = pytest.mark.slow

_numbers = itertools.count(1)


class Up:
    """One `rrtf up`, its words in a file."""

    def __init__(self, home, port, *options, **variables):
        self.home, self.url = home, f"http://127.0.0.1:{port}"
        self.log = home.with_name(f"{home.name}-{next(_numbers)}.log")
        words = ["-m", "services.cli.main", "up", "--home", str(home), "--port", str(port)]
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *words, "--slots", "1", *options],
                stdout=file,
                stderr=file,
                env=os.environ | variables,
            )

    def wait_until(self, condition, seconds=400):
        deadline = time.monotonic() + seconds
        while not condition():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.05)

    def is_ready(self):
        return "The suite is ready" in self.log.read_text()

    def children(self):
        return descendants(self.process.pid)

    def key(self):
        return (self.home / "api.key").read_text()


ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "3",
    "NCCL_DEBUG": "WARN",
    "LD_LIBRARY_PATH": "/usr/lib/none",
    "HF_HOME": "/nowhere",
    "HF_TOKEN": "hf_secret",
    "HTTPS_PROXY": "http://proxy.invalid:3128",
    "https_proxy": "http://proxy.invalid:3128",
    "NO_PROXY": "127.0.0.1",
}


@pytest.fixture
def start(open_directory, request):
    """Start one in a data directory of the test's own, or in a named one."""
    started = []

    def begin(*options, home=None, port=None, **variables):
        home = home or open_directory / f"{request.node.name[:40]}-{len(started)}"
        up = Up(home, port or free_port(), *options, **variables)
        started.append(up)
        return up

    yield begin
    for up in started:
        up.process.kill()
        up.process.wait()


@pytest.fixture(scope="module")
def running(open_directory):
    """The one that most of these tests look at; its readiness is waited for."""
    up = Up(open_directory / "running", free_port(), **ENVIRONMENT)
    try:
        up.wait_until(up.is_ready)
        yield up
    finally:
        up.process.kill()
        up.process.wait()


def test_it_is_ready_when_every_worker_is(running):
    before, _, after = running.log.read_text().partition("The suite is ready: ")
    for room in ("ranker", "sampler", "executor"):
        assert room in before
        assert room in {Path(path).stem for path in (running.home / "logs").iterdir()}
    assert "sandbox.ready" in (running.home / "logs/executor.log").read_text()
    assert "sandbox.ready" not in before  # Logs of services are in files alone.
    assert after.startswith(f"{running.url}\n")
    assert f"export RRTF_HOME={running.home}" in after
    assert after.endswith("stop       Ctrl-C\n")
    key = running.home / "api.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text() not in running.log.read_text()
    with Client(running.url, key.read_text()) as client:
        assert client.stats().waiting_groups == 0
    children = running.children()
    assert len(children) >= 7
    # Nobody has named a model, so nobody is trained.
    assert not any("trainer" in words_of(child) for child in children)
    assert "names no model: the trainer does not run" in running.log.read_text()


def environment_of(children, module):
    """Return the environment of the process that runs a module."""
    found = [child for child in children if words_of(child)[1:3] == ["-m", module]]
    oldest = min(found, key=lambda child: child.create_time())
    return dict(
        line.split("=", 1)
        for line in Path(f"/proc/{oldest.pid}/environ").read_text().split("\0")
        if line
    )


def test_each_process_gets_its_own_part_of_the_environment(running):
    children = running.children()
    for module in ("sampler", "executor", "ranker", "services.api", "services.delivery.dispatcher"):
        given = environment_of(children, module)
        got = {name: given[name] for name in ENVIRONMENT if name in given}
        assert got == (ENVIRONMENT if module == "sampler" else {}), module


def test_a_second_one_on_its_port_or_in_its_data_directory_is_refused(running, start):
    port = int(running.url.rpartition(":")[2])

    same_port, same_home = start(port=port), start(home=running.home)

    assert same_port.process.wait(300) == same_home.process.wait(300) == 1
    told = same_port.log.read_text()
    assert f"port {port} of 127.0.0.1 is taken by process" in told
    assert "address_taken" in told
    assert not same_port.home.exists()


def test_servers_that_are_killed_come_back_and_work_goes_on(running):
    named = own_children(running)
    assert {part.name for part in parts_of(running.home)} >= {"Postgres", "Valkey", "executor"}
    for name in ("postgres", "valkey-server"):
        named[name].send_signal(signal.SIGKILL)
    problem = Problem(
        slug="own/one", prompt="", entry_point="one", tests=(CallTest(args=(), expected=1),)
    )
    candidate = NewCandidate(author="student", program="def one(): return 1\n")
    with Client(running.url, running.key()) as client:
        running.wait_until(client.is_ready)
        stored = client.add_problem(problem)
        group = client.create_group(stored.id, NewGroup(candidates=(candidate,)))
        running.wait_until(
            lambda: [one.label for one in client.candidates(group.id)] == [Label.ALL_PASS]
        )
    again = own_children(running)
    for name in ("postgres", "valkey-server"):
        assert again[name] != named[name]


def own_children(up):
    return {child.name(): child for child in up.children() if child.ppid() == up.process.pid}


def test_ctrl_c_ends_it_clean(running):
    children = running.children()
    running.process.send_signal(signal.SIGINT)

    assert running.process.wait(100) == 0
    assert not any(map(lives, children))
    assert parts_of(running.home) is None


def end(up, number, children):
    """Send it a signal, and wait until nothing of it goes on."""
    up.process.send_signal(number)
    up.process.wait(60)
    deadline = time.monotonic() + 60
    while any(map(lives, children)):
        assert time.monotonic() < deadline, [child for child in children if lives(child)]
        time.sleep(0.05)


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP])
def test_whatever_ends_it_nothing_of_it_goes_on(start, number):
    up = start("--trainer", RRTF_TRAINER_THREADS="1")
    up.wait_until(up.is_ready)
    assert "the trainer trains a small one made from nothing" in up.log.read_text()

    end(up, number, up.children())


def test_one_that_is_killed_while_it_starts_leaves_nothing_and_has_the_key_of_before(
    running, start
):
    key = running.key()
    later = start("--trainer", home=running.home, RRTF_TRAINER_THREADS="1", **ENVIRONMENT)
    later.wait_until(lambda: has_started(later, "trainer"))

    assert later.key() == key
    children = later.children()
    given = environment_of(children, "trainer")
    assert {name: given[name] for name in ENVIRONMENT} == ENVIRONMENT
    end(later, signal.SIGKILL, children)


def has_started(up, name):
    return any(words_of(child)[1:3] == ["-m", name] for child in up.children())


def test_sigterm_while_it_starts_ends_it_at_once_and_leaves_nothing(start):
    up = start()
    up.wait_until((up.home / "logs" / "api.log").exists)
    children = up.children()
    assert children

    up.process.send_signal(signal.SIGTERM)

    assert up.process.wait(300) == 0
    assert not up.is_ready()
    assert not any(map(lives, children))


def test_a_port_that_is_taken_is_said_before_anything_is_started(start):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        up = start(port=port)

        assert up.process.wait(300) == 1

    told = up.log.read_text()
    assert f"port {port} of 127.0.0.1 is taken by process {os.getpid()}" in told
    assert told.endswith("--port [address_taken]\n")
    assert told.count("\n") == 1
    assert not up.home.exists()
