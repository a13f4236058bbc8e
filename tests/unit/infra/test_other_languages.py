"""Rows of published sets in other languages: each becomes the test program of its authors."""

import pytest

from infra import errors
from infra.composing import composed
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest
from infra.records import importers

HUMAN_EVAL_X = {
    "CPP/0": (
        Language.CPP,
        {"declaration": "#include<vector>\nint twice(vector<int> n){\n", "test": "int main(){}"},
        {"options": ("-std=c++11",)},
    ),
    "Go/0": (
        Language.GO,
        {
            "declaration": "func twice(n int) int {\n",
            "test": "func TestTwice(t *testing.T) {}",
            "test_setup": "package main\n",
        },
        {"before": "package main\n"},
    ),
    "Java/0": (
        Language.JAVA,
        {
            "declaration": "class Solution {\n    public int twice(int n) {\n",
            "test": "class Main {}",
        },
        {},
    ),
    "JavaScript/0": (
        Language.JAVASCRIPT,
        {"declaration": "const twice = (n) => {\n", "test": "console.assert(twice(1) === 2)"},
        {"silent": True},
    ),
    "Rust/0": (
        Language.RUST,
        {
            "declaration": "use std::cmp::max;\nfn twice(n: i32) -> i32{\n",
            "test": "#[test] fn t(){}",
        },
        {},
    ),
}


@pytest.mark.parametrize("task_id", HUMAN_EVAL_X)
def test_a_row_of_human_eval_x_is_a_problem_in_its_language(task_id):
    language, fields, wanted = HUMAN_EVAL_X[task_id]
    prompt = f"/* Twice n. */\n{fields['declaration']}"
    record = {"task_id": task_id, "prompt": prompt, "canonical_solution": "  n * 2 }\n"}

    problem = importers.to_problem(record | fields)

    (test,) = problem.tests
    assert isinstance(test, ProgramTest)
    assert (problem.language, problem.entry_point) == (language, "twice")
    assert test.source == fields["test"]
    assert {name: getattr(test, name) for name in wanted} == wanted
    # What a completion goes on from is what the authors' own solution goes on from.
    assert composed(problem, "  n * 2 }\n") == problem.reference_program


MBXP = {
    "MBJP/1": "java",
    "MBRBP/1": "ruby",
    "MBPLP/1": "perl",
    "MBPHP/1": "php",
    "MBTSP/1": "typescript",
    "MBCSP/1": "csharp",
}


@pytest.mark.parametrize("task_id", MBXP)
def test_a_row_of_mbxp_is_a_problem_in_its_language(task_id):
    fields = {"prompt": "f\n", "test": "t\n", "entry_point": "f", "language": MBXP[task_id]}

    problem = importers.to_problem({"task_id": task_id} | fields)

    assert problem.metadata["source"] == "MBXP"
    assert problem.tests[0].kind == "program"
    assert problem.language.value.startswith(MBXP[task_id])


MULTI = {
    "name": "HumanEval_0_twice",
    "language": "rs",
    "prompt": "/// Twice n.\nfn twice(n: isize) -> isize {\n",
    "tests": "}\n\nfn main() {\n    let candidate = twice;\n}\n",
    "stop_tokens": ["\n}"],
}


def test_a_row_of_multipl_e_is_a_problem_in_its_language():
    problem = importers.to_problem(MULTI)

    assert (problem.slug, problem.language) == ("rs/HumanEval_0_twice", Language.RUST)
    assert (problem.entry_point, problem.tests[0].source) == ("twice", MULTI["tests"])


@pytest.mark.parametrize(
    ("word", "prompt", "language", "entry_point"),
    [
        ("d", "import std.math;\n/*\nTwice f(n).\n*/\nTuple!(long, long) twice(long n) \n",
         Language.D, "twice"),
        ("rkt", "#lang racket\n\n;; Twice (f n).\n(define (twice n)\n", Language.RACKET, "twice"),
        ("rkt", "#lang racket\n(define (twice-it n)\n", Language.RACKET, None),
        ("cs", "using System;\nclass Problem {\n    // Twice (n).\n"
         "    public static List<long> Twice(long n) {\n", Language.CSHARP, "Twice"),
    ],
)  # fmt: skip
def test_multipl_e_asks_for_functions_of_further_languages(word, prompt, language, entry_point):
    problem = importers.to_problem(MULTI | {"language": word, "prompt": prompt})

    assert (problem.language, problem.entry_point) == (language, entry_point)


def test_a_row_of_verilog_eval_is_a_problem():
    row = {
        "task_id": "zero",
        "prompt": "module top_module(\n  output zero);\n",
        "canonical_solution": "  assign zero = 0;\nendmodule\n",
        "test": "module tb();\n  initial $finish;\nendmodule\n",
    }

    problem = importers.to_problem(row)

    assert (problem.language, problem.entry_point) == (Language.VERILOG, "top_module")
    assert problem.metadata["source"] == "VerilogEval"
    assert problem.reference_program == row["prompt"] + row["canonical_solution"]
    with pytest.raises(errors.InvalidInput, match="no test bench"):
        importers.to_problem(row | {"test": "assert f() == 1\n"})


@pytest.mark.parametrize(("word", "name"), [("jl", "Julia"), ("swift", "Swift"), ("adb", "adb")])
def test_a_row_of_multipl_e_in_a_language_that_nothing_runs_is_refused_by_its_name(word, name):
    with pytest.raises(errors.InvalidInput, match=f"the row is in {name};"):
        importers.to_problem(MULTI | {"language": word})


MC_EVAL = {
    "prompt": "twice <- function(n)",
    "canonical_solution": "{ n * 2 }",
    "test": "stopifnot(twice(1) == 2)\n",
    "entry_point": "twice",
    "instruction": "Write a function.",
    "level": "easy",
}


@pytest.mark.parametrize(
    ("task_id", "slug", "language", "is_silent"),
    [
        ("R/1", "R/1", Language.R, False),
        ("C#/2", "CSharp/2", Language.CSHARP, False),
        ("CPP/3", "CPP/3", Language.CPP, False),
        ("JavaScript/4", "JavaScript/4", Language.JAVASCRIPT, True),
    ],
)
def test_a_row_of_mc_eval_is_a_problem_in_its_language(task_id, slug, language, is_silent):
    problem = importers.to_problem(MC_EVAL | {"task_id": task_id})

    (test,) = problem.tests
    assert (problem.slug, problem.language, test.silent) == (slug, language, is_silent)
    assert problem.metadata["source"] == "McEval"
    assert problem.entry_point == "twice"
    # An answer begins in a line of its own.
    assert problem.reference_program == "twice <- function(n)\n{ n * 2 }"
    assert composed(problem, "{ n * 2 }") == problem.reference_program


def test_a_function_of_mc_eval_whose_name_is_no_word_has_none():
    row = MC_EVAL | {"task_id": "Racket/1", "entry_point": "twice-it"}

    assert importers.to_problem(row).entry_point is None


@pytest.mark.parametrize("task_id", ["mine/1", "1", "HumanEval/1"])
def test_a_row_with_a_level_that_says_no_language_is_one_of_human_eval(task_id):
    row = {
        "task_id": task_id,
        "prompt": "def twice(n):\n",
        "canonical_solution": "    return 2 * n\n",
        "test": "def check(f):\n    assert f(1) == 2\n",
    }
    problem = importers.to_problem(MC_EVAL | row)

    assert (problem.language, problem.metadata["source"]) == (Language.PYTHON, "HumanEval")


def test_a_row_of_mc_eval_in_python_is_one_of_functions():
    row = {
        "task_id": "Python/1",
        "prompt": 'def twice(n):\n    """Twice."""',
        "canonical_solution": "    return 2 * n",
        "test": "def check(f):\n    assert f(1) == 2\n",
    }
    problem = importers.to_problem(MC_EVAL | row)

    assert (problem.language, problem.tests[0].check) == (Language.PYTHON, "check")
    assert problem.reference_program.endswith('"""\n    return 2 * n')


@pytest.mark.parametrize("name", ["Fortran", "Common Lisp", "Swift", "JSON"])
def test_a_row_of_mc_eval_in_a_language_that_nothing_runs_is_refused_by_its_name(name):
    with pytest.raises(errors.InvalidInput, match=f"the row is in {name};"):
        importers.to_problem(MC_EVAL | {"task_id": f"{name}/1"})
