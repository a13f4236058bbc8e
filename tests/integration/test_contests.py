"""Problems of contest data sets judge right programs right, and wrong ones wrong."""

import json
import textwrap

import pytest

from executor import label
from infra.contracts.base import Label
from infra.records import importers
from tests import contest_records as records

SHIFT = "class Solution:\n    def shift(self, xs, by):\n        return {}\n"
TWICE = "class Solution:\n    def twice(self, x):\n        return {}\n"
RIGHT, WRONG = Label.ALL_PASS, Label.PARTIAL_PASS


@pytest.fixture(autouse=True)
def home(numpy_image, open_directory, monkeypatch):
    """EvalPlus compares with numpy."""
    monkeypatch.setenv("RRTF_EXECUTOR_HOME", str(open_directory / "executor"))


IS_FLOATS = """import numpy as np


def is_floats(x) -> bool:
    # check if it is float; List[float]; Tuple[float]
    if isinstance(x, float):
        return True
    if isinstance(x, (list, tuple)):
        return all(isinstance(i, float) for i in x)
    if isinstance(x, np.ndarray):
        return x.dtype == np.float64 or x.dtype == np.float32
    return False

"""
LOOP = """inputs = [[2], [1.5], [[1, 2]], [[]], [[0.5, 0.5]]]
results = [4, 3.0, [1, 2, 1, 2], [], [0.5, 0.5, 0.5, 0.5]]
for i, (inp, exp) in enumerate(zip(inputs, results)):
    assertion(double(*inp), exp, 0)
"""
CHECK = "def check(double):\n" + textwrap.indent(LOOP, "    ")
# In the order of the editions.
EDITIONS = {
    "with numpy's assertion": IS_FLOATS + """
def assertion(out, exp, atol):
    exact_match = out == exp

    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact_match and atol != 0:
        np.testing.assert_allclose(out, exp, atol=atol)
    else:
        assert exact_match

""" + CHECK,
    "with numpy's comparison": IS_FLOATS + """
def assertion(out, exp, atol):
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if out != exp and atol != 0:
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert out == exp, f"out: {out}, exp: {exp}"

""" + CHECK,
    "with types": IS_FLOATS + """
def assertion(out, exp, atol):
    exact = out == exp
    if atol == 0 and is_floats(exp):
        atol = 1e-6
    if not exact and atol != 0:
        assert type(out) == type(exp), f"assert {type(out)} != {type(exp)}"
        assert np.allclose(out, exp, rtol=1e-07, atol=atol)
    else:
        assert exact, f"out: {out}, exp: {exp}"

""" + CHECK,
}  # fmt: skip
EVALPLUS = EDITIONS["with types"]
MBPP_PLUS = {
    "task_id": 3,
    "prompt": "Double a value.",
    "code": "def double(x):\n    return x * 2\n",
    "test_list": ["assert double(2) == 4"],
    "test_imports": [],
    "test": EVALPLUS + "\n\ncheck(double)\n",
}
HUMAN_EVAL_PLUS = {
    "task_id": "HumanEval/900",
    "prompt": "def double(x):\n    '''Double a value.'''\n",
    "canonical_solution": "    return x * 2\n",
    "entry_point": "double",
    "test": EVALPLUS,
}
MODULUS = 10**9


def mixed(integer):
    """A record whose programs print a fraction and an integer."""
    data = {"inputs": ["1"], "outputs": [f"0.5 {integer}"]}
    return records.apps(input_output=json.dumps(data))


CASES = [
    (records.apps(), "input()\nprint(sum(map(int, input().split())))", RIGHT),
    (records.apps(), "input()\nprint('  7 ')", WRONG),
    (records.code_contests(), "print(int(input()) / 2)", RIGHT),
    (records.code_contests(), "print('%.5f' % (int(input()) / 2))", RIGHT),
    (records.code_contests(), "print(int(input()) // 2)", WRONG),
    (records.live_code_bench(), "a, b = map(int, input().split())\nprint(a * b)", RIGHT),
    (records.live_code_bench(), "print(6)", WRONG),
    (records.live_code_bench_call(), SHIFT.format("[x + by for x in xs]"), RIGHT),
    (records.live_code_bench_call(), SHIFT.format("tuple(x + by for x in xs)"), RIGHT),
    (records.live_code_bench_call(), SHIFT.format("xs"), WRONG),
    (records.apps_call([[1, 1], [2, 2]]), TWICE.format("x * 2"), RIGHT),
    (records.apps_call([[1, 1], [2, 2]]), TWICE.format("[1, 1]"), WRONG),
    (records.apps_call([[2], [4]]), TWICE.format("2 * x[0]"), RIGHT),
    (records.apps_call([[2], [4]]), TWICE.format("[2 * x[0]]"), RIGHT),
    (records.apps_call([[2], [4]]), TWICE.format("[[2 * x[0]]]"), WRONG),
    (records.apps_call([[2], [4]]), TWICE.format("2 + 0 * x[0]"), WRONG),
    (records.apps_call([[0.5], [1.0]]), TWICE.format("x[0] / 2 + 1e-9"), RIGHT),
    (records.apps_call([[0.5], [1.0]]), TWICE.format("x[0] / 2 + 1e-3"), WRONG),
    (records.apps_call([[0.5], [1.0]]), TWICE.format("[10 ** 400]"), WRONG),
    (records.apps_call([[MODULUS + 7], [2]]), TWICE.format(MODULUS + 999), WRONG),
    (records.apps_call([[MODULUS + 7], [2]]), TWICE.format(MODULUS + 999.0), WRONG),
    (records.apps_call([[MODULUS + 7, 0.5]] * 2), TWICE.format([MODULUS + 999, 0.5]), WRONG),
    (records.apps_call([[MODULUS + 7, 0.5]] * 2), TWICE.format([MODULUS + 7, 0.5]), RIGHT),
    (mixed(MODULUS + 7), f"print(0.5, {MODULUS + 999})", WRONG),
    (mixed(MODULUS + 7), f"print(0.5000000001, {MODULUS + 7})", RIGHT),
    (HUMAN_EVAL_PLUS, "def double(x):\n    return x * 2", RIGHT),
    (HUMAN_EVAL_PLUS, "def double(x):\n    return x * 2 if x else x", RIGHT),
    (HUMAN_EVAL_PLUS, "def double(x):\n    return int(x * 2)", WRONG),
    (MBPP_PLUS, "def double(x):\n    return x * 2", RIGHT),
    (MBPP_PLUS, "def double(x):\n    return 4", WRONG),
]


@pytest.mark.slow
def test_programs_are_judged_as_the_publisher_does():
    problems, programs = [], []
    for number, (record, program, _) in enumerate(CASES):
        # Of one record there may be several problems, with other values expected.
        problem = importers.to_problem(record).model_copy(update={"slug": f"case/{number}"})
        problems.append(problem)
        programs.append({"task_id": problem.slug, "program": program})

    found = list(label(problems, programs))

    assert [item.error for item in found] == [""] * len(CASES)
    # A program of which every test fails is labelled a partial pass too.
    assert [item.verdict.label for item in found] == [wanted for _, _, wanted in CASES]


ANSWERS = {
    "right": ("return x * 2", Label.ALL_PASS, "ppppp"),
    "nearly right": ("return [n + 1e-9 for n in x * 2] if x and x == [0.5, 0.5] else x * 2",
                     Label.ALL_PASS, "ppppp"),
    "wrong": ("return 'no'", Label.PARTIAL_PASS, "wwwww"),
    "wrong of the type": ("return x * 3 + x if x else [0]", Label.PARTIAL_PASS, "wwwww"),
    "half right": ("return x * 2 if x == 2 or x == [] else x", Label.PARTIAL_PASS, "pwwpw"),
    "nothing": ("return [] if isinstance(x, list) else x * 2", Label.PARTIAL_PASS, "ppwpw"),
    "one for all": ("return x[:1] if x == [0.5, 0.5] else x * 2", Label.PARTIAL_PASS, "ppppw"),
    "a number": ("return 0.5 if x == [0.5, 0.5] else x * 2", Label.PARTIAL_PASS, "ppppw"),
    "one where nothing is expected": ("return x * 2 or [1.0]", Label.PARTIAL_PASS, "pppwp"),
    "raises": ("raise KeyError", Label.RUNTIME_ERROR, "rrrrr"),
    "raises for one": ("return x * 2 if x != 2 else x[0]", Label.PARTIAL_PASS, "rpppp"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("edition", EDITIONS.values(), ids=EDITIONS)
def test_each_input_of_evalplus_is_a_test(edition):
    called = edition + "\n\ncheck(double)\n"
    records = (
        {**HUMAN_EVAL_PLUS, "test": edition},
        {**HUMAN_EVAL_PLUS, "test": called, "task_id": "HumanEval/901"},
        {**MBPP_PLUS, "test": edition.replace(CHECK, LOOP)},
    )
    problems = [importers.to_problem(record) for record in records]
    programs = [
        {"task_id": problem.slug, "program": f"def double(x):\n    {body}\n", "name": name}
        for problem in problems
        for name, (body, _, _) in ANSWERS.items()
    ]

    for item in label(problems, programs):
        _, wanted, outcomes = ANSWERS[item.record["name"]]
        assert item.verdict is not None, item.error
        assert item.verdict.label is wanted, item
        found = "".join(test.outcome.value[0] for test in item.verdict.tests)
        assert found == outcomes, item
