"""Cgroups of executors are held by locks: nobody sweeps another's, whatever namespace it is in."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from executor.sandbox import groups
from executor.sandbox.accounting import choose
from infra.contracts.problems import Limits
from tests.processes import descendants

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has cgroups everywhere")

ALONE = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child")

EXECUTOR = """
import sys
from pathlib import Path
from executor.sandbox.slot import Slot
from executor.judging.judge import Judge
from executor.settings import ExecutorSettings
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest

settings = ExecutorSettings(home=Path(sys.argv[1]), outside_uid=int(sys.argv[2]))
suite = Suite(tests=(CallTest(expected=1),), entry_point="f")
slot = Slot(settings, 0)
judge = Judge(slot.sandbox, suite, "held")
print("open", flush=True)
for line in sys.stdin:
    print(judge.judge("def f():\\n    return 1\\n").label, flush=True)
slot.close()
print("closed", flush=True)
"""

HOLDER = """
import os, sys
from pathlib import Path
from executor.sandbox import groups
group = groups.HeldGroup(Path(sys.argv[1]))
if os.fork() == 0:
    group.close()  # It is the parent's, and stays.
    print(group.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture(params=["version 1", "version 2"])
def folder(request):
    """A folder of cgroups of each version that this machine has mounted, controllers or none."""
    places = {"version 1": [Path("/sys/fs/cgroup/pids")]}
    places["version 2"] = [Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup")]
    for place in places[request.param]:
        if (place / "cgroup.procs").exists():
            made = place / f"held-test-{os.getpid()}"
            made.mkdir()
            yield made
            groups.sweep(made)
            made.rmdir()
            return
    # A machine has one of them at least.
    assert request.param == "version 1"
    pytest.skip("there is no version 1 here")


@pytest.fixture
def start():
    started = []

    def begin(*command):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        if process.poll() is None:
            for child in descendants(process.pid):
                child.kill()
        process.kill()
        process.communicate()


def ask(executor):
    executor.stdin.write("\n")
    return executor.stdout.readline().strip()


def test_executors_in_two_pid_namespaces_leave_each_other_alone(start, open_directory):
    executors = []
    for number in range(2):
        # The ids differ, so that the first's is that of no process in the second's namespace.
        words = ["sh", "-c", "/bin/true; " * 40 * (1 - number) + '"$@"; exit $?', "sh"]
        home, uid = str(open_directory / "executor"), str(5_400_000 + number * 10_000)
        executors.append(start(*ALONE, *words, sys.executable, "-c", EXECUTOR, home, uid))
        assert executors[-1].stdout.readline() == "open\n"  # It has swept.
        assert ask(executors[-1]) == "all_pass"

    labels = [ask(executor) for executor in (*executors, *executors)]

    assert labels == ["all_pass"] * 4
    assert [executor.communicate()[0] for executor in executors] == ["closed\n"] * 2
    assert [executor.returncode for executor in executors] == [0, 0]


def test_nothing_in_a_jail_or_beside_it_holds_the_lock(start, open_directory):
    home = str(open_directory / "executor")
    executor = start(sys.executable, "-c", EXECUTOR, home, "5500000")
    assert executor.stdout.readline() == "open\n"
    assert ask(executor) == "all_pass"

    def held(pid):
        links = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
        return [link for link in links if Path(link).name.startswith(groups.PREFIX)]

    below = descendants(executor.pid)
    assert len(held(executor.pid)) in (1, 3)
    assert below
    assert [held(process.pid) for process in below] == [[]] * len(below)


def test_the_lock_ends_with_its_owner_though_a_forked_child_lives_on(start, folder):
    owner = start(sys.executable, "-c", HOLDER, str(folder))
    group = Path(owner.stdout.readline().strip())
    groups.sweep(folder)
    assert group.is_dir()
    (child,) = descendants(owner.pid)

    owner.kill()
    owner.wait()
    groups.sweep(folder)

    assert not group.exists()
    assert child.is_running()
    child.kill()


def test_what_a_killed_executor_leaves_is_swept_with_its_processes(start, folder):
    owner = start(sys.executable, "-c", HOLDER, str(folder))
    group = Path(owner.stdout.readline().strip())
    inside = start("sleep", "600")
    (group / "jail").mkdir()
    (group / "jail" / "cgroup.procs").write_text(str(inside.pid))
    owner.kill()
    owner.wait()
    assert groups.abandoned(folder) == [group]

    groups.sweep(folder)

    assert inside.wait(10) == -9
    assert not group.exists()


def test_a_sweep_from_another_namespace_spares_the_sweeper(start, folder):
    """What the sweeper cannot see is never killed by number: 0 would be its own group."""
    owner = start(sys.executable, "-c", HOLDER, str(folder))
    group = Path(owner.stdout.readline().strip())
    inside = start("sleep", "600")
    (group / "cgroup.procs").write_text(str(inside.pid))
    owner.kill()
    owner.wait()
    look = "import sys; from executor.sandbox import groups; print(groups.pids(sys.argv[1]))"

    sweeper = start(*ALONE, sys.executable, "-c", look, str(group))

    assert sweeper.communicate()[0] == "[]\n"
    assert sweeper.returncode == 0


def test_only_its_owner_may_open_a_group(folder):
    group = groups.HeldGroup(folder)
    mode = group.path.stat().st_mode & 0o777
    group.close()

    assert mode == 0o700
    assert not group.path.exists()


def test_a_name_that_another_sweep_took_is_left_for_the_next(folder, monkeypatch):
    seen = []
    really = Path.mkdir

    def mkdir_and_swept(path, *args, **keywords):
        really(path, *args, **keywords)
        seen.append(path)
        if len(seen) == 1:
            groups.sweep(folder)  # As another process does in the moment before the lock.

    monkeypatch.setattr(Path, "mkdir", mkdir_and_swept)

    group = groups.HeldGroup(folder)

    assert group.path == seen[1]
    assert not seen[0].exists()
    group.close()


def test_an_accountant_spares_the_groups_of_another():
    with contextlib.closing(choose(None, required=True)) as mine:
        account = mine.open("jail", Limits())
        choose(None, required=True).close()

        assert account.is_empty()
        account.close()
