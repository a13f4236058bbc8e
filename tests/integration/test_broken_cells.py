"""A cell whose jail cannot be proven empty is replaced, whatever failed; and it dies with us."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from executor.images.image import stage
from executor.judging.judge import Judge
from executor.judging.native.builds import Build
from executor.judging.native.runner import NativeRunner
from executor.judging.running import Runner
from executor.languages import TOOLCHAINS
from executor.sandbox.accounting import choose
from executor.sandbox.cell import CellSandbox
from executor.sandbox.slot import nsjail_binary
from executor.settings import default_home
from executor.toolchain_spec import HARNESS_FOLDER, Cache
from infra import errors
from infra.contracts.base import STANDARD_IMAGE, Label, Language
from infra.contracts.inline import Running
from infra.contracts.problems import Limits
from infra.observability import metrics
from tests.hostile.attacks import HONEST, SUITES
from tests.processes import descendants, lives

HANGS = """
import sys
import time

def add(a, b):
    print("in there", flush=True)
    while True:
        time.sleep(1)
"""

HANGS_AT_ONCE = "import time\nprint(1, end='', flush=True)\ntime.sleep(60)\n"


class _Doubtful:
    """An account that says, when it is told to, that a process is left in it."""

    def __init__(self, account, accountant):
        self._account = account
        self._accountant = accountant

    def __getattr__(self, name):
        return getattr(self._account, name)

    def is_empty(self):
        return not self._accountant.doubts and self._account.is_empty()

    def close(self):
        self._account.close()
        if self._accountant.fails:
            raise errors.SandboxError("cannot be removed")


class _Accountant:
    kind = "doubtful"

    def __init__(self):
        self._real = choose(None, required=False)
        self.doubts = self.fails = False

    def open(self, name, limits):
        return _Doubtful(self._real.open(name, limits), self)

    def close(self):
        self._real.close()


@pytest.fixture
def accountant():
    with contextlib.closing(_Accountant()) as accountant:
        yield accountant


@pytest.fixture
def sandbox(accountant, monkeypatch):
    monkeypatch.setattr("executor.sandbox.jail._END_SECONDS", 0.3)
    users = 600_000 if os.geteuid() == 0 else None
    home = default_home()
    sandbox = CellSandbox(nsjail_binary(), stage(home), accountant, users)
    with contextlib.closing(sandbox):
        yield sandbox


@pytest.fixture
def judge(sandbox):
    return Judge(sandbox, SUITES["call"], "test")


def processes_of(sandbox):
    """Those of its cell: nsjail, and the zygote in it."""
    nsjail = psutil.Process(sandbox._cell._process.pid)
    found = {nsjail}
    for one in nsjail.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # The end of a jail that ended just now.
            if one.status() != psutil.STATUS_ZOMBIE:
                found.add(one)
    return found


def cells_of(sandbox):
    """All that there are now, of packages and of toolchains."""
    families = (sandbox._family, sandbox._toolchains)
    members = [one for family in families for one in family.members.values()]
    return [one._cell for one in members if one._cell is not None]


def failing():
    return metrics.SLOTS_FAILING._value.get()


@pytest.mark.parametrize("fault", ["doubts", "fails"])
def test_a_cell_that_may_not_be_empty_is_replaced(judge, sandbox, accountant, fault):
    assert judge.judge(HONEST).label is Label.ALL_PASS
    before = processes_of(sandbox)
    setattr(accountant, fault, True)

    with pytest.raises(errors.SandboxError):
        judge.judge(HONEST)

    assert failing() == 1
    assert not any(lives(process) for process in before)
    setattr(accountant, fault, False)
    assert judge.judge(HONEST).label is Label.ALL_PASS
    assert failing() == 0
    assert len(processes_of(sandbox)) == len(before)


def test_a_cell_whose_first_process_is_gone_is_replaced(judge, sandbox):
    assert judge.judge(HONEST).label is Label.ALL_PASS
    for process in processes_of(sandbox):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()

    with pytest.raises(errors.SandboxError):
        judge.judge(HONEST)

    assert judge.judge(HONEST).label is Label.ALL_PASS


@pytest.mark.parametrize("of_toolchains", [False, True])
def test_a_candidate_whose_cell_was_killed_is_not_to_blame(sandbox, of_toolchains):
    waiting = {Language.PERL: "$| = 1; print 1; sleep 60", Language.PYTHON: HANGS_AT_ONCE}
    language = Language.PERL if of_toolchains else Language.PYTHON
    runner = Runner(sandbox, "test", language, STANDARD_IMAGE, Limits(cpu_seconds=10))
    running = Running(program=waiting[language], wall_seconds=30)

    def kill_the_cell():
        (cell,) = (one for one in cells_of(sandbox) if one._running)
        cell._process.kill()
        return True

    with pytest.raises(errors.SandboxError):
        runner.run(running, kill_the_cell)

    ended = runner.run(running.model_copy(update={"wall_seconds": 0.2}), lambda: True)
    assert ended.stdout == "1"


COPIED = Cache(
    "", frozenset(), None, "RRTF_SEEN", {"seen.h": "#define SEEN 0\n"},
    (("/usr/bin/cp", "seen.h", "{folder}"),),
)  # fmt: skip


def test_a_cell_shows_what_was_made_anew_and_not_what_was_put_away(sandbox):
    native = NativeRunner(sandbox, Language.C, Limits())
    text = f'#include "{HARNESS_FOLDER}/seen.h"\nint main(void) {{ return SEEN; }}\n'
    build = Build.of(TOOLCHAINS[Language.C], {"main.c": text})._replace(libraries=(COPIED,))
    first = native.build(build)

    for folder in (sandbox.home / "caches").glob("rrtf_seen-*"):
        shutil.rmtree(folder)

    assert native.build(build).files == first.files


def test_a_cell_outlives_the_thread_that_built_it(judge):
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(judge.judge, HONEST).result().label is Label.ALL_PASS

    assert judge.judge(HONEST).label is Label.ALL_PASS


WORKER = """
import contextlib
import os
import sys

from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings, default_home
from tests.hostile.attacks import SUITES

settings = ExecutorSettings(home=default_home(), strict=sys.argv[1] == "strict")
slot = Slot(settings, number=6)
limits = {"cpu_seconds": 100.0, "total_cpu_seconds": 100.0}
suite = SUITES["call"]
suite = suite.model_copy(update={"limits": suite.limits.model_copy(update=limits)})
judge = Judge(slot.sandbox, suite, slot.version)
print("ready", flush=True)
judge.judge(sys.argv[2])
"""


@pytest.mark.parametrize("mode", ["cell", "strict"])
def test_nothing_outlives_the_worker(mode):
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, mode, HANGS],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert worker.stdout is not None
    assert worker.stdout.readline() == b"ready\n"
    # nsjail, its process 1 and the candidate; in a cell also the reaper of the namespace.
    deadline = time.monotonic() + 30
    while len(processes := descendants(worker.pid)) < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(processes) >= 3
    worker.kill()
    worker.communicate()

    deadline = time.monotonic() + 30
    while (left := [p for p in processes if lives(p)]) and time.monotonic() < deadline:
        time.sleep(0.05)
    for process in left:
        process.kill()
    assert left == []
