"""`rrtf check`: what it prints of each problem, how it ends, and what ends it."""

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from tests.processes import descendants, lives

ADD = "def add(a, b):\n    return a + b\n"


def problem(slug, tests, reference=ADD, **fields):
    if isinstance(tests, str):
        tests = [{"kind": "assert", "source": tests}]
    record = {"slug": slug, "prompt": "", "entry_point": "add", "tests": tests}
    return record | {"reference_program": reference} | fields


CALL = {"kind": "call", "args": [1, 2], "expected": 3}
SOUND = problem("own/sound", [CALL])
BESIDE = problem("own/beside", "import os\ndef test_add():\n    assert add(1, 2) == 3\n")
WEAK = problem("own/weak", "assert add(0, 0) == 0")
ALONE = problem("own/alone", "assert add(1, 2) == 3", reference=None)
WRONG = problem("own/wrong", "assert add(1, 2) == 4")
EMPTY = problem("own/empty", [])
ODD = problem("own/odd", "assert add(1, 2) == 4, '\x1b[31m\\n\\nown/fine  isolated'")


@pytest.fixture
def start(tmp_path, open_directory):
    """Begin the command on these problems; a number of files."""
    variables = os.environ | {"RRTF_EXECUTOR_HOME": str(open_directory / "executor")}

    def begin(*files, words=()):
        names = []
        for number, records in enumerate(files):
            path = tmp_path / f"problems-{number}.jsonl"
            path.write_text("\n".join(map(json.dumps, records)))
            names.append(str(path))
        return subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "check", "--slots", "1", *names, *words],
            env=variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    return begin


@pytest.fixture
def check(start):
    """Run the command to its end; return its status and what it has printed."""

    def run(*files, words=()):
        process = start(*files, words=words)
        printed, said = process.communicate()
        return process.returncode, printed, said

    return run


def test_sound_problems_of_several_files_are_told_of_in_one_line_each(check):
    status, printed, said = check([SOUND, BESIDE], [ALONE])

    sound, beside, alone = printed.splitlines()
    assert status == 0
    assert sound.startswith("own/sound  isolated (calls and output are always compared")
    assert "1 test, 0.0" in sound
    assert " s CPU, " in sound
    assert beside.startswith("own/beside  shared (it imports `os` (line 1)), 1 test, ")
    assert "1 of 1 checks guarded, unprotected, " in beside
    assert alone.endswith("no reference program: decided by reading alone")
    assert said == "3 problems: 3 sound, 0 not\n"


@pytest.mark.slow
def test_one_that_is_not_sound_ends_it_with_status_1_and_the_rest_is_checked(check):
    status, printed, said = check([WRONG, EMPTY, ODD, SOUND])

    wrong, empty, odd, sound = printed.splitlines()
    assert status == 1
    assert wrong.startswith("own/wrong  reference, the problem's fault: the reference program gets")
    assert "assert 3 == 4" in wrong
    assert "problems-0.jsonl, line 2  no_test, the problem's fault" in empty
    # Whatever the tests say, nobody takes it for a line of its own.
    assert odd.startswith("own/odd  reference")
    assert "\x1b" not in odd
    assert sound.startswith("own/sound  isolated")
    assert said == "4 problems: 1 sound, 3 not\n"


@pytest.mark.slow
def test_each_problem_is_an_object_of_json(check):
    status, printed, _ = check([SOUND, BESIDE, WRONG, EMPTY], words=["--json"])

    sound, beside, wrong, empty = map(json.loads, printed.splitlines())
    assert status == 1
    assert (sound["slug"], sound["sound"], sound["integrity"]) == ("own/sound", True, "isolated")
    assert (sound["tests"], sound["fault"], sound["blames"]) == (1, None, None)
    assert sound["cpu_seconds"] > 0
    assert (beside["integrity"], beside["guards"]["guarded"]) == ("shared", 1)
    assert (wrong["fault"], wrong["blames"], wrong["sound"]) == ("reference", "problem", False)
    assert "own/wrong" not in wrong["detail"]
    assert empty["fault"] == "no_test"


@pytest.mark.slow
def test_a_weak_suite_is_shown_with_the_mutants_that_pass(check):
    status, printed, said = check([WEAK, SOUND], words=["--strength"])

    weak, *passing, sound = printed.splitlines()
    assert status == 0
    assert weak.endswith("1 of 3 mutants killed")
    assert passing == [
        "    passes too: line 2: `return a + b` -> `return a`",
        "    passes too: line 2: `return a + b` -> `return a - b`",
    ]
    assert sound.endswith("3 of 3 mutants killed")
    assert said == "2 problems: 2 sound, 0 not; 4 of 6 mutants killed (67%)\n"


@pytest.mark.slow
def test_as_data_the_strength_has_its_share_and_its_survivors(check):
    _, printed, _ = check([WEAK], words=["--strength", "--mutants", "2", "--json"])

    strength = json.loads(printed)["strength"]
    assert strength["mutants"] == 2
    assert strength["share"] == strength["killed"] / 2
    assert {one["line"] for one in strength["survivors"]} == {2}


@pytest.mark.parametrize(
    ("words", "status"),
    [([], 2), (["--mutants", "0", "x.jsonl"], 2), (["no-such-file.jsonl"], 1)],
)
def test_wrong_usage_is_told_from_a_file_that_is_not_there(check, words, status):
    found, printed, said = check(words=words)

    assert (found, printed) == (status, "")
    assert "Traceback" not in said


def test_a_file_of_nothing_is_an_error(check):
    status, printed, said = check([])

    assert (status, printed) == (1, "")
    assert "no problem in" in said


@pytest.mark.slow
def test_ctrl_c_ends_it_with_all_that_it_began_and_without_a_traceback(start):
    # By the clock, which no limit of CPU time ends for a minute.
    waits = problem("own/waits", "import time\ntime.sleep(60)\nassert add(1, 2) == 3\n")
    limits = {"cpu_seconds": 20, "total_cpu_seconds": 20}
    process = start([SOUND, waits | {"limits": limits}])
    assert process.stdout.readline().startswith("own/sound")

    children = descendants(process.pid)
    assert any(child.name() == "nsjail" for child in children)

    process.send_signal(signal.SIGINT)
    _, said = process.communicate()

    assert process.returncode == 128 + signal.SIGINT
    assert said == "rrtf: ended by SIGINT\n"
    psutil.wait_procs(children, timeout=60)
    assert not [child for child in children if lives(child)]
