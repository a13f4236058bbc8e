"""Accounting without cgroups, as for an ordinary user: the same verdicts by polling."""

import contextlib
import os

import pytest

from executor.images.image import stage
from executor.judging.judge import Judge
from executor.sandbox.accounting import Polling
from executor.sandbox.cell import CellSandbox
from executor.sandbox.slot import nsjail_binary
from executor.sandbox.strict import StrictSandbox
from infra.contracts.base import Label, Outcome
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest, Limits

FORKS = """
import os, time
def f():
    for _ in range(12):
        if os.fork() == 0:
            time.sleep(60)
    time.sleep(0.3)
    return 1
"""
FORKED_SPINNERS = "import os\ndef f():\n    os.fork(); os.fork()\n    while True: pass\n"
SLEEPERS = "import os, time\ndef f():\n    os.fork()\n    while True: time.sleep(0.001)\n"
DAEMON = "import os, time\ndef f():\n    if os.fork() == 0:\n        time.sleep(99)\n    return 1\n"
FILES = """
import os, time
def f():
    for n in range(30):
        os.write(os.memfd_create("file"), bytes(4 << 20))
    time.sleep(60)
"""


@pytest.fixture(scope="module", params=[CellSandbox, StrictSandbox])
def judge(open_directory, request):
    uid = 5_200_000 if os.geteuid() == 0 else None
    image = stage(open_directory / "executor")
    sandbox = request.param(nsjail_binary(), image, Polling(), uid)
    limits = Limits(
        cpu_seconds=0.5, idle_factor=1, total_cpu_seconds=2, memory_bytes=96 * 2**20, processes=16
    )
    suite = Suite(tests=(CallTest(expected=1),), entry_point="f", limits=limits)
    with contextlib.closing(sandbox):
        yield Judge(sandbox, suite, "polling")


@pytest.mark.parametrize(
    ("source", "label", "outcome"),
    [
        ("def f():\n    return 1\n", Label.ALL_PASS, Outcome.PASSED),
        (FORKS, Label.ALL_PASS, Outcome.PASSED),
        (DAEMON, Label.ALL_PASS, Outcome.PASSED),
        (SLEEPERS, Label.RUNTIME_ERROR, Outcome.TIME_LIMIT_EXCEEDED),
        (FORKED_SPINNERS, Label.RUNTIME_ERROR, Outcome.TIME_LIMIT_EXCEEDED),
        (
            "def f():\n    blocks = []\n    while True: blocks.append(bytearray(1 << 20))\n",
            Label.RUNTIME_ERROR,
            Outcome.MEMORY_LIMIT_EXCEEDED,
        ),
        (FILES, Label.RUNTIME_ERROR, Outcome.MEMORY_LIMIT_EXCEEDED),
        ("import os\ndef f():\n    os._exit(0)\n", Label.RUNTIME_ERROR, Outcome.RUNTIME_ERROR),
    ],
)
def test_polling_gives_the_verdict_that_cgroups_give(judge, source, label, outcome):
    verdict = judge.judge(source)

    assert verdict.label is label
    assert [test.outcome for test in verdict.tests] == [outcome]
