"""Test programs of each language, here and in a plain loop of compiler and run: a table.

`make bench-languages`. Both have the same two lines of work at once, and run beside each other in
turn. A loop is not guarded: it believes the exit status, where a candidate that passes here is
compiled and run once more with a changed copy of the tests.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from executor import label
from executor.installed import Installed, look_up
from executor.judging.native import Build
from executor.judging.programs.composing import composed
from executor.languages import TOOLCHAINS
from infra.contracts.base import Label, Language
from infra.contracts.problems import Limits, Problem
from tests.hostile.program_suites import ADDED

_ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
    "NODE_PATH": "/usr/lib/node_modules:/usr/share/nodejs",
}  # fmt: skip
_COMMENTS: Final = {
    Language.HASKELL: "--", Language.LUA: "--", Language.BASH: "#", Language.RUBY: "#",
    Language.PERL: "#", Language.R: "#",
}  # fmt: skip
_FIRST: Final = 2
"""Programs of the shorter of two runs."""
_LIMITS: Final = Limits(
    cpu_seconds=20.0, total_cpu_seconds=40.0, idle_factor=1.0, reference_factor=None
)


class Spent(NamedTuple):
    """Seconds of one program in a plain loop."""

    compiling: float
    running: float


def programs(language: Language, number: int) -> list[str]:
    """Make so many right programs, no two of which are the same text."""
    comment = _COMMENTS.get(language, "//")
    return [f"{ADDED[language].right}\n{comment} {place}\n" for place in range(number)]


def in_a_loop(installed: Installed, program: str) -> Spent:
    """Compile a program with its tests and run it, with nothing around it.

    Raises:
        subprocess.CalledProcessError: it does not compile, or fails.
    """
    build = composed(installed.language, ADDED[installed.language].tests, program).build
    toolchain = TOOLCHAINS[installed.language]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in build.files.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        if toolchain.artifact == "classes":
            (Path(folder) / "classes").mkdir()
        own = {"GOCACHE": str(Path(tempfile.gettempdir()) / "plain-gocache"), "HOME": folder}
        variables = {**_ENVIRONMENT, **toolchain.environment, **own}
        began = time.monotonic()
        _run(installed, build, build.command, folder, variables)
        compiled = time.monotonic()
        _run(installed, build, build.run, folder, variables)
        return Spent(compiled - began, time.monotonic() - compiled)


def _run(
    installed: Installed,
    build: Build,
    words: Sequence[str],
    folder: str,
    variables: dict[str, str],
) -> None:
    assert installed.path is not None
    filled = [
        word.format(
            program=installed.path, home=installed.path.parent, megabytes=256, main=build.main
        ).replace("/tmp/", f"{folder}/")
        for word in words
    ]
    subprocess.run(filled, cwd=folder, env=variables, check=True, capture_output=True)


def labelled(language: Language, number: int, is_guarded: bool) -> float:
    """Label so many programs; return candidates per second.

    What comes before the first one (a pool, what is learnt of the suite) is in two runs of which
    one is longer, and so not in their difference.
    """
    short = _seconds(language, _FIRST, is_guarded)
    return number / max(1e-3, _seconds(language, _FIRST + number, is_guarded) - short)


def _seconds(language: Language, number: int, is_guarded: bool) -> float:
    added = ADDED[language]
    problem = Problem(
        slug=f"speed/{language.value}",
        prompt="Add two numbers.",
        language=language,
        entry_point=added.entry_point,
        limits=_LIMITS,
        tests=(added.tests,),
        reference_program=added.right if is_guarded else None,
    )
    records = [
        {"task_id": problem.slug, "program": program} for program in programs(language, number)
    ]
    began = time.monotonic()
    for one in label([problem], records, slots=2):
        assert one.verdict is not None, one.error
        assert one.verdict.label is Label.ALL_PASS, one.verdict
    return time.monotonic() - began


def main() -> None:
    """Measure every language whose toolchain is here, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=12, help="programs of each language")
    parser.add_argument("languages", nargs="*", help="all if none is named")
    given = parser.parse_args()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}\n")
    print("| language | loop /s | compile share | here /s | of it | guarded /s | of it |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for language in ADDED:
        installed = look_up(language)
        if installed.path is None or (given.languages and language.value not in given.languages):
            continue
        chosen = programs(language, given.number)
        in_a_loop(installed, chosen[0])
        began = time.monotonic()
        with ThreadPoolExecutor(2) as lines:
            waiting = [lines.submit(in_a_loop, installed, one) for one in chosen]
            spent = [one.result() for one in waiting]
        plain = given.number / (time.monotonic() - began)
        compiling, running = sum(s.compiling for s in spent), sum(s.running for s in spent)
        here, guarded = (labelled(language, given.number, guard) for guard in (False, True))
        print(
            f"| {language.value} | {plain:.1f} | {compiling / (compiling + running):.0%}"
            f" | {here:.1f} | {here / plain:.2f} | {guarded:.1f} | {guarded / plain:.2f} |",
            flush=True,
        )
    shutil.rmtree(Path(tempfile.gettempdir()) / "plain-gocache", ignore_errors=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
