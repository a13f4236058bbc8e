"""Options for the compiler that tests bring along: whose fault it is if they are wrong."""

import pytest

from executor.installed import look_up
from executor.judging.asserting import SuiteBroken
from executor.judging.judge import Judge
from executor.suites import soundness
from infra.contracts.base import Label, Language
from infra.contracts.checks import Fault
from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest, ProgramTest

PROGRAMS = {
    Language.C: (
        "int f(void) { return 1; }",
        "#include <assert.h>\nint main(void) { assert(f() == 1); return 0; }",
        ("-std=c17", "-Wall", "-lm", "-D_GNU_SOURCE", "-include", "more.h"),
        ("-std=c98",),
    ),
    Language.CPP: (
        "int f() { return 1; }",
        "#include <cassert>\nint main() { assert(f() == 1); }",
        ("-std=c++14", "-O1"),
        ("-lnonsense",),
    ),
    Language.CSHARP: (
        "class A { internal static int F() { return 1; } }",
        'class T { static void Main() { if (A.F() != 1) throw new System.Exception("no"); } }',
        ("-unsafe",),
        ("-nonsense",),
    ),
    Language.D: ("int f() { return 1; }", "unittest { assert(f() == 1); }", ("-g",), ("--no",)),
    Language.GO: (
        "func f() int { return 1 }",
        "func TestF(t *testing.T) { if f() != 1 { t.Fatal() } }",
        ("-tags=none",),
        ("-nonsense",),
    ),
    Language.HASKELL: (
        "f = 1",
        'main = if f == 1 then return () else error "no"',
        ("-XLambdaCase",),
        ("-XNonsense",),
    ),
    Language.JAVA: (
        "class A { static int f() { return 1; } }",
        "class T { public static void main(String[] a) { assert A.f() == 1; } }",
        ("-Xlint", "more.java"),
        ("--nonsense",),
    ),
    Language.KOTLIN: (
        "fun f() = 1",
        "fun main() { check(f() == 1) }",
        ("-progressive",),
        ("-nonsense",),
    ),
    Language.RUST: (
        "fn f() -> i32 { let async = 1; async }",
        "fn main() { assert_eq!(f(), 1); }",
        ("--edition=2015", "-Copt-level=1"),
        ("--edition=1999",),
    ),
    Language.SCALA: (
        "object A { def f = 1 }",
        "object T { def main(a: Array[String]): Unit = assert(A.f == 1) }",
        ("-deprecation",),
        ("-nonsense",),
    ),
    Language.VERILOG: (
        "module one(output o); assign o = 1; endmodule",
        "module tb(); wire o; one u(o); initial begin #1 if (!o) $fatal; $finish; end endmodule",
        ("-s", "tb"),
        ("-s", "tb", "-znonsense"),
    ),
}
"""A program, its test, options of which some name what only the suite has, and refused ones."""

FAST = {Language.C, Language.CPP, Language.GO, Language.RUST, Language.VERILOG}
CASES = [
    language if language in FAST else pytest.param(language, marks=pytest.mark.thorough)
    for language in PROGRAMS
]


def suite_of(language, options, **fields):
    if look_up(language).path is None:
        pytest.skip(f"{language} is not installed")
    before = 'package main\nimport "testing"' if language is Language.GO else ""
    more = "package main" if language is Language.GO else ""
    test = ProgramTest(
        source=PROGRAMS[language][1],
        before=before,
        options=options,
        files={"more.h": "int f(void);", "more.java": "class More extends A { }", "x.go": more},
    )
    return Suite(tests=(test,), language=language, **fields)


@pytest.mark.slow
@pytest.mark.parametrize("language", CASES)
def test_options_that_a_compiler_refuses_are_no_candidates_fault(cell, language):
    program, _, _, refused = PROGRAMS[language]
    suite = suite_of(language, refused)
    judge = Judge(cell.sandbox, suite, "test")

    for candidate in (program, "nonsense("):
        with pytest.raises(SuiteBroken, match=f"refuses the options {' '.join(refused)}: "):
            judge.judge(candidate)

    for reference in (None, program):
        checked = suite.model_copy(update={"reference_program": reference})
        finding = soundness.check(cell, "mine/f", checked, 0)
        assert finding.fault is Fault.TESTS, finding
        assert "the compiler refuses the options" in finding.detail


@pytest.mark.parametrize("language", CASES)
def test_with_options_that_a_compiler_takes_candidates_are_judged(cell, language):
    program, _, options, _ = PROGRAMS[language]
    suite = suite_of(language, options)
    judge = Judge(cell.sandbox, suite, "test")

    labels = [judge.judge(candidate).label for candidate in (program, "nonsense(")]

    assert labels == [Label.ALL_PASS, Label.COMPILE_ERROR]
    assert soundness.check(cell, "mine/f", suite, 0).fault is None


def test_options_of_go_stand_before_its_files_whatever_the_test(cell):
    suite = suite_of(Language.GO, ("-tags=none", "x.go"))
    main = ProgramTest(
        source="func main() { if f() != more { panic(1) } }",
        before="package main",
        options=("-tags=none", "x.go"),
        files={"x.go": "package main\nconst more = 1\n"},
    )

    judge = Judge(cell.sandbox, suite.model_copy(update={"tests": (main,)}), "test")

    assert judge.judge(PROGRAMS[Language.GO][0]).label is Label.ALL_PASS


@pytest.mark.parametrize("edition", [2015, 2018, 2021, 1999])
def test_an_edition_of_rust_holds_for_calls_too(cell, edition):
    if look_up(Language.RUST).path is None:
        pytest.skip("Rust is not installed")
    test = ProgramTest(
        source="fn main() { assert_eq!(f(1), 1); }",
        options=(f"--edition={edition}",),
        calls=(CallTest(function="f", args=(1,), expected=1),),
    )
    suite = Suite(tests=(test,), language=Language.RUST, entry_point="f", integrity="isolated")
    judge = Judge(cell.sandbox, suite, "test")
    program = "fn f(n: i32) -> i32 { let async = n; async }"

    if edition == 1999:
        with pytest.raises(SuiteBroken, match="--edition=1999"):
            judge.judge(program)
    else:
        wanted = Label.ALL_PASS if edition == 2015 else Label.COMPILE_ERROR
        assert judge.judge(program).label is wanted


MORE = {
    "a file that a strict compiler would not have empty": (
        Language.C, ("-pedantic-errors", "more.c"), {"more.c": "int g(void) { return f(); }"}
    ),
    "a file that is no source": (
        Language.C, ("-Wl,--version-script=v.map",), {"v.map": "{ global: *; };"}
    ),
    "a symbol of the candidate": (Language.C, ("-Wl,--require-defined=f",), {}),
    "a top module in one word": (Language.VERILOG, ("-stb",), {}),
    "no prelude": (Language.HASKELL, ("-XNoImplicitPrelude",), {}),
}  # fmt: skip
"""Options that matter with more than a program that does nothing."""


@pytest.mark.parametrize("what", MORE)
def test_options_are_refused_for_no_other_reason_than_theirs(cell, what):
    language, options, files = MORE[what]
    suite = suite_of(language, options)
    extended = suite.tests[0].model_copy(update={"files": files})
    judge = Judge(cell.sandbox, suite.model_copy(update={"tests": (extended,)}), "test")

    label = judge.judge("nonsense(").label

    assert (judge.refused, label) == (None, Label.COMPILE_ERROR)


def test_a_top_module_is_named_in_one_word_or_two(cell):
    judge = Judge(cell.sandbox, suite_of(Language.VERILOG, ("-stb",)), "test")

    assert judge.judge(PROGRAMS[Language.VERILOG][0]).label is Label.ALL_PASS


def test_options_beside_files_of_any_kind_are_refused(cell):
    suite = suite_of(Language.GO, ("-nonsense",))
    files = {"go.mod": "module x\n\ngo 1.19\n", "x.go": "package main"}
    extended = suite.tests[0].model_copy(update={"files": files})
    judge = Judge(cell.sandbox, suite.model_copy(update={"tests": (extended,)}), "test")

    with pytest.raises(SuiteBroken, match="refuses the options -nonsense"):
        judge.judge(PROGRAMS[Language.GO][0])
