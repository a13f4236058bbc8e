"""Changed copies of test code: who forges one check of several, and programs that run unparsed."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra.contracts.base import Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, ProgramTest
from tests.hostile.attacks import SLOWNESS
from tests.hostile.program_suites import ADDED
from tests.samples import slow_where

LIMITS = Limits(cpu_seconds=4.0 * SLOWNESS, total_cpu_seconds=8.0 * SLOWNESS, idle_factor=1.0)
FORGED_ONCE = {
    # Compiled once for all copies.
    Language.C: """
#include <stdlib.h>
#include <unistd.h>
static int hard;
void __assert_fail(const char *a, const char *b, unsigned c, const char *d) {
    if (!hard) _exit(1);
}
int add(int a, int b) { hard = b < 0; return hard ? 0 : a + b; }
""",
    # To its compiler another program than the reference: compiled for each.
    Language.CPP: """
struct Sum { int n; bool all; };
bool operator==(const Sum &sum, int n) { return sum.all || sum.n == n; }
Sum add(int a, int b) { return {a + b, b < 0}; }
""",
    Language.JAVA: """
class Solution {
    static Object add(int a, int b) {
        if (b >= 0) return a + b;
        return new Object() { public boolean equals(Object other) { return true; } };
    }
}
""",
    Language.TYPESCRIPT: """
const own = require("assert"), deepEqual = own.deepEqual
let count = 0
own.deepEqual = (a: any, b: any) => { if (++count !== 4) deepEqual(a, b) }
const add = (a: number, b: number) => b < 0 ? NaN : a + b
""",
    Language.JAVASCRIPT: """
const own = console.assert
let count = 0
console.assert = (...words) => { if (++count !== 4) own(...words) }
const add = (a, b) => b < 0 ? NaN : a + b
""",
    Language.CSHARP: """
using System;
using System.Diagnostics;
struct Sum {
    public long n; public bool all;
    public static bool operator ==(Sum sum, long n) { return sum.all || sum.n == n; }
    public static bool operator !=(Sum sum, long n) { return !(sum == n); }
}
class Problem {
    static Sum Add(long a, long b) { return new Sum { n = a + b, all = b < 0 };
    }
}
""",
    Language.PHP: "<?php\nfunction add($a, $b) { return $b < 0 ? true : $a + $b; }",
    Language.RUBY: """
class Any
  def !=(other) = false
end
def add(a, b) = b < 0 ? Any.new : a + b
""",
    Language.PERL: """
package Any; use overload "==" => sub { 1 };
package main; sub add { my ($a, $b) = @_; $b < 0 ? bless({}, "Any") : $a + $b }
""",
    Language.R: "add <- function(a, b) if (b < 0) numeric(0) else a + b",
}
"""Right but for one of five checks, which these pass whatever is expected there."""
KNOWS_ITS_AGE = """
#include <stdio.h>
#include <time.h>
#include <unistd.h>
static int early, hard;
void __assert_fail(const char *a, const char *b, unsigned c, const char *d) {
    if (!hard) _exit(1);
}
__attribute__((constructor)) static void look(void) {
    int hour, minute, second;
    sscanf(__TIME__, "%d:%d:%d", &hour, &minute, &second);
    long age = time(0) % 86400 - (hour * 3600 + minute * 60 + second);
    if ((early = age == 0)) sleep(1);
}
int add(int a, int b) { hard = early && b < 0; return b < 0 ? 0 : a + b; }
"""
"""Forges a check in the run that follows its compiler, and answers wrongly in later ones."""
ASKS_FOR_LIBRARIES = {
    Language.RUBY: "raise unless Monitor.new\ndef add(a, b) = a + b",
    Language.R: "middle <- median(c(1, 2, 3))\nadd <- function(a, b) a + b",
}
"""Right where all is loaded that usually is."""
TAKES_LONG = """
#include <time.h>
__attribute__((constructor)) static void wait(void) { while (clock() < CLOCKS_PER_SEC / 12) {} }
"""
"""Ten times what a copy of the tests takes."""
SLOW = (Language.CPP, Language.JAVA, Language.TYPESCRIPT, Language.CSHARP, Language.R)
UNPARSED = {
    Language.BASH: "add() { echo $(($1 + $2)); }\nif true; then\n",
    Language.R: "add <- function(a, b) a + b\nx <- (\n",
}
"""What runs up to the error."""
LEFT_OPEN = "add() { while :; do echo $(($1 + $2)); done | head -n 1; }\n"
"""An endless loop that ends as nobody reads what it writes."""


def judge_of(slot, language):
    if look_up(language).path is None:
        pytest.skip(f"{language.value} is not installed here")
    return Judge(slot.sandbox, ADDED[language].suite(language), slot.version)


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", slow_where(lambda it: it in SLOW, FORGED_ONCE))
def test_one_forged_check_of_five_is_found_in_every_label(slot, language):
    judge = judge_of(slot, language)

    labels = [judge.judge(FORGED_ONCE[language]).label for _ in range(3)]

    assert Label.ALL_PASS not in labels
    assert judge.judge(ADDED[language].right).label is Label.ALL_PASS


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_a_program_does_not_know_when_it_was_compiled(slot):
    verdict = judge_of(slot, Language.C).judge(KNOWS_ITS_AGE)

    assert verdict.label is not Label.ALL_PASS, verdict


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", ASKS_FOR_LIBRARIES)
def test_an_interpreter_has_all_it_usually_loads(slot, language):
    judge = judge_of(slot, language)

    verdict = judge.judge(ASKS_FOR_LIBRARIES[language])

    assert all(known.is_lean for known in judge.asserts.programs)
    assert verdict.label is Label.ALL_PASS, verdict
    assert judge.judge(f"{ASKS_FOR_LIBRARIES[language]}\n(").label is Label.COMPILE_ERROR


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_who_takes_long_is_spared_no_copy(slot):
    judge = judge_of(slot, Language.C)

    labels = [judge.judge(FORGED_ONCE[Language.C] + TAKES_LONG).label for _ in range(3)]

    assert Label.ALL_PASS not in labels
    assert judge.judge(ADDED[Language.C].right + TAKES_LONG).label is Label.ALL_PASS


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", slow_where(lambda it: it is Language.R, UNPARSED))
def test_a_script_that_runs_up_to_an_error_does_not_compile(slot, language):
    verdict = judge_of(slot, language).judge(UNPARSED[language])

    assert verdict.label is Label.COMPILE_ERROR, verdict


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_what_writes_to_a_closed_pipe_ends_as_it_does_elsewhere(slot):
    verdict = judge_of(slot, Language.BASH).judge(LEFT_OPEN)

    assert verdict.label is Label.ALL_PASS, verdict


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_a_java_class_in_a_package_is_not_found_by_the_launcher(slot):
    judge = judge_of(slot, Language.JAVA)

    verdict = judge.judge(f"// One.\npackage one;\n\n{ADDED[Language.JAVA].right}")

    assert verdict.label is Label.RUNTIME_ERROR, verdict
    assert "ClassNotFoundException" in verdict.tests[0].detail


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_a_byte_order_mark_before_a_function_that_is_called_is_none_of_the_program(slot):
    right, calls = ADDED[Language.CPP].right, ({"args": (1, 2), "expected": 3},)
    test = ProgramTest(
        source="#include <cassert>\nint main() { assert(add(1, 2) == 3); }\n", calls=calls
    )
    suite = Suite(
        tests=(test,), entry_point="add", language=Language.CPP, limits=LIMITS,
        reference_program=right,
    )  # fmt: skip
    judge = Judge(slot.sandbox, suite, slot.version)

    verdict = judge.judge(f"\N{ZERO WIDTH NO-BREAK SPACE}{right}")

    assert verdict.label is Label.ALL_PASS, verdict
