"""SIGINT at random moments: a command ends soon, and leaves nothing that goes on.

It promises five seconds; a machine that does much else may take longer, so that is logged here
(`--log-cli-level=INFO`) and not asserted. How each wait is bounded is tried beside the supervisor.
"""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from services.cli.suite.running import running_suite
from services.exercises import files
from services.exercises.exercise import Split
from tests.processes import descendants, lives

log = logging.getLogger(__name__)
PATIENCE_SECONDS = 90
PROBLEM = {
    "slug": "own/one",
    "prompt": "",
    "entry_point": "one",
    "tests": [{"kind": "call", "args": [], "expected": 1}],
}
LONGEST = {"label": 6.0, "train": 6.0, "up": 15.0, "demo": 30.0}
"""Seconds until the last moment at which a command is interrupted."""
DRAWN = {("label", 0), ("up", 0)}
"""What `make test` does; the others take most of a minute each."""


@pytest.fixture(scope="module")
def suite(open_directory):
    with running_suite(
        open_directory / "ends", executor_slots=1, trainer=False, durable=False
    ) as started:
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
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli.start", *map(str, WORDS[command](folder))],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | variables,
        start_new_session=True,
    )
    # Drawn anew in each run, and said by what fails.
    moment = random.uniform(0.0, LONGEST[command])
    try:
        time.sleep(moment)
        children = descendants(process.pid) if process.poll() is None else set()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        told, _ = process.communicate(timeout=PATIENCE_SECONDS)
        log.info("%s after %.1f s: ended in %.1f s", command, moment, time.monotonic() - began)
    finally:
        process.kill()
        process.wait()

    # By the signal itself while it loads; in order; at the end of its work, or of its patience.
    expected = {-signal.SIGINT, 128 + signal.SIGINT, *([0] if command == "up" else [])}
    assert process.returncode in expected, (moment, told.decode())
    assert b"Traceback" not in told, (moment, told.decode())
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(lives, children)) or list((folder / "tmp").glob("rrtf-*")):
        assert time.monotonic() < deadline, (moment, children, told.decode())
        time.sleep(0.05)
