"""All processes of a candidate are charged to it, whoever waits for them, and end with it."""

import contextlib
import os

import pytest

from executor.images.image import stage
from executor.judging.judge import Judge
from executor.sandbox.accounting import Polling, choose
from executor.sandbox.cell import CellSandbox
from executor.sandbox.slot import nsjail_binary
from executor.sandbox.strict import StrictSandbox
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, StdioTest
from tests.hostile.attacks import SLOWNESS
from tests.processes import descendants, settled

ORPHAN = """
import os, time
reading, writing = os.pipe()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        while time.process_time() < {seconds}: pass
        os.write(writing, b"x")
        while True: pass
    os._exit(0)
os.wait()
os.read(reading, 1)
"""
NOBODY_WAITS = """
import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    if os.fork() == 0:
        while time.process_time() < 0.05: pass
        os._exit(0)
    try: os.wait()
    except ChildProcessError: pass
"""
# So much idle time that only CPU time can end them.
LIMITS = Limits(
    cpu_seconds=0.5 * SLOWNESS,
    idle_factor=20 / SLOWNESS,
    total_cpu_seconds=2 * SLOWNESS,
    processes=16,
)


@pytest.fixture(scope="module", params=[CellSandbox, StrictSandbox], ids=["cell", "strict"])
def kind(request):
    return request.param


@pytest.fixture(scope="module", params=["cgroups", "polling"])
def judge(open_directory, kind, request):
    uid = 5_300_000 if os.geteuid() == 0 else None
    accountant = Polling() if request.param == "polling" else choose(None, required=False)
    sandbox = kind(nsjail_binary(), stage(open_directory / "executor"), accountant, uid)
    suite = Suite(tests=(StdioTest(stdin="", expected_stdout=""),), limits=LIMITS)
    with contextlib.closing(accountant), contextlib.closing(sandbox):
        judge = Judge(sandbox, suite, "orphans")
        # From here on the cell is there, if there is one.
        assert judge.judge("pass").label is Label.ALL_PASS
        yield judge


@pytest.mark.parametrize("source", [ORPHAN.format(seconds=99), NOBODY_WAITS], ids=["one", "many"])
def test_their_cpu_time_ends_the_program(judge, source):
    (test,) = judge.judge(source).tests

    assert test.outcome is Outcome.TIME_LIMIT_EXCEEDED
    assert "CPU time" in test.detail


def test_an_orphan_ends_with_the_program_that_left_it(judge):
    before = len(descendants())

    verdict = judge.judge(ORPHAN.format(seconds=0.1))

    assert verdict.label is Label.ALL_PASS
    assert len(settled(before)) <= before
