"""`rrtf evaluate` with real verdicts: what it finds, and that it goes on where it was killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import pytest

from services.evaluation.comparing import of_folders
from services.evaluation.results import Evaluation, by_level

RIGHT, HALF = "def f(x):\n    return x + 1\n", "def f(x):\n    return 2\n"
RAISES = "def f(x):\n    raise ValueError('<script>bad()</script>')\n"
BROKEN = "def f(x)\n"
SLOW = "import time\ntime.sleep(0.05)\n"
TESTS = [{"kind": "call", "args": [x], "expected": x + 1} for x in (1, 2)]
LEVELS = {"easy": "self_contained", "hard": "project_runnable", "odd": "project_runnable"}


def problems(source):
    for name, level in LEVELS.items():
        metadata = {"source": "CoderEval", "level": level}
        asked = {"slug": f"{source}/{name}", "prompt": "Write `f`.", "entry_point": "f"}
        yield asked | {"tests": TESTS, "metadata": metadata}


def programs(source, of):
    for name, texts in of.items():
        for number, text in enumerate(texts):
            yield {"task_id": f"{source}/{name}", "program": f"{text}# {number}\n"}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture(scope="module")
def words(tmp_path_factory, open_directory):
    """The command, without its folder: two models, two benchmarks."""
    folder = tmp_path_factory.mktemp("given")
    small = {"easy": [RIGHT], "hard": [RAISES], "odd": [HALF]}
    large = {"easy": [RIGHT], "hard": [RAISES], "odd": [RIGHT]}
    drawn = {
        name: [SLOW + text for text in [*texts, RIGHT, BROKEN]] for name, texts in small.items()
    }
    drawn["hard"] = [SLOW + text for text in (RAISES, RAISES, BROKEN)]
    found = [sys.executable, "-m", "services.cli.main", "evaluate", "--slots", "1", "--k", "1"]
    for source in ("one", "two"):
        path = write(folder / f"{source}.jsonl", problems(source))
        found += ["--problems", f"{source}={path}"]
    for model, number in (("small", 0), ("large", 1)):
        rows = [*programs("one", (small, large)[number]), *programs("two", drawn)]
        found += ["--candidates", str(write(folder / f"{model}.jsonl", rows))]
    return [*found, "--k", "3"]


@pytest.fixture(scope="module")
def environment(open_directory):
    return os.environ | {"RRTF_EXECUTOR_HOME": str(open_directory / "executor")}


@pytest.fixture(scope="module")
def whole(words, environment, tmp_path_factory):
    """A folder that one run has filled."""
    out = tmp_path_factory.mktemp("whole") / "out"
    done = subprocess.run([*words, "--out", str(out)], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return out


def tree(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def lines(folder, pattern):
    return max((path.read_bytes().count(b"\n") for path in folder.glob(pattern)), default=0)


@pytest.mark.slow
def test_a_run_that_was_killed_at_three_places_gives_the_same_bytes(
    words, environment, whole, tmp_path
):
    out = tmp_path / "out"
    places = [
        ("models/small/one/given/labels.jsonl.partial", 2),
        ("models/small/two/given/labels.jsonl.partial", 4),
        ("models/large/two/given/labels.jsonl.partial", 3),
    ]
    for pattern, number in places:
        run = subprocess.Popen([*words, "--out", str(out)], env=environment, stderr=subprocess.PIPE)
        while run.poll() is None and lines(out, pattern) < number:
            time.sleep(0.002)
        run.send_signal(signal.SIGKILL)
        assert run.wait() == -signal.SIGKILL, run.stderr.read().decode()
        run.stderr.close()
        assert not (out / "evaluation.json").exists()

    done = subprocess.run([*words, "--out", str(out)], env=environment, capture_output=True)

    assert done.returncode == 0, done.stderr.decode()
    assert tree(out) == tree(whole)


@pytest.mark.slow
def test_rates_labels_and_levels_are_what_the_programs_are(whole):
    found = json.loads((whole / "evaluation.json").read_text())
    cells = {(cell["model"], cell["benchmark"]): cell for cell in found["cells"]}

    small, drawn = cells["small", "one"], cells["small", "two"]
    assert small["pass_at"]["1"]["over_problems"]["mean"] == pytest.approx(1 / 3)
    assert small["labels"] == {"all_pass": 1, "partial_pass": 1, "runtime_error": 1}
    assert small["pass_at"].keys() == {"1"}
    assert drawn["right"] == {"two/easy": 2, "two/hard": 0, "two/odd": 1}
    assert drawn["pass_at"]["3"]["over_problems"]["mean"] == pytest.approx(2 / 3)
    assert drawn["labels"]["compile_error"] == 3
    assert drawn["parts"]["project_runnable"]["pass_at"]["1"]["mean"] == pytest.approx(1 / 6)
    one = Evaluation(whole).of("two", "small")[0]
    assert by_level(one)["self_contained"] == ["two/easy"]


@pytest.mark.slow
def test_two_models_are_compared_problem_by_problem_and_test_by_test(whole):
    models = whole / "models"

    one, two = of_folders(models / "small", models / "large")

    assert (one.won, one.lost, one.p) == (1, 0, 1.0)
    (change,) = one.changes
    assert change.slug == "one/odd"
    assert change.labels == ("partial_pass", "all_pass")
    assert (change.newly_failed, change.newly_passed) == ((), (1,))
    assert one.difference.low <= 1 / 3 <= one.difference.high
    assert (two.changes, two.p) == ((), None)
    assert two.difference.low < 0 < two.difference.high


@pytest.mark.slow
def test_the_report_names_what_nobody_solves_with_its_failure_and_what_comes_near(whole):
    page, text = (whole / "report.html").read_text(), (whole / "report.md").read_text()

    assert "Problems that no model solves: 1" in text
    assert "* one/hard, project\\_runnable: 2 of 2 programs: runtime_error in test 0" in text
    assert "Problems that one model alone solves: 1" in text
    assert "* one/odd: large, 1 of 1 programs" in text
    assert "<b>one/hard</b>" in page
    assert "<svg" in page
    assert "bad()" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


@pytest.mark.slow
def test_a_folder_takes_another_model_and_refuses_other_programs(
    words, environment, whole, tmp_path
):
    path = write(tmp_path / "small.jsonl", programs("one", {name: [HALF] for name in LEVELS}))
    out = shutil.copytree(whole, tmp_path / "out")
    given = words[words.index("--problems") : words.index("--candidates")]
    command = [*words[: words.index("--problems")], *given, "--out", str(out)]

    other = subprocess.run(
        [*command, "--candidates", str(path)], env=environment, capture_output=True, text=True
    )
    more = subprocess.run(
        [*command, "--candidates", f"third={path}", "--json"],
        env=environment, capture_output=True, text=True,
    )  # fmt: skip

    assert other.returncode == 1
    assert "candidates_sha256 differ" in other.stderr
    assert more.returncode == 0, more.stderr
    models = {cell["model"] for cell in json.loads(more.stdout)["cells"]}
    assert models == {"small", "large", "third"}
