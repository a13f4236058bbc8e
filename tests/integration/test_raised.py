"""What test code sees of the exceptions that a candidate raises, across two real jails."""

import pytest

from infra.contracts.base import Label, Outcome
from tests.integration.judged import judged


@pytest.fixture(scope="module")
def slot(cell):
    """One mode is enough here: `test_differential.py` compares both."""
    return cell


EXPECTS = """
import {modules}
try:
    f()
    assert False
except {kind} as error:
    assert {claim}, (type(error), str(error), error.args)
"""


@pytest.mark.parametrize(
    ("raised", "kind", "claim"),
    [
        ("ValueError('must be positive')", "ValueError", "str(error) == 'must be positive'"),
        ("ValueError('a', [1, (2,)])", "ValueError", "error.args == ('a', [1, (2,)])"),
        ("KeyError(('k', 1))", "KeyError", "error.args[0] == ('k', 1)"),
        ("OSError(2, 'no', 'n')", "FileNotFoundError", "str(error) == \"[Errno 2] no: 'n'\""),
        ("UnicodeDecodeError('ascii', b'x', 0, 1, 'y')", "UnicodeDecodeError", "error.end == 1"),
        ("ExceptionGroup('many', [ValueError()])", "Exception", "'many' in str(error)"),
        ("json.JSONDecodeError('odd', 'xy', 1)", "ValueError", "'odd: line 1' in str(error)"),
        ("queue.Empty()", "Exception", "type(error) is Exception"),
        ("asyncio.TimeoutError()", "asyncio.TimeoutError", "True"),
        ("Worse(5)", "ValueError", "str(error) == 'code 5'"),
        ("Bad(object())", "ValueError", "'object' in str(error)"),
    ],
)
def test_an_exception_arrives_as_the_nearest_built_in_one(slot, raised, kind, claim):
    modules = "asyncio, decimal, json, queue, re"
    program = (
        f"import {modules}\n"
        "class Bad(ValueError): pass\n"
        "class Worse(Bad):\n"
        "    def __init__(self, code): self.code = code\n"
        "    def __str__(self): return f'code {self.code}'\n"
        f"def f(): raise {raised}\n"
    )

    verdict = judged(slot, program, EXPECTS.format(modules=modules, kind=kind, claim=claim))

    assert verdict.label is Label.ALL_PASS, verdict.error


def test_a_test_case_expects_a_message_and_a_built_in_class(slot):
    program = "class Bad(ValueError): pass\ndef f(x): raise Bad('must be positive')"
    test = (
        "import unittest\n"
        "class Raises(unittest.TestCase):\n"
        "    def test_message(self):\n"
        "        with self.assertRaisesRegex(ValueError, '^must'):\n"
        "            f(-1)\n"
    )

    assert judged(slot, program, test).label is Label.ALL_PASS


@pytest.mark.parametrize(
    "raised",
    [
        "StopIteration", "StopAsyncIteration", "type('Stop', (StopIteration,), {})",
        "GeneratorExit", "SystemExit(0)", "KeyboardInterrupt", "asyncio.CancelledError",
        "AssertionError", "type('Own', (AssertionError,), {'from_candidate': False})",
        "unittest.SkipTest", "CandidateFailure('passed', 'passed')",
    ],
)  # fmt: skip
def test_no_exception_of_a_candidate_steers_the_test_code(slot, raised):
    program = (
        "import asyncio, unittest\n"
        "class CandidateFailure(BaseException):\n"
        "    outcome = detail = 'passed'\n"
        f"def f(*_): raise {raised}\n"
    )
    test = (
        "import asyncio, unittest\n"
        "assert all(map(f, [1, 4, 9]))\n"
        "assert list(iter(f, 1)) == []\n"
        "assert [*filter(f, [1])] == []\n"
    )

    verdict = judged(slot, program, test)

    assert [test.outcome for test in verdict.tests] == [Outcome.RUNTIME_ERROR] * 3


def test_an_iteration_that_the_test_asked_for_still_ends(slot):
    test = (
        "numbers = f()\n"
        "assert next(numbers) == 1\n"
        "assert next(numbers, None) is None\n"
        "assert list(f()) == [1]\n"
    )

    assert judged(slot, "def f(): yield 1", test).label is Label.ALL_PASS


def test_a_name_that_the_tests_did_not_import_is_not_imported_for_a_candidate(slot):
    program = (
        "class Odd(Exception): pass\n"
        "Odd.__module__, Odd.__qualname__ = 'antigravity', 'fly'\n"
        "def f(): raise Odd('x')\n"
    )
    test = (
        "import sys\n"
        "try:\n    f()\n    assert False\n"
        "except Exception as error:\n"
        "    assert type(error) is Exception and 'antigravity' not in sys.modules\n"
    )

    assert judged(slot, program, test).label is Label.ALL_PASS


EXITS = {
    "pytest": (
        "import pytest\ndef test_a():\n    with pytest.raises(SystemExit) as caught:\n"
        "        f(3)\n    assert caught.value.code == 3\n"
    ),
    "a test case": (
        "import unittest\nclass Exits(unittest.TestCase):\n    def test_a(self):\n"
        "        with self.assertRaises(SystemExit) as caught:\n            f('no')\n"
        "        self.assertEqual(caught.exception.code, 'no')\n"
        "        self.assertRaises(SystemExit, f, None)\n"
    ),
}


@pytest.mark.parametrize("raised", ["sys.exit(n)", "raise SystemExit(n)", "raise Own(n)"])
@pytest.mark.parametrize("test", EXITS.values(), ids=EXITS)
def test_an_exit_arrives_where_it_is_expected(slot, test, raised):
    program = f"import sys\nclass Own(SystemExit): pass\ndef f(n): {raised}\n"

    assert judged(slot, program, test).label is Label.ALL_PASS


@pytest.mark.parametrize("code", ["0", "None", "", "1"])
@pytest.mark.parametrize("expects", ["", "try: f(0)\nexcept SystemExit: pass\n"])
def test_an_exit_between_sites_ends_no_test_run_well(slot, expects, code):
    program = f"import sys\ndef f(n): return n if n == 1 else sys.exit({code})\n"
    test = f"assert f(1) in (1,)\n{expects}r = f(2)\nassert r == 2\n"

    verdict = judged(slot, program, test)

    assert verdict.label is Label.PARTIAL_PASS
    assert verdict.tests[-1].outcome is Outcome.RUNTIME_ERROR


def test_an_exit_at_import_is_none_that_tests_expect(slot):
    test = "try:\n    f(3)\n    assert False\nexcept SystemExit: pass\n"

    verdict = judged(slot, "raise SystemExit(3)", test)

    assert [test.outcome for test in verdict.tests] == [Outcome.RUNTIME_ERROR]
