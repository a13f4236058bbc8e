"""SIGINT at random moments: a command ends soon, and leaves nothing that goes on.

It promises five seconds; a machine that does much else may take longer, so that is logged here
(`--log-cli-level=INFO`) and not asserted. How each wait is bounded is tried beside the supervisor.
Moments are drawn anew in each run; `RANDOM_ENDS_SEED` repeats those of one that failed.
"""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from executor.sandbox.groups import PREFIX
from services.cli.suite.running import running_suite
from services.exercises import files
from services.exercises.exercise import Split
from services.exercises.student import kept_student
from tests.processes import descendants, lives

log = logging.getLogger(__name__)
SEED = int(os.environ.get("RANDOM_ENDS_SEED") or random.SystemRandom().randrange(10**6))
CGROUPS = Path("/sys/fs/cgroup")
PATIENCE_SECONDS = 90
PROBLEM = {
    "slug": "own/one",
    "prompt": "",
    "entry_point": "one",
    "tests": [{"kind": "call", "args": [], "expected": 1}],
}
LONGEST = {"label": 6.0, "train": 15.0, "up": 15.0, "demo": 30.0}
"""Seconds until the last moment at which a command is interrupted."""
DRAWN = {("label", 0), ("up", 0)}
"""What `make test` does; the others take most of a minute each."""


@pytest.fixture(scope="module")
def suite(open_directory):
    """A suite whose sampler and trainer have the kept student, so that `train` goes on."""
    home = open_directory / "ends"
    home.mkdir(mode=0o711)
    student = str(kept_student(home))
    overrides = {
        "sampler": {"RRTF_SAMPLER_MODEL": student, "RRTF_SAMPLER_THREADS": "1"},
        "trainer": {"RRTF_TRAINER_MODEL": student, "RRTF_TRAINER_THREADS": "1"},
    }
    with running_suite(home, executor_slots=1, durable=False, overrides=overrides) as started:
        yield started


def words_of_label(folder):
    problems, candidates = folder / "problems.jsonl", folder / "candidates.jsonl"
    problems.write_text(json.dumps(PROBLEM))
    program = {"task_id": "own/one", "program": "import time\ndef one():\n    time.sleep(1)\n"}
    candidates.write_text("\n".join([json.dumps(program)] * 200))
    given = ["--problems", problems, "--candidates", candidates, "--out", folder / "labels"]
    return ["label", "--slots", "2", *given]


def words_of_train(folder):
    problems = files.write_problems(folder, Split.TRAINING, 0, 40)
    held_out = files.write_problems(folder, Split.HELD_OUT, 0, 20)
    given = ["--problems", problems, "--held-out", held_out, "--out", folder / "out"]
    return ["train", *given, "--teachers", folder / files.TEACHERS]


def words_of_up(folder):
    return ["up", "--home", folder / "home", "--port", "0", "--slots", "1"]


def words_of_demo(folder):
    return ["demo", "--out", folder / "out", "--human-eval", "0"]


WORDS = {
    "label": words_of_label, "train": words_of_train, "up": words_of_up, "demo": words_of_demo,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "number"),
    [
        pytest.param(
            command,
            number,
            id=f"{command}-{number}",
            marks=() if (command, number) in DRAWN else pytest.mark.thorough,
        )
        for command in WORDS
        for number in range(20)
    ],
)
def test_an_interrupted_command_ends_and_leaves_nothing(command, number, open_directory, request):
    folder = open_directory / f"{command}-{number}"
    folder.mkdir(mode=0o711)
    (folder / "tmp").mkdir(mode=0o711)
    variables = {"TMPDIR": str(folder / "tmp"), "RRTF_DATA": "/nowhere"}
    if command == "train":
        suite = request.getfixturevalue("suite")
        variables |= {"RRTF_CLIENT_URL": suite.api_url, "RRTF_CLIENT_KEY": suite.api_key}
    moment = random.Random(f"{SEED} {command} {number}").uniform(0.0, LONGEST[command])
    case = f"RANDOM_ENDS_SEED={SEED}: SIGINT after {moment:.2f} s"
    groups_before, seen = cgroups(), set()
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli.start", *map(str, WORDS[command](folder))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | variables,
        start_new_session=True,
    )
    try:
        time.sleep(moment)
        began = time.monotonic()
        if process.poll() is None:
            seen = descendants(process.pid)
            process.send_signal(signal.SIGINT)
        told, _ = process.communicate(timeout=PATIENCE_SECONDS)
        log.info("%s, %s: ended in %.2f s", command, case, time.monotonic() - began)
    finally:
        process.kill()
        process.wait()

    # By the signal itself while it loads; in order; at the end of its work, or of its patience.
    expected = {-signal.SIGINT, 128 + signal.SIGINT, *([0] if command == "up" else [])}
    assert process.returncode in expected, (case, told.decode())
    assert b"Traceback" not in told, (case, told.decode())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := what_is_left(process.pid, folder, seen, groups_before):
        assert time.monotonic() < deadline, (case, left, told.decode())
        time.sleep(0.05)


def cgroups():
    """The cgroups that executors have made where we are, by path; containers have their own."""
    found = set()
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        for mount in (CGROUPS / controllers.removeprefix("name="), CGROUPS / "unified", CGROUPS):
            folder = mount / own.lstrip("/")
            for place in (folder, folder.parent):
                found.update(place.glob(f"{PREFIX}*"))
    return found


def what_is_left(session, folder, seen, groups_before):
    """What a command that has ended has left: processes, temporary folders, sockets, cgroups.

    Processes are those that were `seen` below it, those of its session, and whoever names its
    folder, which is whoever was started after that look and then lost its parent.
    """
    processes = {one for one in psutil.process_iter() if is_of(one, session, folder)} | seen
    sockets = [path for path in folder.glob("**/*") if path.is_socket()]
    # An owner that still lives is another's: two runs may share a machine.
    groups = {path for path in cgroups() - groups_before if not owner_lives(path)}
    temporary = list((folder / "tmp").glob("rrtf-*"))
    return [*filter(lives, processes), *sockets, *groups, *temporary]


def is_of(process, session, folder):
    try:
        if os.getsid(process.pid) == session:
            return True
        words = [*process.cmdline(), *process.environ().values()]
    except (psutil.Error, OSError):
        return False
    return any(str(folder) in word for word in words)


def owner_lives(group):
    """Whether the executor whose process id a cgroup has in its name is there."""
    return psutil.pid_exists(int(group.name.split("-")[2]))
