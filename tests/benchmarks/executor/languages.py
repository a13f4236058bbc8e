"""Test programs of each language, here and in a plain loop of compiler and run: a table.

`make bench-languages`. What is compared is CPU time of all processes, as the kernel counts it for
the group that we are in, so that other work on the machine changes little. A loop is not guarded:
it believes the exit status, where a candidate that passes here, and has a reference program, is run
once more with a changed copy of the tests.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from executor import label
from executor.installed import Installed, look_up
from executor.judging.native import Build
from executor.judging.programs.composing import composed
from executor.languages import TOOLCHAINS
from executor.sandbox.cgroups import Cgroup1, Cgroup2
from infra.contracts.base import Label, Language
from infra.contracts.problems import Limits, Problem, ProgramTest
from tests.hostile.program_suites import ADDED, Added

_ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
    "NODE_PATH": "/usr/lib/node_modules:/usr/share/nodejs",
}  # fmt: skip
_COMMENTS: Final = {
    Language.HASKELL: "--", Language.LUA: "--", Language.BASH: "#", Language.RUBY: "#",
    Language.PERL: "#", Language.R: "#", Language.RACKET: ";",
}  # fmt: skip
_FIRST: Final = 2
"""Programs of the shorter of two runs."""
_LIMITS: Final = Limits(
    cpu_seconds=20.0, total_cpu_seconds=40.0, idle_factor=1.0, reference_factor=None
)


_ALL_HEADERS: Final = "#include <bits/stdc++.h>\n"
_CATCH2: Final = """\
#include <catch2/catch.hpp>
TEST_CASE("adds") { REQUIRE(add(1, 2) == 3); REQUIRE(add(5, 7) == 12); }
TEST_CASE("is no product") { REQUIRE(add(40, 2) == 42); CHECK(add(9, -4) == 5); }
"""
_JUNIT: Final = """\
import static org.junit.jupiter.api.Assertions.assertEquals;
import org.junit.jupiter.api.Test;
class AddTest {
    @Test void adds() { assertEquals(3, Solution.add(1, 2)); assertEquals(12, Solution.add(5, 7)); }
    @Test void more() { assertEquals(42, Solution.add(40, 2)); }
}
"""


def _cases() -> dict[str, tuple[Language, Added]]:
    cpp, java = ADDED[Language.CPP], ADDED[Language.JAVA]
    published = ProgramTest(source=cpp.tests.source, options=("-std=gnu++17",))
    return {
        **{language.value: (language, added) for language, added in ADDED.items()},
        "cpp, all headers": (
            Language.CPP,
            cpp._replace(tests=published, right=f"{_ALL_HEADERS}{cpp.right}"),
        ),
        "cpp, Catch2": (
            Language.CPP,
            cpp._replace(tests=ProgramTest(source=_CATCH2, options=("-std=c++17",))),
        ),
        "java, JUnit": (Language.JAVA, java._replace(tests=ProgramTest(source=_JUNIT))),
    }


CASES: Final = _cases()
"""Languages and further forms of their test programs, with what is tested."""


class Spent(NamedTuple):
    """CPU seconds of one program in a plain loop."""

    compiling: float
    running: float


def clock() -> Callable[[], float]:
    """Return what tells the CPU seconds of all processes that we start from now on.

    Raises:
        OSError: the kernel counts them for no group that we may read or make.
    """
    try:
        group = Cgroup1.own("cpuacct") / "bench-languages"
        group.mkdir(exist_ok=True)
        (group / "cgroup.procs").write_text(str(os.getpid()))
        return lambda: int((group / "cpuacct.usage").read_text()) / 1e9
    except OSError:
        used = Cgroup2.own() / "cpu.stat"
        return lambda: int(used.read_text().split()[1]) / 1e6


def programs(case: str, number: int) -> list[str]:
    """Make so many right programs, no two of which are the same text."""
    language, added = CASES[case]
    comment = _COMMENTS.get(language, "//")
    return [f"{added.right}\n{comment} {place}\n" for place in range(number)]


def in_a_loop(installed: Installed, case: str, program: str, used: Callable[[], float]) -> Spent:
    """Compile a program with its tests and run it, with nothing around it.

    Raises:
        subprocess.CalledProcessError: it does not compile, or fails.
    """
    build = composed(installed.language, CASES[case][1].tests, program).build
    toolchain = TOOLCHAINS[installed.language]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in build.files.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        if toolchain.artifact == "classes":
            (Path(folder) / "classes").mkdir()
        own = {"GOCACHE": str(Path(tempfile.gettempdir()) / "plain-gocache"), "HOME": folder}
        variables = {**_ENVIRONMENT, **toolchain.environment, **own}
        began = used()
        _run(installed, build, build.command, folder, variables)
        compiled = used()
        _run(installed, build, build.run, folder, variables)
        return Spent(compiled - began, used() - compiled)


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


def labelled(case: str, number: int, is_guarded: bool, used: Callable[[], float]) -> float:
    """Label so many programs; return CPU seconds of each.

    What comes before the first one (a pool, what is learnt of the suite) is in two runs of which
    one is longer, and so not in their difference.
    """
    short = _seconds(case, _FIRST, is_guarded, used)
    return max(1e-3, _seconds(case, _FIRST + number, is_guarded, used) - short) / number


def _seconds(case: str, number: int, is_guarded: bool, used: Callable[[], float]) -> float:
    language, added = CASES[case]
    problem = Problem(
        slug=f"speed/{language.value}",
        prompt="Add two numbers.",
        language=language,
        entry_point=added.entry_point,
        limits=_LIMITS,
        tests=(added.tests,),
        reference_program=added.right if is_guarded else None,
    )
    records = [{"task_id": problem.slug, "program": one} for one in programs(case, number)]
    began = used()
    for one in label([problem], records, slots=2):
        assert one.verdict is not None, one.error
        assert one.verdict.label is Label.ALL_PASS, one.verdict
    return used() - began


def main() -> None:
    """Measure every language whose toolchain is here, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=12, help="programs of each language")
    parser.add_argument("languages", nargs="*", help="all if none is named")
    given = parser.parse_args()
    used = clock()
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}\n")
    print("| language | loop, ms | compile share | here, ms | to the loop | guarded, ms | to it |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for case, (language, _) in CASES.items():
        installed = look_up(language)
        if installed.path is None or (given.languages and case not in given.languages):
            continue
        first, *chosen = programs(case, 1 + given.number)
        in_a_loop(installed, case, first, used)
        spent = [in_a_loop(installed, case, one, used) for one in chosen]
        compiling, running = sum(s.compiling for s in spent), sum(s.running for s in spent)
        plain = (compiling + running) / given.number
        here, guarded = (labelled(case, given.number, guard, used) for guard in (False, True))
        print(
            f"| `{case}` | {plain * 1e3:.0f} | {compiling / (compiling + running):.0%}"
            f" | {here * 1e3:.0f} | {plain / here:.2f} | {guarded * 1e3:.0f}"
            f" | {plain / guarded:.2f} |",
            flush=True,
        )
    shutil.rmtree(Path(tempfile.gettempdir()) / "plain-gocache", ignore_errors=True)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
