"""How programs may be called, and what of a benchmark's tests they are tried with."""

import pytest

from infra.contracts.problems import AssertTest, CallTest, Problem, StdioTest
from sampler.evolution.probes import called_as, functions_of, probes_of


def problem(*tests, entry_point="f"):
    return Problem(slug="p", prompt="", tests=tests, entry_point=entry_point)


@pytest.mark.parametrize(
    ("program", "entry_point", "found"),
    [
        ("def f(a, b=1): pass", None, [("f", 1, 2)]),
        ("def f(*a): pass\ndef g(a, /): pass", None, [("f", 0, 99), ("g", 1, 1)]),
        ("def f(): pass\ndef g(a, *, b): pass", None, []),
        ("def g(a): pass\ndef f(a): return f(g(a))", None, [("f", 1, 1)]),
        ("def g(a): pass\ndef f(a): return g(a)", "g", [("g", 1, 1)]),
        ("def g(a): return f(a)\ndef f(a): return g(a)", None, [("g", 1, 1), ("f", 1, 1)]),
        ("class S:\n    def f(self, a): pass\n    def _g(self): pass", "S.f", [("S().f", 1, 1)]),
        ("class S:\n    def __init__(self, n): pass\n    def f(self, a): pass", None, []),
        ("def f(a: pass", None, []),
    ],
)
def test_what_was_asked_for_is_found_and_what_serves_it_is_not(program, entry_point, found):
    assert [tuple(one) for one in functions_of(program, entry_point)] == found


@pytest.mark.parametrize(
    ("program", "function", "name", "call"),
    [
        ("def g(a, b):\n    return a - b", "g", "f", "f(y=3, x=1)"),
        ("def f(a, b):\n    return a - b", "f", "f", "f(3, b=1)"),
        ("class S:\n    def f(self, a, b):\n        return a - b", "S().f", "f", "f(3, 1)"),
        ("def f(a, b):\n    return a - b", "f", "S.g", "S().g(3, k=1)"),
    ],
)
def test_a_function_answers_by_another_name(program, function, name, call):
    names = {}
    exec(called_as(program, function, name), names)  # noqa: S102 - programs of this test

    assert eval(call, names) == 2  # noqa: S307 - as above


def checks(found):
    return [(probe.arity, probe.check) for probe in found]


def test_probes_are_assertions_that_stand_by_themselves_with_other_values():
    source = (
        "import math\nx = 3\n\ndef check(candidate):\n    assert candidate(1) == x\n"
        "    assert candidate(2) == math.inf\n    assert candidate(3) == [4], 'no'\n"
        "    assert candidate(4) == [4]\n    assert abs(candidate(n=5) - 1.5) < 1e-6\n"
    )

    assert checks(probes_of(problem(AssertTest(source=source, check="check")))) == [
        (1, "assert probed(3) == [4]"),
        (1, "assert abs(probed(5) - 1.5) < 1e-06"),
    ]


def test_probes_are_made_of_calls_and_of_input():
    call = CallTest(args=({"$tuple": [1, 2]},), kwargs={"k": "x"}, expected={"$set": [1]})
    reads = StdioTest(stdin="1\n", expected_stdout="2\n")

    assert checks(probes_of(problem(call))) == [(2, "assert probed((1, 2), 'x') == {1}")]
    assert checks(probes_of(problem(reads))) == [(None, reads)]
    # Of two ways to call there is no one suite.
    assert probes_of(problem(call, reads)) == []
