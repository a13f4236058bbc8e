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
}
"""Right but for one of five checks, which these pass whatever is expected there."""
TAKES_LONG = """
#include <time.h>
__attribute__((constructor)) static void wait(void) { while (clock() < CLOCKS_PER_SEC / 12) {} }
"""
"""Ten times what a copy of the tests takes."""
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
@pytest.mark.parametrize("language", slow_where(lambda it: it is Language.CPP, FORGED_ONCE))
def test_one_forged_check_of_five_is_found_in_every_label(slot, language):
    judge = judge_of(slot, language)

    labels = [judge.judge(FORGED_ONCE[language]).label for _ in range(3)]

    assert Label.ALL_PASS not in labels
    assert judge.judge(ADDED[language].right).label is Label.ALL_PASS


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
