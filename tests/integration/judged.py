"""What becomes of one program under some tests."""

import contextlib

from executor.judging.judge import Judge
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from infra.contracts.base import IntegrityRule
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, CallTest


def judged(slot, program, *tests, **fields):
    """Judge a program by test code, or by tests of other kinds; `fields` are of the suite."""
    tests = tuple(AssertTest(source=test) if isinstance(test, str) else test for test in tests)
    suite = Suite(tests=tests, **({"entry_point": "f"} | fields))
    return Judge(slot.sandbox, suite, slot.version).judge(program)


def outcomes(verdict):
    """Name the outcome of every test."""
    return [test.outcome.value for test in verdict.tests]


def results(home, image, program, strict=False, functions=("f",)):
    """What functions of a program return, as the details of tests that fail."""
    tests = tuple(CallTest(function=name, expected="no") for name in functions)
    suite = Suite(tests=tests, image=image)
    settings = ExecutorSettings(home=home, strict=strict)
    with contextlib.closing(Slot(settings, 15)) as slot:
        verdict = Judge(slot.sandbox, suite, slot.version_with(image)).judge(program)
    return [test.detail for test in verdict.tests]


def shared_judge(slot, source, program, reference=True, **fields):
    """A judge of test code that runs beside a candidate; `program` is its reference program."""
    suite = Suite(
        tests=(AssertTest(source=source),),
        entry_point="Shop",
        integrity=IntegrityRule.SHARED,
        reference_program=program if reference else None,
        **fields,
    )
    return Judge(slot.sandbox, suite, slot.version)
