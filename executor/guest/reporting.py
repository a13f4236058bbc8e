"""What becomes of tests, as it is told to the supervisor."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from executor.guest.channel import Channel
from executor.guest.compiling import describe
from executor.guest.guards.copies.differing import other_than
from executor.guest.telling import by_value, is_lasting

Result = list[str]
"""Outcome of a test, and why."""
PASSED: Final[Result] = ["passed", ""]


class Failed(BaseException):
    """What a test has failed by, whatever it does about it: handlers of exceptions pass it on."""

    def __init__(self, outcome: str, detail: str) -> None:
        self.result = [outcome, detail]
        super().__init__(detail)


class Report:
    """Tells what becomes of each test; what one has failed by before counts for more."""

    def __init__(self, channel: Channel, take_failure: Callable[[], Result | None]) -> None:
        """`take_failure` returns what the test under way has failed by, if anything, once."""
        self._channel = channel
        self._take_failure = take_failure
        self._results: dict[str, Result] = {}
        self._reached: set[int] = set()
        self._told: list[list[Any]] = []
        self._kept: dict[str, Any] = {}
        """The end of a test that the beginning of the next is to bring along."""

    def items(self, names: Sequence[str]) -> None:
        """Tell which tests there are."""
        self._channel.send({"items": list(names)})

    def begin(self, name: str) -> None:
        """Tell that a test begins."""
        self._told = []
        kept, self._kept = self._kept, {}
        self._channel.send({**kept, "begin": name})

    def end(self, name: str, found: Result, is_followed: bool = False) -> None:
        """Tell what became of a test; the worst of what a test that runs several times finds.

        If it `is_followed` by another at once, it is told when that begins: a message less to write
        and to wake somebody for.
        """
        found = self.of(found)
        if self._results.setdefault(name, found)[0] == "passed":
            self._results[name] = found
        message: dict[str, Any] = {"end": name, "result": self._results[name]}
        if self._told:
            message["told"] = self._told
        if is_followed:
            self._kept = message
        else:
            self._channel.send(message)

    def tell(self, number: int, value: object, learnt: tuple[Any, ...] | None = None) -> None:
        """Have what a check has computed compared outside, as it is now.

        `learnt` is what is expected, and what that was computed of: to be learnt from a reference
        program, and there beside no other.
        """
        told = [number, by_value(value)]
        if learnt is not None:
            told.append(by_value(learnt[0]) if all(map(is_lasting, learnt[1:])) else {})
        self._told.append(told)

    def of(self, found: Result) -> Result:
        """Return the failure that something has failed by, or else what was found."""
        failed = self._take_failure() or found
        if failed[0] == "broken":
            self.broken(failed[1])
        return failed

    def broken(self, why: str) -> None:
        """Tell that the test code cannot be run, whatever the candidate."""
        self._channel.send({"broken": why})

    def reach(self, number: int) -> None:
        """Note that an assertion is come to."""
        self._reached.add(number)

    def done(self, errors: list[Result]) -> None:
        """Tell that there is no more, what went wrong beside the tests, and what they came to."""
        if self._kept:
            self._channel.send(self._kept)  # Something has kept the next from its turn.
        self._channel.send({"done": errors, "reached": sorted(self._reached)})


class Sites:
    """The statements of test code that are tests: each is entered by its name."""

    def __init__(self, report: Report, file: str) -> None:
        self._report = report
        self._file = file
        self.reach = report.reach
        self.tell = report.tell
        self.other = other_than

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Tell how a statement ended, and let those after it have their turn."""
        self._report.begin(name)
        found = PASSED
        try:
            yield
        except (Exception, SystemExit, Failed) as error:
            has_left = isinstance(error, SystemExit) and error.code in (None, 0)
            is_passed = has_left and _is_of_the_tests(error, self._file)
            found = PASSED if is_passed else result_of(error, self._file)
        self._report.end(name, found)


def _is_of_the_tests(error: BaseException, file: str) -> bool:
    """Tell whether the tests themselves, and nobody that they call, have raised something."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and last.tb_frame.f_code.co_filename == file


def result_of(error: BaseException, file: str) -> Result:
    """Turn what ended a test of this file into its outcome."""
    if isinstance(error, Failed):
        return error.result
    if isinstance(error, MemoryError):
        return ["memory_limit_exceeded", describe(error)]
    # `pytest.fail` raises a class of its own; who has not imported pytest has not met it.
    pytest = sys.modules.get("pytest")
    failures = (AssertionError, *([pytest.fail.Exception] if pytest else []))
    failed = isinstance(error, failures) and not getattr(error, "from_candidate", False)
    if failed or (isinstance(error, SystemExit) and _is_of_the_tests(error, file)):
        return ["wrong_answer", describe(error)]
    return ["runtime_error", describe(error)]
