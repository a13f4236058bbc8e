"""A worker is frozen for longer than its messages stay hidden, then goes on as if nothing was."""

import itertools
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from infra.local.process import spawn
from tests.e2e.faults.load import until
from tests.e2e.faults.rig import VISIBILITY_SECONDS


@pytest.fixture
def second_executor(rig):
    """Another executor on the same queue, for there must be someone who takes over."""
    raw = Path(f"/proc/{rig.suite.pid('executor')}/environ").read_bytes()
    entries = (entry.partition(b"=") for entry in raw.split(b"\0") if entry)
    env = {name.decode(): value.decode() for name, _, value in entries}
    env["RRTF_EXECUTOR_OUTSIDE_UID"] = "400000"
    log = rig.suite.home / "logs" / "second.log"
    with log.open("wb") as file:
        process = spawn([sys.executable, "-m", "executor"], env=env, log=file)
    assert until(lambda: b" ready." in log.read_bytes(), 60), log.read_text()
    yield process
    os.killpg(process.pid, signal.SIGCONT)
    process.terminate()
    assert process.wait(60) == 0


def test_a_worker_that_was_frozen_may_go_on(rig, second_executor):
    def send(name, number):
        if name == "second":
            os.killpg(second_executor.pid, number)
        else:
            rig.suite.kill(name, number)

    # Two at once, but never both executors.
    workers = itertools.cycle(("executor", "ranker", "second", "sampler"))
    frozen = []
    with rig.fault("worker frozen") as injections:
        try:
            for _ in injections:
                frozen.append(next(workers))
                send(frozen[-1], signal.SIGSTOP)
                if len(frozen) == 2:
                    time.sleep(VISIBILITY_SECONDS * 1.2)
                    while frozen:
                        send(frozen.pop(), signal.SIGCONT)
        finally:
            for name in frozen:
                send(name, signal.SIGCONT)
