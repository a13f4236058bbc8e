"""Test code of other languages: what of it is changed, and how it is put behind a candidate."""

import pytest

from executor.judging.programs.changing import Change, changes, line, one_of_each_line
from executor.judging.programs.composing import composed
from executor.judging.programs.joining import alone, joined
from executor.judging.programs.learnt import Learnt
from executor.judging.programs.marks import NoTests
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

CHECKS = {
    Language.CPP: (
        "#undef NDEBUG\n#include<assert.h>\nint main(){ // 7\n assert (f({1, 2}) == 3);\n"
        ' assert (same(f({}), {4, "a"}));\n return 0;\n}',
        ["4", "5", '"az"'],
    ),
    Language.GO: (
        "func TestF(t *testing.T) {\n assert.Equal(0, f([]int{5}))\n want := 6\n given := 7\n"
        " assert.Equal(want, f(given)) }",
        ["1", "7"],
    ),
    Language.JAVASCRIPT: (
        'const _ = require("lodash")\nvar arg0 = [1,\n 2];\nvar x0 = f(arg0);\n'
        "var v0 = 'q';\nif (!_.isEqual(x0, v0)) { process.exit(1) }\nconsole.assert(f(1) === true)",
        ["'z'", "false"],
    ),
    Language.JAVA: (
        '@DisplayName("one")\n@Test void t() { assertThat(g(1)).isEqualTo(2);\n'
        "assertThat(g(3)).isTrue(); assertThat(g(4)).containsExactly(5); }",
        ["3", "isFalse", "6"],
    ),
    Language.TYPESCRIPT: (
        "import { test } from '@jest/globals'\ndescribe('a', () => { test('b 1', () => {\n"
        "expect(f(1)).toBe(2); expect(f('c')).toEqual(['d']); expect(f(3)).toBeTruthy() }) })",
        ["3", "'z'", "toBeFalsy"],
    ),
    Language.D: (
        "unittest\n{\n    alias candidate = f;\n"
        "    assert(candidate([1L, 2L]) == 3L);\n}\nvoid main(){}",
        ["4L"],
    ),
    Language.RACKET: (
        "(require rackunit)\n; \"1\n#| '2 |#\n(define (test-humaneval)\n  (let (( candidate f))\n"
        '    (check-within (candidate (list 1 -2) #\\( "a") (list -3 4.5) 0)\n'
        "    (check-equal? (f '(5 6)) '(\"b\" . #t)) (check-true (f 7))\n))\n(test-humaneval)",
        ["4", "5.5", "1", '"bz"', "#f", "check-false"],
    ),
    Language.CSHARP: (
        "    }\n    public static void Main(string[] args) {\n"
        '    Debug.Assert(f((new List<long>(new long[]{{1L}})), ("a")) == (2L)); // 3\n'
        '    Debug.Assert(f(4).Equals(("b"))); var wanted = false; }\n}',
        ["3L", '"bz"', "true"],
    ),
    Language.VERILOG: (
        "module tb; wire [7:0] x; f dut(.a(y), .x); /* 2 */\n"
        'initial begin if (x !== 8\'hf0) $display("1"); #3 $finish; end\nendmodule',
        ["===", "8'hf1", "4"],
    ),
    Language.BASH: ('[ "$(f 1 2)" = "a b" ] || exit 1', ['"a bz"']),
    Language.PERL: ("my $v = 1.5; # 2\nunless (f(3) == $v) { die; }", ["2.5"]),
    Language.RUST: ("#[test]\nfn t() { assert_eq!(f(vec![1], 'a'), vec![2, 3]); }", ["3", "4"]),
}

OF_FRAMEWORKS = {Language.JAVA, Language.TYPESCRIPT}
"""No function is named there."""


@pytest.mark.parametrize("language", CHECKS)
def test_what_is_expected_is_changed_and_no_argument(language):
    source, wanted = CHECKS[language]

    found = changes(source, language, None if language in OF_FRAMEWORKS else "f")

    assert [one.text for one in found] == wanted
    assert all(one.of(source) != source for one in found)


def test_another_name_of_the_function_is_one_as_well():
    source = "auto again = f;\nassert(again(1) == 2);\nassert(candidate(3) == 4);"

    assert [one.text for one in changes(source, Language.CPP, "f")] == ["3", "5"]


def test_without_a_name_whatever_is_called_keeps_its_arguments():
    found = changes("assert(g(1) == 2); assertEquals(h(3), 4);", Language.JAVA, None)

    assert [one.text for one in found] == ["3", "5"]


BODY = "int f() {\n  if (x) { return 1; }\n"
CLOSED = {
    "open, as its set has it": (BODY, BODY),
    "whole": (BODY + "}\n", BODY),
    "a comment after it": (BODY + "} // f\n/* } */\n", BODY),
    "more after it": (BODY + "}\nint g;\n", BODY + "}\nint g;\n"),
}


@pytest.mark.parametrize("name", CLOSED)
def test_a_function_that_the_tests_close_is_left_open(name):
    program, wanted = CLOSED[name]
    test = ProgramTest(source="}\nint main() { return f(); }\n")

    assert joined(Language.CPP, test, program) == f"{wanted}\n{test.source}"


OPEN_SHELL = "f() {\n  n=${#a[@]} # all {\n"


@pytest.mark.parametrize("closed", ["", "}\n"])
def test_a_number_sign_within_a_word_is_no_comment(closed):
    test = ProgramTest(source="}\nf\n")

    assert joined(Language.BASH, test, OPEN_SHELL + closed) == f"{OPEN_SHELL}\n{test.source}"


@pytest.mark.parametrize("program", ["<?php\nf();\n?>\n", "<?php\nf();\n", "f();\n"])
@pytest.mark.parametrize("source", ["<?php\ng();", "g();\n\n?>\n"])
def test_tests_behind_a_script_of_php_are_code_and_so_is_what_follows(program, source):
    test = ProgramTest(source=source)

    assert "".join(joined(Language.PHP, test, program).split()) == "<?phpf();g();"


def test_imports_of_go_stand_once():
    before = 'package main\n\nimport (\n    "testing"\n    "math"\n)\n'
    program = 'package main\nimport (\n    "math"\n    "sort"\n)\nimport "testing"\nfunc f() {}\n'
    test = ProgramTest(source="func TestF(t *testing.T) {}", before=before)

    text = joined(Language.GO, test, program)

    assert text.count("package main") == 1
    assert [text.count(f'"{name}"') for name in ("testing", "math", "sort")] == [1, 1, 1]


SPEAKS = {
    "of it": ("func f() { math.Abs(1) }", True),
    "of it, and imports it": ('import "math"\nfunc f() { math.Abs(1) }', True),
    "of it, and imports it with others": ('import (\n "math"\n)\nfunc f() { math.Abs(1) }', True),
    "of it behind a package": ("package main\nfunc f() { math.Abs(1) }", True),
    "of it nowhere": ('import (\n "math"\n)\nfunc f() {}', False),
    "of it in a comment": ("// math. And more\nfunc f() {}", False),
    "of it in a text": ('func f() string { return "math.Abs" }', False),
    "of a field": ("func f() { a.math.Abs(1) }", False),
    "of another": ("func f() { mathematics.Abs(1) }", False),
}


@pytest.mark.parametrize(("program", "is_needed"), SPEAKS.values(), ids=SPEAKS)
def test_what_a_set_imports_is_imported_where_a_program_speaks_of_it(program, is_needed):
    test = ProgramTest(
        source="func TestF(t *testing.T) {}",
        before='package main\n\nimport (\n    "testing"\n)\n',
        imports=("math", "sort"),
    )

    for text in (joined(Language.GO, test, program), alone(test, program)):
        assert text.count('"math"\n') == is_needed
        assert '"sort"' not in text


def test_nothing_is_imported_for_programs_of_other_sets():
    test = ProgramTest(source="func TestF(t *testing.T) {}", before="package main\n")

    assert '"math"' not in joined(Language.GO, test, "func f() { math.Abs(1) }")


def test_a_crate_that_nothing_uses_is_not_asked_for():
    program = "use rand::Rng;\nuse md5;\nuse std::cmp::max;\nuse regex::Regex;\nfn f(r: Regex) {}\n"
    test = ProgramTest(source="fn main() {}")

    kept = [line for line in joined(Language.RUST, test, program).split("\n") if "use" in line]

    assert kept == ["use std::cmp::max;", "use regex::Regex;"]


@pytest.mark.parametrize("language", [Language.GO, Language.JAVA, Language.RUST])
def test_test_code_that_begins_nowhere_is_told(language):
    with pytest.raises(NoTests):
        composed(language, ProgramTest(source="int x;"), "int f;")


def test_a_mark_is_new_for_every_run_and_in_no_file_whole():
    test = ProgramTest(source="f()")

    ones = [composed(Language.RUBY, test, "def f; end") for _ in range(2)]

    assert ones[0].mark != ones[1].mark
    assert all(one.mark not in text for one in ones for text in one.build.files.values())


BEGINS_NOWHERE = {
    Language.JAVA: "}\npublic static void main(String[] words) { }\n}",
    Language.SCALA: "}\ndef main(words: Array[String]) = { }\n}",
    Language.CSHARP: "}\npublic static void Main(string[] words) { }\n}",
}


@pytest.mark.parametrize("language", BEGINS_NOWHERE)
def test_no_candidate_makes_a_suite_broken(language):
    test = ProgramTest(source=BEGINS_NOWHERE[language])

    assert composed(language, test, "((").build.files


MAINS = {
    "namespaces": ("namespace A.B { class C {\n static int F() {", "}static void Main() { } } }",
                   "global::A.B.C."),
    "a class in a class": ("class A { struct B {", "static int Main(string[] w) { return 0; } } }",
                           "int status = global::A.B."),
    "what awaits": ("class A : B<C> {", "async public static Task Main() { } }",
                    ".GetAwaiter().GetResult();"),
    "classes that are closed": ("class A { } class B where T : class {", "static void Main() {} }",
                                "global::B."),
    "no words of a comment": ("// class X {\nclass A {", "static void Main() {} }", "global::A."),
}  # fmt: skip


@pytest.mark.parametrize("name", MAINS)
def test_the_main_of_tests_in_csharp_is_called_where_it_stands(name):
    program, source, called = MAINS[name]

    build = composed(Language.CSHARP, ProgramTest(source=source), program).build

    assert called in build.files["harness.cs"]
    assert " Main(" not in build.files["main.cs"]


@pytest.mark.parametrize("language", [Language.CSHARP, Language.VERILOG])
def test_tests_that_begin_nowhere_are_none(language):
    with pytest.raises(NoTests):
        composed(language, ProgramTest(source="class A { void Main(); } module b; endmodule"), "")


LONG = {
    "namespaces": (Language.CSHARP, "namespace a "),
    "widths": (Language.VERILOG, "[ 1 "),
    "comparisons": (Language.VERILOG, "= !"),
    "comments that end nowhere": (Language.CPP, "/*"),
    "texts that end nowhere": (Language.JAVASCRIPT, '"\\'),
    "templates that end nowhere": (Language.JAVASCRIPT, "`\\`"),
    "crates": (Language.RUST, "use a;\n"),
    "spaces behind an import": (Language.GO, '"a" ' + " " * 200),
    "imports that end nowhere": (Language.GO, "import (\n"),
    "blocks that are closed": (Language.JAVA, "}"),
    "brackets": (Language.C, "(("),
    "a name": (Language.C, "aaaaa"),
    "a number": (Language.C, "11111"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG)
def test_what_is_read_takes_no_more_than_its_length(name):
    language, piece = LONG[name]
    text = piece * (300_000 // len(piece))
    test = ProgramTest(source=f"}}}}{text}\n}}", before='package a\nimport "a"\n', imports=("a",))

    # Time that grows with its square is minutes here, and no limit of a candidate counts it.
    assert joined(language, test, text).endswith("}")
    assert len(changes(text, language, "f")) <= len(text)


def test_the_candidate_is_the_one_module_that_the_tests_import_and_do_not_bring():
    test = ProgramTest(
        source="import { test } from '@jest/globals'\nimport { f } from './f'\n"
        "import { g } from './given.js'\ntest('f', () => {})\n",
        files={"given.js": "exports.g = 1"},
    )

    made = composed(Language.JAVASCRIPT, test, "exports.f = 1")

    assert made.build.files["given/f.js"] == "exports.f = 1"
    assert made.declared == 1


@pytest.mark.parametrize("imports", ["", "import './f'\nimport './g'\n"])
def test_a_suite_that_imports_none_or_several_has_no_place_for_a_candidate(imports):
    test = ProgramTest(source=f"import {{ test }} from '@jest/globals'\n{imports}test('f')\n")

    with pytest.raises(NoTests, match="the candidate is one module"):
        composed(Language.TYPESCRIPT, test, "")


def test_the_tests_of_a_framework_are_counted_outside_of_comments():
    test = ProgramTest(
        source='#include "test/catch.hpp"\n// TEST_CASE("no")\n'
        'TEST_CASE("one") {}\nSCENARIO("TEST_CASE two") {}\n/* TEST_CASE("no") */\n'
    )

    assert composed(Language.CPP, test, "").declared == 2


def test_a_test_of_rust_that_asks_for_a_feature_is_not_counted():
    source = (
        '#[test]\n/// What it does\nfn one() {}\n#[test]\n#[cfg(feature = "x")]\nfn two() {}\n'
        '#[cfg(feature = "y")]\n#[test]\nfn three() {}\n#[test] fn four() {}\nfn five() {}\n'
    )

    made = composed(Language.RUST, ProgramTest(source=source), "")

    assert made.declared == 2


def _learnt(*tests):
    """What is learnt of one change for each name of the test that fails with it, "" for none."""
    made = [Change(at, at + 1, name) for at, name in enumerate(tests)]
    return Learnt(changes=tuple(made), fails=tuple(frozenset(filter(None, [n])) for n in tests))


def test_every_change_is_drawn_once_and_first_one_of_each_kind():
    learnt = _learnt("a", "a", "b", "", "", "b", "a")

    first, second, *further = [[change for change, _ in copy] for copy in learnt.drawn()]

    assert sorted(change.text for change in first) == ["a", "b"]
    assert [change.text for change in second] == [""]
    assert sorted([*first, *second, *(one for copy in further for one in copy)]) == sorted(
        learnt.changes
    )


@pytest.mark.parametrize("name", ["a", ""])
def test_where_there_is_one_kind_each_copy_has_one_change(name):
    learnt = _learnt(name, name, name)

    assert [len(copy) for copy in learnt.drawn()] == [1, 1, 1]


def test_a_literal_of_every_line_comes_before_the_second_of_one():
    source = "assert f(1) == [2, 3, 4, 5]\nassert f(2) == 6\nassert f(3) == [7, 8]\n"
    found = changes(source, Language.RUBY, "f")

    drawn = one_of_each_line(source, found)

    assert sorted(drawn) == sorted(found)
    assert sorted(line(source, change) for change in drawn[:3]) == [0, 1, 2]
    assert line(source, drawn[-1]) == 0


def test_tests_of_rust_in_a_module_of_a_feature_are_not_waited_for():
    source = (
        '#[test]\nfn a() {}\n#[cfg(feature = "io")]\nmod io {\n    use super::*;\n    #[test]\n'
        '    fn b() { print!("}}"); }\n    mod more { #[test] fn c() {} }\n}\n'
        "mod others {\n    #[test]\n    fn d() {}\n}\n"
    )

    found = composed(Language.RUST, ProgramTest(source=source), "")

    assert found.declared == 2


@pytest.mark.parametrize(
    "begin", ["#ifdef __cplusplus", "#ifdef IN_A_FILE", "/*\n#ifdef NEVER\n*/", "#ifndef NEVER"]
)
def test_tests_of_catch2_in_a_condition_that_may_hold_are_waited_for(begin):
    end = "" if "/*" in begin else "#endif"
    source = (
        f'#include <catch2/catch.hpp>\n{begin}\nTEST_CASE("a") {{}}\nTEST_CASE("b") {{}}\n{end}'
    )
    test = ProgramTest(source=source, files={"a.h": "#define IN_A_FILE\n"})

    assert composed(Language.CPP, test, "").declared == 2


def test_tests_of_catch2_in_a_condition_that_does_not_hold_are_not_waited_for():
    source = (
        '#include <catch2/catch.hpp>\n#define SLOW\nTEST_CASE("a") {}\n'
        '#if defined(ALL)\nTEST_CASE("b") {}\n#ifdef NEVER // this\n#ifdef ALL\nTEST_CASE("c") {}\n'
        '#endif\n#else\nTEST_CASE("d") {}\n#endif\n#endif\n#ifdef SLOW\nTEST_CASE("e") {}\n#endif\n'
        '#if 1 < 2\nTEST_CASE("f") {}\n#endif\n'
    )

    found = composed(Language.CPP, ProgramTest(source=source, options=("-DALL=1",)), "")

    assert found.declared == 5
