"""The idle clock, looking at processes of this machine."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from executor.sandbox.idling import IdleClock, own_seconds


class Tasks:
    """Stands where an account is: one process, or none."""

    def __init__(self, *pids):
        self.pids = list(pids)

    def tasks(self):
        return self.pids


@pytest.fixture
def started():
    """Start Python on some code, and wait until it says that it is there."""
    processes = []

    def start(code):
        code = f"import os, time\nos.write(1, b'x')\n{code}"
        process = subprocess.Popen([sys.executable, "-Sc", code], stdout=subprocess.PIPE)
        processes.append(process)
        assert process.stdout.read(1) == b"x"
        return process.pid

    yield start
    for process in processes:
        process.kill()
        process.stdout.close()
        process.wait()


def stop(pid):
    os.kill(pid, signal.SIGSTOP)
    os.waitid(os.P_PID, pid, os.WSTOPPED)


def asleep(started):
    pid = started("time.sleep(99)")
    stop(pid)
    return pid


def waited(pid):
    """Seconds that a process has waited for a processor."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[1]) / 1e9


def test_time_counts_between_two_looks_at_what_sleeps(started):
    clock = IdleClock(Tasks(asleep(started)))

    clock.look(10.0, 0.0, 1.0)
    assert clock.seconds == 0
    clock.look(10.02, 0.005, 1.0)
    assert clock.seconds == pytest.approx(0.015)
    # In some of it, it had nothing to do; in some we have kept it waiting.
    clock.excuse(0.004)
    clock.look(10.04, 0.005, 1.006)
    assert clock.seconds == pytest.approx(0.025)
    # We come late, and know little of what was in between.
    clock.look(20.0, 0.005, 1.006)
    assert clock.seconds == pytest.approx(0.065)


def test_no_time_counts_while_something_runs_or_waits_for_a_processor(started):
    tasks = Tasks(asleep(started))
    clock = IdleClock(tasks)

    clock.look(1.0, 0.0, 0.0)
    tasks.pids.append(started("while True: pass"))
    for at in (1.02, 1.04):
        clock.look(at, 0.0, 0.0)
    tasks.pids.pop()
    clock.look(1.06, 0.0, 0.0)
    assert clock.seconds == 0


def test_no_time_counts_in_which_it_has_waited_for_a_processor(started):
    loops = [started("while True: pass") for _ in range(3)]
    for pid in loops:
        os.sched_setaffinity(pid, {min(os.sched_getaffinity(0))})
    stop(loops[0])
    clock = IdleClock(Tasks(loops[0]))

    clock.look(1.0, 0.0, 0.0)
    until = waited(loops[0]) + 0.04
    os.kill(loops[0], signal.SIGCONT)
    while waited(loops[0]) < until:
        time.sleep(0.01)
    stop(loops[0])
    clock.look(1.04, 0.0, 0.0)

    assert clock.seconds == 0


def test_no_time_counts_when_nobody_is_left():
    ended = subprocess.Popen([sys.executable, "-Sc", ""])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    clock = IdleClock(Tasks(ended.pid))

    for at in (1.0, 1.02, 1.04):
        clock.look(at, 0.0, 0.0)
    ended.wait()
    clock.look(1.06, 0.0, 0.0)

    assert clock.seconds == 0


def test_what_we_have_run_and_waited_is_told():
    before, until = own_seconds(), time.thread_time() + 0.1
    while time.thread_time() < until:
        pass
    os.sched_yield()

    assert own_seconds() - before > 0.05
