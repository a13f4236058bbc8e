"""A suite with a program test for each language, and the programs that attack it.

Each asks for a function that adds two numbers.
"""

import re
from pathlib import Path
from typing import NamedTuple

from infra.contracts.base import Language
from infra.contracts.execution import Suite
from infra.contracts.problems import Limits, ProgramTest
from tests.hostile.attacks import SLOWNESS

_HERE = Path(__file__).parent / "programs"
_SUMS = [(1, 2, 3), (5, 7, 12), (40, 2, 42), (9, -4, 5), (-6, 6, 0)]
_LIMITS = Limits(cpu_seconds=4.0 * SLOWNESS, total_cpu_seconds=8.0 * SLOWNESS, idle_factor=1.0)


class Added(NamedTuple):
    """The test code of one language, and two functions."""

    tests: ProgramTest
    right: str
    wrong: str
    entry_point: str = "add"

    def suite(self, language: Language, with_reference: bool = True) -> Suite:
        """As it is judged; without its reference program nothing guards it."""
        return Suite(
            tests=(self.tests,),
            entry_point=self.entry_point,
            language=language,
            limits=_LIMITS,
            reference_program=self.right if with_reference else None,
        )


def _each(check: str) -> str:
    return "\n".join(check.format(a, b, c) for a, b, c in _SUMS)


def _test(head: str, check: str, foot: str = "", **fields: object) -> ProgramTest:
    return ProgramTest(source=f"{head}{_each(check)}{foot}\n", **fields)  # type: ignore[arg-type] # named fields


_C_TEST = _test(
    "#undef NDEBUG\n#include <assert.h>\nint main(void) {\n", "assert(add({}, {}) == {});", "\n}"
)
_JS = "const add = (a{0}, b{0}) => a {1} b"
_CSHARP = "using System;\nusing System.Collections.Generic;\nusing System.Diagnostics;\n"
ADDED = {
    Language.C: Added(
        _C_TEST, "int add(int a, int b) { return a + b; }", "int add(int a, int b) { return a; }"
    ),
    Language.CPP: Added(
        _test(
            "#undef NDEBUG\n#include <assert.h>\n#include <stdexcept>\nint main() {\n",
            "assert(add({0}, {1}) == {2});",
            '\nif (!(add(3, 5) == 8)) throw std::runtime_error("no");\n}',
        ),
        "int add(int a, int b) { return a + b; }",
        "int add(int a, int b) { return a; }",
    ),
    Language.JAVA: Added(
        _test(
            "class Main {\n static void equal(Object a, Object b) { if (!a.equals(b))"
            ' throw new AssertionError("no"); }\n public static void main(String[] words) {\n',
            "equal(Solution.add({}, {}), {});",
            "\n}\n}",
        ),
        "class Solution { static int add(int a, int b) { return a + b; } }",
        "class Solution { static int add(int a, int b) { return a; } }",
    ),
    Language.JAVASCRIPT: Added(
        _test("", "console.assert(add({}, {}) === {})", silent=True),
        _JS.format("", "+"),
        _JS.format("", "-"),
    ),
    Language.TYPESCRIPT: Added(
        _test("import * as assert from 'assert'\n", "assert.deepEqual(add({}, {}), {})"),
        _JS.format(": number", "+"),
        _JS.format(": number", "-"),
    ),
    Language.GO: Added(
        _test(
            "func TestAdd(t *testing.T) {\n",
            'if Add({}, {}) != {} {{ panic("no") }}',
            '\n}\nfunc TestZero(t *testing.T) { if Add(0, 0) != 0 { t.Fatal("no") } }',
            before='package main\nimport "testing"\n',
        ),
        "func Add(a, b int) int { return a + b }",
        "func Add(a, b int) int { return a }",
        "Add",
    ),
    Language.RUST: Added(
        _test(
            "#[cfg(test)]\nmod tests {\nuse super::*;\n#[test]\nfn adds() {\n",
            "assert_eq!(add({}, {}), {});",
            '\n}\n#[test]\nfn none() { if add(0, 0) != 0 { panic!("no") } }\n}',
        ),
        "fn add(a: i32, b: i32) -> i32 { a + b }",
        "fn add(a: i32, b: i32) -> i32 { a - b }",
    ),
    Language.PHP: Added(
        _test("", 'if (add({}, {}) != {}) {{ throw new Exception("no"); }}'),
        "<?php\nfunction add($a, $b) { return $a + $b; }",
        "<?php\nfunction add($a, $b) { return $a - $b; }",
    ),
    Language.RUBY: Added(
        _test("", 'raise "no" if add({}, {}) != {}'),
        "def add(a, b) = a + b",
        "def add(a, b) = a - b",
    ),
    Language.PERL: Added(
        _test("", 'unless (add({}, {}) == {}) {{ die "no"; }}'),
        "sub add { $_[0] + $_[1] }",
        "sub add { $_[0] - $_[1] }",
    ),
    Language.LUA: Added(
        _test("", 'assert(add({}, {}) == {}, "no")'),
        "function add(a, b) return a + b end",
        "function add(a, b) return a - b end",
    ),
    Language.BASH: Added(
        _test("", '[ "$(add {} {})" = "{}" ] || exit 1'),
        "add() { echo $(($1 + $2)); }",
        "add() { echo $(($1 - $2)); }",
    ),
    Language.HASKELL: Added(
        _test(
            "import Control.Exception (assert)\nmain :: IO ()\nmain = do\n",
            "  if add ({}) ({}) == ({}) then return () else error \"no\"",
        ),
        "add :: Int -> Int -> Int\nadd a b = a + b",
        "add :: Int -> Int -> Int\nadd a b = a",
    ),
    Language.KOTLIN: Added(
        _test("fun main() {\n", "if (add({}, {}) != {}) throw AssertionError()", "\n}"),
        "fun add(a: Int, b: Int): Int = a + b",
        "fun add(a: Int, b: Int): Int = a",
    ),
    Language.R: Added(
        _test("", "stopifnot(add({}, {}) == {})"),
        "add <- function(a, b) a + b",
        "add <- function(a, b) a",
    ),
    Language.SCALA: Added(
        _test("object Tests extends App {\n", "assert(Solution.add({}, {}) == {})", "\n}"),
        "object Solution { def add(a: Int, b: Int): Int = a + b }",
        "object Solution { def add(a: Int, b: Int): Int = a }",
    ),
    Language.D: Added(
        _test(
            "unittest\n{\n    alias candidate = add;\n",
            "    assert(candidate({}, {}) == {});",
            "\n}\nvoid main(){}",
        ),
        "import std.math;\nlong add(long a, long b)\n{\n    return a + b;\n}",
        "long add(long a, long b) { return a; }",
    ),
    Language.RACKET: Added(
        _test(
            "(require rackunit)\n(define (test-humaneval)\n  (let (( candidate add))\n",
            "    (check-within (candidate {} {}) {} 0.001)",
            "\n))\n(test-humaneval)",
        ),
        "#lang racket\n\n;; Adds.\n(define (add a b)\n  (+ a b))",
        "#lang racket\n(define (add a b) a)",
    ),
    Language.CSHARP: Added(
        _test(
            "    }\n    public static void Main(string[] args) {\n",
            "    Debug.Assert(Add(({}L), ({}L)) == ({}L));",
            "\n    }\n\n}",
        ),
        f"{_CSHARP}class Problem {{\n    // Adds.\n    public static long Add(long a, long b) {{\n"
        "        return a + b;\n    }\n}",
        f"{_CSHARP}class Problem {{ static long Add(long a, long b) {{ return a; }} }}",
        "Add",
    ),
    Language.VERILOG: Added(
        _test(
            "module tb;\n  logic signed [7:0] a, b, sum;\n  int errors = 0, samples = 0;\n"
            "  add dut(.a, .b, .sum);\n  initial begin\n",
            "    a = {}; b = {}; #1 samples++; if (sum !== {}) errors++;",
            "\n    $finish;\n  end\n"
            '  final $display("Mismatches: %0d in %0d samples", errors, samples);\nendmodule',
        ),
        "module add(input signed [7:0] a, b, output signed [7:0] sum);\n"
        "  assign sum = a + b;\nendmodule",
        "module add(input signed [7:0] a, b, output signed [7:0] sum);\n"
        "  assign sum = a;\nendmodule",
    ),
}  # fmt: skip


def attacks(language: Language) -> dict[str, str]:
    """Read the attacks of a language, by name."""
    text = (_HERE / f"{language.value}.txt").read_text()
    _, *parts = re.split(r"^#: (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))
