"""`rrtf label` that is ended early: by whom it may, it leaves nothing but what it had found."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.cli.local.labelling import _alone_in
from services.cli.main import app
from tests.processes import descendants, lives, words_of

PROBLEM = {
    "slug": "own/one",
    "prompt": "",
    "entry_point": "one",
    "tests": [{"kind": "call", "args": [], "expected": 1}],
    "limits": {"cpu_seconds": 20.0},  # And three times as long by the clock.
}
SLOW = "import time\ndef one():\n    time.sleep(60)\n"


class Label:
    """One `rrtf label`: some candidates that are quick, then one that is not."""

    def __init__(self, folder, home, *options):
        self.folder, self.out = folder, folder / "labels.jsonl"
        quick = [f"def one(): return 1  # {number}\n" for number in range(16)]
        records = [{"task_id": "own/one", "program": source} for source in [*quick, SLOW, SLOW]]
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        problems, candidates = folder / "problems.jsonl", folder / "candidates.jsonl"
        problems.write_text(json.dumps(PROBLEM))
        # The second line is none, so that lines and candidates are counted apart.
        lines = [json.dumps(record) for record in records]
        candidates.write_text("\n".join([lines[0], "{none", *lines[1:]]))
        words = ["-m", "services.cli.main", "label", "--slots", "1", *options]
        files = ["--problems", problems, "--candidates", candidates, "--out", self.out]
        variables = {"TMPDIR": str(self.temporary), "RRTF_EXECUTOR_HOME": str(home)}
        self.process = subprocess.Popen(
            [sys.executable, *words, *map(str, files)],
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def is_under_way(self):
        """Whether the quick ones are labelled, and a jail has one of the others."""
        assert self.process.poll() is None, self.process.stderr.read()
        children = descendants(self.process.pid)
        return len(self.kept()) >= 16 and any(child.name() == "nsjail" for child in children)

    def kept(self):
        path = self.out.with_name(self.out.name + ".partial")
        return path.read_text().splitlines() if path.exists() else []


def wait_until(condition, seconds=90):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


@pytest.fixture
def start(tmp_path, open_directory):
    started = []

    def begin(*options):
        made = Label(tmp_path, open_directory / "executor", *options)
        started.append(made)
        wait_until(made.is_under_way)
        return made

    yield begin
    for made in started:
        made.process.kill()
        made.process.wait()
        made.process.stderr.close()


def everything_under(label):
    return descendants(label.process.pid)


CELL, STRICT = (), ("--strict",)
ENDS = {
    "Ctrl-C": (signal.SIGINT, True),
    "SIGINT": (signal.SIGINT, False),
    "SIGTERM": (signal.SIGTERM, False),
    "terminal closed": (signal.SIGHUP, True),
}
DRAWN = {(CELL, "Ctrl-C"), (STRICT, "SIGTERM")}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "number", "to_all"),
    [
        pytest.param(
            options,
            *ends,
            id=f"{'strict' if options else 'cell'}-{name}",
            marks=() if (options, name) in DRAWN else pytest.mark.thorough,
        )
        for options in (CELL, STRICT)
        for name, ends in ENDS.items()
    ],
)
def test_asked_to_end_it_says_what_it_keeps_and_leaves_nothing(start, number, to_all, options):
    label = start(*options)
    children = everything_under(label)

    (os.killpg if to_all else os.kill)(label.process.pid, number)
    _, told = label.process.communicate(timeout=60)

    told = told.decode()
    assert label.process.returncode == 128 + number
    assert "Traceback" not in told
    found = re.search(r"labels\.jsonl\.partial keeps (\d+) of 19 candidates labelled", told)
    kept = [json.loads(line)["label"] for line in label.kept()]
    assert kept == ["all_pass"] * 16
    assert found
    assert int(found[1]) == 16
    assert "up to line 17 of" in told
    assert told.endswith(f"rrtf: ended by {number.name}\n")
    assert not label.out.exists()
    wait_until(lambda: not any(map(lives, children)))
    assert list(label.temporary.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [CELL, pytest.param(STRICT, marks=pytest.mark.thorough)], ids=["cell", "strict"]
)
def test_killed_it_leaves_no_process_and_no_file(start, options):
    label = start(*options)
    children = everything_under(label)
    assert len(children) >= 3

    label.process.kill()
    label.process.wait()

    wait_until(lambda: not any(map(lives, children)))
    assert list(label.temporary.iterdir()) == []
    assert len(label.kept()) == 16


def test_a_second_run_to_the_same_file_is_refused_and_the_first_goes_on(tmp_path):
    out = tmp_path / "labels.jsonl"
    problem = tmp_path / "problems.jsonl"
    problem.write_text(json.dumps(PROBLEM))
    (tmp_path / "none.jsonl").write_text("")
    with _alone_in(tmp_path / "labels.jsonl.partial") as first:
        first.write("kept\n")
        files = ["--problems", problem, "--candidates", tmp_path / "none.jsonl", "--out", out]

        second = CliRunner().invoke(app, ["label", *map(str, files)])

        assert second.exit_code == 1
        assert f"another run writes {out}.partial" in second.stderr
        assert Path(first.name).read_text() == "kept\n"


def test_ctrl_c_before_any_command_runs_says_nothing():
    """While the program loads what it consists of."""
    process = subprocess.Popen(
        [sys.executable, "-m", "services.cli.start", "label", "--help"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    loaded = Path(f"/proc/{process.pid}/maps")
    wait_until(lambda: "pydantic_core" in loaded.read_text())

    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)

    assert (process.returncode, told) == (-signal.SIGINT, b"")


def test_a_pool_that_is_not_wanted_any_more_ends_at_once(open_directory, monkeypatch):
    from executor import label

    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(open_directory / "executor"))
    programs = [*["def one(): return 1\n"] * 8, *[SLOW] * 20]
    before = descendants()

    labelled = label([PROBLEM], [{"task_id": "own/one", "program": p} for p in programs], slots=1)
    assert next(labelled).verdict.label == "all_pass"
    labelled.close()  # The slow ones are under way, and would take twenty minutes.

    left = [child for child in descendants() - before if lives(child)]
    # Python's own, which stays for the next pool.
    assert all("resource_tracker" in " ".join(words_of(child)) for child in left)


@pytest.mark.slow
def test_what_a_killed_run_had_staged_of_an_image_goes_with_the_next(open_directory):
    home = open_directory / "staged"
    with subprocess.Popen(
        [sys.executable, "-c", STAGE, str(home)], stderr=subprocess.DEVNULL
    ) as staging:
        wait_until(lambda: list(home.glob("images/unfinished-*/py")))
        staging.kill()
    assert list(home.glob("images/unfinished-*"))

    subprocess.run([sys.executable, "-c", STAGE, str(home)], check=True)

    (image,) = (path for path in home.glob("images/*") if path.is_dir())
    assert image.name.startswith("python3")


STAGE = """
import sys
from pathlib import Path
from executor.images.image import stage
stage(Path(sys.argv[1]))
"""
