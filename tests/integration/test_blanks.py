"""Test code that is compiled once for itself and its changed copies: the verdicts stay the same."""

import pytest

from executor.installed import look_up
from executor.judging.judge import Judge
from infra.contracts.base import Label, Language
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, ProgramTest
from tests.hostile.attacks import SLOWNESS
from tests.hostile.program_suites import ADDED
from tests.samples import sampled

COMPILED = (
    Language.C, Language.CPP, Language.RUST, Language.JAVA, Language.TYPESCRIPT, Language.HASKELL,
    Language.KOTLIN, Language.SCALA, Language.D, Language.CSHARP,
)  # fmt: skip
LIMITS = Limits(cpu_seconds=4.0 * SLOWNESS, total_cpu_seconds=8.0 * SLOWNESS, idle_factor=1.0)
RESULTS = {
    Language.CPP: ("{} add(int a, int b) {{ return {}; }}", "a + b", "a + b + 1", (
        "unsigned char", "short", "long long", "float", "double", "unsigned", "auto",
    )),
    Language.C: ("{} add(int a, int b) {{ return {}; }}", "a + b", "a - b", (
        "unsigned char", "short", "long", "float", "double",
    )),
    Language.RUST: ("fn add(a: {0}, b: {0}) -> {0} {{ {1} }}", "a + b", "a * b + 1", (
        "i8", "i64", "i128", "isize",
    )),
    Language.JAVA: ("class Solution {{ static {} add(int a, int b) {{ return {}; }} }}",
                    "a + b", "a", ("Integer", "Object", "Number")),
    Language.TYPESCRIPT: ("const add = (a: number, b: number): {} => {}",
                          "a + b", "a", ("number", "any", "unknown")),
}  # fmt: skip
"""Of each language a function, a right and a wrong result, and types of results."""
SMALL = ProgramTest(
    source="#undef NDEBUG\n#include <assert.h>\nint main(void) {\n"
    "assert(add(1, 2) == 3); assert(add(2, 9) == 11); assert(add(50, -8) == 42);\n}\n"
)
SUMS = {**{language: added.tests for language, added in ADDED.items()},
        Language.C: SMALL, Language.CPP: SMALL}  # fmt: skip
"""Their results are small and none is negative where a type has no room for others."""
WORKED_OUT = {
    "a number less by one": "#define near(x, v) assert((x) > (v) - 1 && (x) < (v) + 1)\n"
    "int main() { near(add(1, 2), 3); near(add(4, 5), 9); }",
    "the length of an array": "int main() { int all[7] = {}; for (auto &one : all) one = 3;\n"
    " for (int one : all) assert(add(1, 2) == one); assert(sizeof all / sizeof *all == 7); }",
    "cases": "int main() { switch (add(1, 2)) { case 3: return 0; default: assert(false); } }",
    "what is known while it is compiled": "constexpr int twice(int n) { return 2 * n; }\n"
    "int main() { constexpr int four = twice(2); assert(add(1, 3) == four); }",
}
"""Test code, behind the include, of whose literals a compiler makes something else."""


def judge_of(slot, language, tests, reference):
    if look_up(language).path is None:
        pytest.skip(f"{language.value} is not installed here")
    suite = Suite(
        tests=(tests,), entry_point="add", language=language, limits=LIMITS,
        reference_program=reference,
    )  # fmt: skip
    return Judge(slot.sandbox, suite, slot.version)


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", sampled(COMPILED, 2))
def test_what_is_changed_is_filled_in_after_the_compiler(slot, language):
    added = ADDED[language]

    (known,) = judge_of(slot, language, added.tests, added.right).asserts.programs

    assert known.changes
    assert all(known.blank(change) is not None for change in known.changes), known


@pytest.mark.thorough
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("language", sampled(RESULTS, 2))
def test_a_result_of_another_type_is_judged_by_the_literals(slot, language):
    function, right, wrong, types = RESULTS[language]
    judge = judge_of(slot, language, SUMS[language], ADDED[language].right)

    labels = {
        (name, result): judge.judge(function.format(name, result)).label
        for name in types
        for result in (right, wrong)
    }

    passed = {key for key, label in labels.items() if label is Label.ALL_PASS}
    assert passed == {(name, right) for name in types}, labels


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
@pytest.mark.parametrize("name", sampled(list(WORKED_OUT), 1))
def test_what_the_compiler_works_out_stands_there_itself(slot, name):
    source = f"#undef NDEBUG\n#include <assert.h>\n{WORKED_OUT[name]}\n"
    judge = judge_of(slot, Language.CPP, ProgramTest(source=source), ADDED[Language.CPP].right)

    right = judge.judge("long add(long a, long b) { return a + b; }")
    wrong = judge.judge("int add(int a, int b) { return a + b + 1; }")

    assert right.label is Label.ALL_PASS, right
    assert wrong.label in (Label.RUNTIME_ERROR, Label.PARTIAL_PASS), wrong


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_a_failure_speaks_of_the_literal(slot):
    judge = judge_of(slot, Language.CPP, SMALL, ADDED[Language.CPP].right)

    (result,) = judge.judge("int add(int a, int b) { return a; }").tests

    assert "add(1, 2) == 3'" in result.detail
