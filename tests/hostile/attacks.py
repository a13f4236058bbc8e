"""Every directory here is one attack: a program, and what must become of it.

`expect.toml` names the suites it attacks and the label it must get; in a table like
`since."3.14"`, what is otherwise from that version of Python on, as in a plain process.
"""

import os
import sys
import tomllib
from pathlib import Path

import pytest

from infra.contracts.base import Label
from infra.contracts.execution import Suite
from infra.contracts.problems import (
    AssertTest,
    CallTest,
    Limits,
    StdioTest,
    ValueComparator,
)
from tests.processes import descendants, settled
from tests.samples import draw, is_drawn

HERE = Path(__file__).parent
# How many times slower than usual this machine computes; an emulated one says so.
SLOWNESS = float(os.environ.get("SLOWNESS", "1"))
LIMITS = Limits(
    cpu_seconds=0.5 * SLOWNESS,
    idle_factor=2.0,
    total_cpu_seconds=2.0 * SLOWNESS,
    memory_bytes=96 * 2**20,
    output_bytes=64 * 1024,
    value_bytes=2 * 2**20,
    file_bytes=4 * 2**20,
    processes=16,
)
# The task of the forgeries: add(a, b) must return [a, b, a + b].
HONEST = """
def add(a, b):
    return [a, b, a + b]

if __name__ == "__main__":
    a, b = map(int, input().split())
    print(a, b, a + b)
"""
SUITES = {
    "call": Suite(
        tests=tuple(CallTest(args=(n, 2 * n), expected=[n, 2 * n, 3 * n]) for n in (3, 7, 11)),
        entry_point="add",
        limits=LIMITS,
    ),
    "assert": Suite(
        tests=(
            AssertTest(
                source="def check(candidate):\n"
                + "".join(
                    f"    assert candidate({n}, {2 * n}) == [{n}, {2 * n}, {3 * n}]\n"
                    for n in (3, 7, 11)
                ),
                check="check",
            ),
        ),
        entry_point="add",
        limits=LIMITS,
    ),
    "stdio": Suite(
        tests=tuple(
            StdioTest(stdin=f"{n} {2 * n}\n", expected_stdout=f"{n} {2 * n} {3 * n}\n")
            for n in (3, 7, 11)
        ),
        limits=LIMITS,
    ),
    "tolerance": Suite(
        tests=tuple(
            CallTest(
                args=(n, 2 * n),
                expected=[n, 2 * n, 3 * n],
                comparator=ValueComparator.TOLERANCE,
            )
            for n in (3, 7, 11)
        ),
        entry_point="add",
        limits=LIMITS,
    ),
    # Not plain, so that there is a process of the tests, which asks for the parts of an answer.
    "parts": Suite(
        tests=(
            AssertTest(
                source="def check(candidate):\n"
                "    assert list(candidate(3, 6)) == [3, 6, 9]\n"
                "    assert sorted(candidate(7, 14)) == [7, 14, 21]\n"
                "    assert abs(sum(candidate(11, 22)) - 66) <= 1e-6\n",
                check="check",
            ),
        ),
        entry_point="add",
        limits=LIMITS,
    ),
}


def every_attack():
    """Yield the folder of each attack with what is expected of it."""
    for folder in sorted(path.parent for path in HERE.glob("*/expect.toml")):
        yield folder, _expected_here(tomllib.loads((folder / "expect.toml").read_text()))


def _expected_here(expect):
    for version, other in expect.pop("since", {}).items():
        if sys.version_info >= tuple(map(int, version.split("."))):
            expect |= other
    return expect


def attacks_in_cells():
    """Every attack on each of its suites; `make test` has each attack one, drawn by its name."""
    for folder, expect in every_attack():
        suites = expect["suites"]
        drawn = suites[draw(folder.name, len(suites))]
        for suite in suites:
            yield _case(folder, suite, expect, suite == drawn)


def attacks_in_strict_jails():
    """Every attack on its first suite; `make test` has one in four of them, drawn by its name."""
    for folder, expect in every_attack():
        yield _case(folder, expect["suites"][0], expect, is_drawn(folder.name, 4))


def _case(folder, suite, expect, drawn):
    marks = () if drawn else pytest.mark.thorough
    return pytest.param(folder, suite, expect, id=f"{folder.name}-{suite}", marks=marks)


def attack(folder, suite, expect, judges):
    """Let it get its label; nothing of it is left then, and an honest candidate still passes."""
    source = (folder / "program.py").read_bytes().decode("utf-8", "surrogateescape")
    before = descendants()

    verdict = judges[suite].judge(source)

    assert verdict.label.value in expect["labels"], verdict
    if "outcomes" in expect:
        found = {test.outcome.value for test in verdict.tests}
        # Tests after one that met its time limit share what is left.
        may_be_left_out = {"not_run"} if "time_limit_exceeded" in found else set()
        assert found <= {*expect["outcomes"], *may_be_left_out}, verdict
    assert len(verdict.tests) == 3
    left = settled(len(before))
    assert len(left) <= len(before), f"{left} live, and before {before}"
    assert judges[suite].judge(HONEST).label is Label.ALL_PASS
