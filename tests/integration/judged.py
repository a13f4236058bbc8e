"""What becomes of one program under assert tests."""

from executor.judge import Judge
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest


def judged(slot, program, *tests, **fields):
    """Judge a program by test code, or by tests of other kinds; `fields` are of the suite."""
    tests = tuple(AssertTest(source=test) if isinstance(test, str) else test for test in tests)
    suite = Suite(tests=tests, **({"entry_point": "f"} | fields))
    return Judge(slot.sandbox, suite, slot.version).judge(program)


def outcomes(verdict):
    """Name the outcome of every test."""
    return [test.outcome.value for test in verdict.tests]
