"""Runs a `unittest.TestCase`; loaded only for test code that has one."""

import sys
import types
import unittest
from collections.abc import Callable
from typing import Any

Report = Callable[[BaseException], None]


def run(kind: type[unittest.TestCase], done: frozenset[str], report: Report) -> None:
    """Run the tests of a class that are not done, with its fixtures; report what fails."""
    names = unittest.defaultTestLoader.getTestCaseNames(kind)
    if not names and hasattr(kind, "runTest"):
        names = ["runTest"]
    left = [kind(name) for name in names if name not in done]
    unittest.TestSuite(left).run(_Findings(report))


class _Findings(unittest.TestResult):
    """Takes what a test case does with an exception that no site has kept."""

    def __init__(self, report: Report) -> None:
        super().__init__()
        self._report = report

    def addError(self, test: object, error: Any) -> None:  # noqa: N802 - unittest's name
        self._report(error[1])

    def addFailure(self, test: object, error: Any) -> None:  # noqa: N802 - unittest's name
        self._report(error[1])

    def addSkip(self, test: object, reason: str) -> None:  # noqa: N802 - unittest's name
        error = sys.exception()
        if error is not None:
            self._report(error)  # Which knows those of the tests.

    def addSubTest(  # noqa: N802 - unittest's name
        self, test: object, subtest: object, error: Any
    ) -> None:
        if error is not None:
            self._report(error[1])


def leave_to_the_driver(*_: object, **__: object) -> types.SimpleNamespace:
    """Stand in for `unittest.main`: every test case is run afterwards anyway."""
    return types.SimpleNamespace(result=unittest.TestResult())
