"""Test programs of each language, here and in a plain loop of compiler and run: a table.

`make bench-languages`. What is compared is CPU time of all processes, as the kernel counts it for
the group that we are in, so that other work on the machine changes little. A loop is not guarded:
it believes the exit status, where a candidate that passes here, and has a reference program, is run
once more with a changed copy of the tests, or its answers are compared outside. What a suite costs
once, before its first candidate, has a column of its own. The first rows are of one small suite for
each language, the others of published sets.
"""

import argparse
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from executor.installed import Installed, look_up
from executor.judging.judge import Judge
from executor.judging.native.builds import Build
from executor.judging.programs.composing import composed
from executor.languages import TOOLCHAINS
from executor.sandbox.cgroups import Cgroup1, Cgroup2
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, Problem, ProgramTest
from tests import program_records
from tests.hostile.program_suites import ADDED, Added
from tests.samples import spread

_ENVIRONMENT: Final = {
    "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
    "NODE_PATH": "/usr/lib/node_modules:/usr/share/nodejs",
}  # fmt: skip
_PROJECT: Final = Path(__file__).parents[3]
_COMMENTS: Final = {
    Language.HASKELL: "--", Language.LUA: "--", Language.BASH: "#", Language.RUBY: "#",
    Language.PERL: "#", Language.R: "#", Language.RACKET: ";",
}  # fmt: skip
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


class Case(NamedTuple):
    """A right program of one suite."""

    problem: Problem
    """With the program as its reference."""
    program: str

    @staticmethod
    def of(language: Language, added: Added) -> "Case":
        """Take a suite of our own."""
        problem = Problem(
            slug=f"speed/{language.value}",
            prompt="Add two numbers.",
            language=language,
            entry_point=added.entry_point,
            tests=(added.tests,),
            reference_program=added.right,
        )
        return Case(problem, added.right)

    def numbered(self, number: int) -> str:
        """Return the program as a text that no other number gives."""
        comment = _COMMENTS.get(self.problem.language, "//")
        return f"{self.program}\n{comment} {number}\n"

    def judge(self, slot: Slot, is_guarded: bool) -> Judge:
        """Make a judge of the suite; without its reference program nothing guards it."""
        reference = self.problem.reference_program if is_guarded else None
        fields = {"limits": _LIMITS, "reference_program": reference}
        suite = Suite.of(self.problem.model_copy(update=fields))
        return Judge(slot.sandbox, suite, slot.version)


def _of_each_language() -> dict[str, list[Case]]:
    cpp, java = ADDED[Language.CPP], ADDED[Language.JAVA]
    published = ProgramTest(source=cpp.tests.source, options=("-std=gnu++17",))
    suites = {
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
    return {name: [Case.of(language, added)] for name, (language, added) in suites.items()}


def _published(data: Path, number: int) -> dict[str, list[Case]]:
    """Take some problems of each published set that the plain toolchain has a right program of."""
    found = {}
    for name, fields in program_records.SETS.items():
        rows, programs = program_records.read(data / "suites_languages", name)
        right = program_records.passing(programs, program_records.DIFFERENT)
        rows = spread([row for row in rows if row["task_id"] in right], number)[:number]
        language = program_records.LANGUAGES[rows[0]["language"]]
        found[name] = [
            Case(
                program_records.problem(row, language, right[row["task_id"]], fields),
                right[row["task_id"]],
            )
            for row in rows
        ]
    return found


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


def in_a_loop(
    installed: Installed, test: ProgramTest, program: str, used: Callable[[], float]
) -> Spent:
    """Compile a program with its tests and run it, with nothing around it.

    Raises:
        subprocess.CalledProcessError: it does not compile, or fails.
    """
    build = composed(installed.language, test, program).build
    toolchain = TOOLCHAINS[installed.language]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in build.files.items():
            (Path(folder) / name).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / name).write_text(text)
        if toolchain.artifact == "classes":
            (Path(folder) / "classes").mkdir()
        own = {"GOCACHE": str(Path(tempfile.gettempdir()) / "plain-gocache"), "HOME": folder}
        variables = {**_ENVIRONMENT, **own}
        began = used()
        _run(installed, build, build.command, folder, {**toolchain.environment, **variables})
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
        )
        .replace("/tmp/", f"{folder}/")
        # What lies in every jail.
        .replace("/py/guest/", f"{_PROJECT}/")
        for word in words
    ]
    subprocess.run(filled, cwd=folder, env=variables, check=True, capture_output=True)


class Labelled(NamedTuple):
    """CPU seconds of labels."""

    once: float
    """What is learnt of a suite before its first candidate."""
    each: float
    """Of a candidate."""


def labelled(
    slot: Slot, cases: Sequence[Case], number: int, is_guarded: bool, used: Callable[[], float]
) -> Labelled:
    """Label so many programs of each suite; what is made once for a machine is there before."""
    once = each = 0.0
    for case in cases:
        case.judge(slot, is_guarded).judge(case.numbered(-1))
        began = used()
        judge = case.judge(slot, is_guarded)
        learnt = used()
        for one in range(number):
            verdict = judge.judge(case.numbered(one))
            assert verdict.label is Label.ALL_PASS, verdict
        once, each = once + learnt - began, each + used() - learnt
    return Labelled(once / len(cases), each / len(cases) / number)


def looped(
    installed: Installed, cases: Sequence[Case], number: int, used: Callable[[], float]
) -> Spent:
    """Compile and run so many programs of each suite; return the mean of one."""
    spent = []
    for case in cases:
        (test,) = case.problem.tests
        assert isinstance(test, ProgramTest)
        # The first one fills what the toolchain itself keeps for later.
        runs = [in_a_loop(installed, test, case.numbered(n), used) for n in range(-1, number)]
        spent += runs[1:]
    count = len(spent)
    return Spent(sum(s.compiling for s in spent) / count, sum(s.running for s in spent) / count)


def main() -> None:
    """Measure every language whose toolchain is here, and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=6, help="programs of each suite")
    parser.add_argument("--suites", type=int, default=4, help="of each published set")
    parser.add_argument("--data", type=Path, help="folder with published sets; none without")
    parser.add_argument("rows", nargs="*", help="all if none is named")
    given = parser.parse_args()
    used = clock()
    every = _of_each_language() | (_published(given.data, given.suites) if given.data else {})
    print(f"{os.cpu_count()} cores, load before: {os.getloadavg()[0]:.1f}\n")
    print("| suite | loop | compile share | labelled | to the loop | with a reference", end="")
    print(" | to the loop | once |\n|---|---|---|---|---|---|---|---|", flush=True)
    slot = Slot(ExecutorSettings(), 0)
    for name, cases in every.items():
        installed = look_up(cases[0].problem.language)
        if installed.path is None or (given.rows and name not in given.rows):
            continue
        loop = looped(installed, cases, given.number, used)
        plain = loop.compiling + loop.running
        (_, here), (once, guarded) = (
            labelled(slot, cases, given.number, guard, used) for guard in (False, True)
        )
        print(
            f"| `{name}` | {plain * 1e3:.0f} | {loop.compiling / plain:.0%}"
            f" | {here * 1e3:.0f} | {plain / here:.2f} | {guarded * 1e3:.0f}"
            f" | {plain / guarded:.2f} | {once * 1e3:.0f} |",
            flush=True,
        )
    slot.close()
    shutil.rmtree(Path(tempfile.gettempdir()) / "plain-gocache", ignore_errors=True)
    print(f"\nmilliseconds of CPU time; load after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
