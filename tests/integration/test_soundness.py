"""What a check finds of suites: where they run, what is wrong with them, how strong they are."""

import pytest

from executor.suites import soundness
from executor.worker.checks import suite_of
from infra.contracts.base import Integrity, Language, Unguarded
from infra.contracts.checks import Fault
from infra.contracts.problems import (
    AssertTest,
    CallTest,
    Limits,
    Problem,
    ProgramTest,
    StdioTest,
)
from tests.samples import first

ADD = "def add(a, b):\n    return a + b\n"
SHARED = "import os\n"
"""With it, test code touches more than calls and data."""
CALL = CallTest(args=(1, 2), expected=3)
SUM = "a, b = map(int, input().split())\nprint(a + b)\n"


def checked(cell, *tests, reference=ADD, mutants=0, **fields):
    tests = tuple(AssertTest(source=test) if isinstance(test, str) else test for test in tests)
    problem = Problem(
        slug="own/add",
        prompt="",
        tests=tests,
        entry_point="add",
        reference_program=reference,
        **{"limits": Limits(cpu_seconds=1, total_cpu_seconds=2)} | fields,
    )
    return soundness.check(cell, problem.slug, suite_of(problem), mutants)


def with_checker(source):
    return CallTest(args=(1, 2), expected=3, comparator="checker", checker=source)


SOUND = {
    "calls": (CALL, Integrity.ISOLATED, "calls and output are always compared from outside"),
    "standard output": (
        StdioTest(stdin="1 2", expected_stdout="3"),
        Integrity.ISOLATED,
        "calls and output are always compared from outside",
    ),
    "asserts on plain data": (
        "assert add(1, 2) == 3",
        Integrity.ISOLATED,
        "the tests only call and compare",
    ),
    "what touches more": (
        SHARED + "def test_add():\n    assert add(1, 2) == 3\n",
        Integrity.SHARED,
        "it imports `os` (line 1)",
    ),
    "a package that it can do without": (
        "try:\n    import no_such_package\nexcept ImportError:\n    pass\nassert add(1, 2) == 3",
        Integrity.SHARED,
        "it imports `no_such_package` (line 2)",
    ),
}


@pytest.mark.parametrize(("test", "integrity", "reason"), SOUND.values(), ids=SOUND)
def test_a_sound_suite_is_told_where_it_runs_and_what_it_takes(cell, test, integrity, reason):
    reference = SUM if isinstance(test, StdioTest) else ADD
    found = checked(cell, test, reference=reference)

    assert (found.fault, found.detail) == (None, "")
    assert (found.integrity, found.reason, found.tests) == (integrity, reason, 1)
    assert found.cpu_seconds > 0
    assert found.wall_seconds > 0
    assert (found.guards is None) == (integrity is Integrity.ISOLATED)


def test_without_a_reference_the_reading_alone_decides(cell):
    apart = checked(cell, "assert add(1, 2) == 3", reference=None)
    beside = checked(cell, SHARED + "def test_add():\n    assert add(1, 2) == 3\n", reference=None)

    assert (apart.fault, apart.integrity, apart.has_reference) == (None, Integrity.ISOLATED, False)
    assert (beside.fault, beside.integrity) == (None, Integrity.SHARED)
    assert beside.guards.none_because is Unguarded.NO_REFERENCE
    assert apart.cpu_seconds is beside.cpu_seconds is None


TEST = "def test_add():\n    assert add(1, 2) == 3\n"
BROKEN = {
    "tests that do not compile": (["assert add(1, 2) = 3"], Fault.SYNTAX, "assert test 1, line 1"),
    "the second test": ([TEST, "assert ("], Fault.SYNTAX, "assert test 2"),
    "a check that is not there": (
        [
            AssertTest(
                source="def check(candidate):\n    assert candidate(1, 2) == 3\n", check="chek"
            )
        ],
        Fault.TESTS,
        "defines no 'chek'",
    ),
    "a package of the tests": (
        ["import no_such_package\n" + TEST],
        Fault.MISSING_PACKAGE,
        "not there: no_such_package",
    ),
    "a package inside a test": (
        ["def test_add():\n    from no_such_package.part import x\n    assert add(1, 2) == 3\n"],
        Fault.MISSING_PACKAGE,
        "not there: no_such_package",
    ),
    "a package that is named when it runs": (
        ["import importlib\ndef test_add():\n    importlib.import_module('no_such_package')\n"],
        Fault.MISSING_PACKAGE,
        "not there: no_such_package",
    ),
    "nothing but a helper": (["import os\ndef add_one(): pass\n"], Fault.NO_TEST, "nothing"),
    "a check without an assert": (
        [AssertTest(source="def check(candidate):\n    candidate(1, 2)\n", check="check")],
        Fault.NO_TEST,
        "nothing",
    ),
    "a class of tests without a test": (
        ["class TestAdd:\n    def helper(self):\n        assert add(1, 2) == 3\n"],
        Fault.NO_TEST,
        "no test",
    ),
    "tests that are all left out": (
        ["import pytest\n@pytest.mark.skip\n" + TEST],
        Fault.NO_TEST,
        "no test",
    ),
    "tests that leave themselves out": (
        ["import pytest\ndef test_add():\n    pytest.skip('not today')\n"],
        Fault.NO_TEST,
        "no test",
    ),
    "a checker that does not compile": (
        [with_checker("def check(:")],
        Fault.CHECKER,
        "SyntaxError",
    ),
    "a checker that raises": (
        [with_checker("def check(args, expected, actual): return actual['none']")],
        Fault.CHECKER,
        "TypeError",
    ),
    "a checker that says nothing": (
        [with_checker("def check(args, expected, actual): pass")],
        Fault.CHECKER,
        "neither True nor False",
    ),
    "wrong asserts": (["assert add(1, 2) == 3\nassert add(1, 2) == 4"], Fault.REFERENCE, "test 2"),
    "a wrong call": ([CALL, CALL.model_copy(update={"expected": 4})], Fault.REFERENCE, "test 2"),
}


@pytest.mark.parametrize(("tests", "fault", "detail"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_with_a_suite_is_told(cell, tests, fault, detail):
    found = checked(cell, *tests)

    assert found.fault is fault, found
    assert detail in found.detail
    assert fault.blames == "problem"


ENDLESS = {
    "a script": "while True:\n    pass\nassert add(1, 2) == 3\n",
    "a test that calls again and again": "def test_add():\n    while True:\n        add(1, 2)\n",
    "a test beside the program": SHARED + "def test_add():\n    while True:\n        add(1, 2)\n",
    "a loop that is not Python's": (
        "import itertools, os\n"
        "def test_add():\n    sum(itertools.repeat(1))\n    assert add(1, 2) == 3\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("test", first(1, ENDLESS.values()), ids=ENDLESS)
def test_tests_that_do_not_end_are_told_from_what_they_call(cell, test):
    found = checked(cell, test)

    assert (found.fault, "time_limit_exceeded" in found.detail) == (Fault.ENDLESS, True), found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("test", "reference"),
    [
        (TEST, "def add(a, b):\n    while True: pass\n"),
        (SHARED + TEST, "def add(a, b):\n    while True: pass\n"),
        pytest.param(
            *(SHARED + TEST, "def add(a, b):\n    return sum(iter(int, 1))\n"),
            marks=pytest.mark.thorough,
        ),
        (SHARED + TEST, "while True: pass\n"),
        pytest.param(*(CALL, "def add(a, b):\n    while True: pass\n"), marks=pytest.mark.thorough),
        (StdioTest(stdin="1 2", expected_stdout="3"), "while True: pass\n"),
    ],
)
def test_a_reference_that_does_not_end_is_its_own_fault(cell, test, reference):
    found = checked(cell, test, reference=reference)

    assert (found.fault, "time_limit_exceeded" in found.detail) == (Fault.REFERENCE, True), found
    assert "its limits are 1 s of CPU time a test and 3 s of idle time" in found.detail


@pytest.mark.parametrize(
    ("reference", "fault", "detail"),
    [
        ("def add(:", Fault.REFERENCE, "SyntaxError"),
        ("def add(a, b): raise OSError('full')", Fault.REFERENCE, "full"),
        ("import no_such_package\n" + ADD, Fault.MISSING_PACKAGE, "no_such_package"),
        ("x = '\x00'\n" + ADD, Fault.REFERENCE, "null bytes"),
    ],
)
@pytest.mark.parametrize("test", [CALL, TEST, SHARED + TEST])
def test_what_is_wrong_with_a_reference_is_told(cell, test, reference, fault, detail):
    found = checked(cell, test, reference=reference)

    assert found.fault is fault, found
    assert detail in found.detail


def test_tests_that_wait_for_what_a_copy_has_taken_are_sound_and_unguarded(cell):
    # With a copy before it the test itself waits for ever: it takes what has been put there once.
    test = """
import queue
def check(candidate):
    waiting = queue.Queue()
    for number in (1, 2):
        waiting.put(candidate(number, number))
    for expected in [2, 4]:
        assert waiting.get() == expected
"""
    finding = checked(cell, AssertTest(source=test, check="check"))

    assert (finding.is_sound, finding.integrity) == (True, Integrity.SHARED)
    assert finding.guards.none_because is Unguarded.ORDER


def test_the_image_that_has_a_missing_package_is_named(cell):
    found = checked(cell, "import numpy\n" + TEST)

    assert found.fault is Fault.MISSING_PACKAGE
    assert found.detail == "not there: numpy; the image `numpy` has it"


def test_an_image_that_is_not_built_here_is_the_machines_fault(cell):
    found = checked(cell, TEST, image="nobody-has-built-this")

    assert (found.fault, found.fault.blames) == (Fault.IMAGE, "machine")
    assert "nobody-has-built-this" in found.detail


SCRIPT = ProgramTest(source='[ "$(add 1 2)" = 3 ] || exit 1\n[ "$(add 2 2)" = 4 ] || exit 1\n')
IN_BASH = {"language": Language.BASH, "reference": "add() { echo $(($1 + $2)); }"}


def test_a_test_program_is_judged_by_its_reference(cell):
    right = checked(cell, SCRIPT, **IN_BASH)
    wrong = checked(cell, SCRIPT, **IN_BASH | {"reference": "add() { echo 3; }"})

    assert (right.fault, right.integrity, right.tests) == (None, Integrity.SHARED, 1)
    assert right.reason == "the tests are one program with the candidate"
    assert (right.guards.sites, right.guards.guarded) == (2, 2)
    assert wrong.fault is Fault.REFERENCE


def test_a_toolchain_that_is_not_installed_is_the_machines_fault(cell, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    found = checked(cell, SCRIPT, **IN_BASH)

    assert (found.fault, found.fault.blames) == (Fault.TOOLCHAIN, "machine")
    assert "`bash` is not installed; `rrtf languages install bash`" in found.detail


def test_a_package_that_is_missing_is_found_without_a_reference(cell):
    found = checked(cell, "import no_such_package\n" + TEST, reference=None)

    assert (found.fault, found.detail) == (Fault.MISSING_PACKAGE, "not there: no_such_package")


def test_the_candidate_is_no_package_that_is_missing(cell):
    assert checked(cell, f"from solution import add\n{TEST}", reference=None).fault is None
    assert checked(cell, f"from adding import add\n{TEST}").fault is None


# How strong they are.

WEAK = "def add(a, b):\n    if a > 10:\n        return a + b\n    return b + a\n"


def test_mutants_that_pass_are_shown_with_their_change(cell):
    found = checked(cell, CALL, reference=WEAK, mutants=100)

    assert found.fault is None
    strength = found.strength
    changes = [(one.line, one.before, one.after) for one in strength.survivors]
    assert (3, "return a + b", "return a - b") in changes
    assert (3, "return a + b", "return None") in changes
    assert not [change for change in changes if change[0] == 4]
    assert strength.killed == strength.mutants - len(changes) > 0
    assert strength.share == strength.killed / strength.mutants
    assert strength.unjudged == 0


def test_a_strong_suite_kills_them(cell):
    more = [(11, 3, 14), (10, -4, 6), (-2, 0, -2), (30, 5, 35)]
    calls = [CallTest(args=(a, b), expected=c) for a, b, c in more]

    strength = checked(cell, CALL, *calls, reference=WEAK, mutants=100).strength

    # Either branch adds: what moves the border between them, or skips one, changes nothing.
    assert {one.line for one in strength.survivors} == {2}


@pytest.mark.parametrize("prefix", ["", SHARED])
def test_tests_of_either_integrity_are_tried(cell, prefix):
    test = f"{prefix}def test_add():\n    assert add(0, 0) == 0\n"

    strength = checked(cell, test, mutants=100).strength

    assert [one.after for one in strength.survivors] == ["return a", "return a - b"]
    assert strength.killed == 1


@pytest.mark.slow
def test_a_mutant_that_does_not_end_is_killed(cell):
    reference = "def add(a, b):\n    while b > 0:\n        a += 1\n        b -= 1\n    return a\n"

    strength = checked(cell, CALL, reference=reference, mutants=100).strength

    assert "b += 1" not in [one.after for one in strength.survivors]
    assert strength.killed > 5


def test_an_answer_that_a_checker_is_not_ready_for_counts_neither_way(cell):
    checker = "def check(args, expected, actual):\n    return actual + 0 == expected\n"

    strength = checked(cell, with_checker(checker), mutants=100).strength

    assert strength.unjudged == 1  # `return None`
    assert strength.mutants == strength.killed == 2


def test_no_more_are_tried_than_are_asked_for(cell):
    assert checked(cell, CALL, reference=WEAK, mutants=3).strength.mutants == 3
    assert checked(cell, CALL, reference=WEAK).strength is None
