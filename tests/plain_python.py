"""Runs a program against a problem's tests as its authors do: in one ordinary process."""

import json
import subprocess
import sys
from pathlib import Path

from infra.contracts.problems import AssertTest, Problem

SECONDS = 60
_CALLS = """
import json, sys
target = {target}
for test in json.load(open("cases.json")):
    found = target(*test["args"])
    assert found == test["expected"], (test, found)
"""


def run(problem: Problem, program: str, folder: Path) -> str | None:
    """Run it in an empty folder; return what was said of a failure, None if all passed."""
    folder.mkdir(parents=True)
    whole = f"{problem.prelude}\n{program}" if problem.prelude else program
    first = problem.tests[0]
    if isinstance(first, AssertTest):
        command = _asserts(problem, first, whole, folder)
    else:
        cases = [{"args": test.args, "expected": test.expected} for test in problem.tests]
        (folder / "cases.json").write_text(json.dumps(cases))
        target = _target(problem.entry_point or "")
        (folder / "main.py").write_text(whole + "\n" + _CALLS.format(target=target))
        command = ["main.py"]
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        capture_output=True,
        timeout=SECONDS,
        text=True,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
    )
    return None if done.returncode == 0 else done.stdout[-2000:] + done.stderr[-2000:]


def _asserts(problem: Problem, test: AssertTest, whole: str, folder: Path) -> list[str]:
    for name, text in test.files.items():
        _write(folder / name, text)
    source = test.source
    if test.check is not None:
        source += f"\n{test.check}({_target(problem.entry_point or '')})\n"
    if test.module is None:
        source = f"{whole}\n{source}"
    else:
        _write(folder / f"{test.module.replace('.', '/')}.py", whole)
    _write(folder / "test_it.py", source)
    runs_itself = test.check is not None or "\nassert " in f"\n{test.source}"
    if runs_itself:
        return ["test_it.py"]
    return ["-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]


def _target(entry_point: str) -> str:
    return entry_point.replace(".", "().")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
