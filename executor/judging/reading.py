"""Test code as a jail reads it, before any candidate is there."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from executor.guest import placing
from executor.judging.asserting import SuiteBroken
from executor.judging.run import Asserts
from executor.judging.shared import sharing
from executor.sandbox.ended import Budget, Ended
from executor.sandbox.jail import Jail, Sandbox
from infra.contracts.base import STANDARD_IMAGE
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest
from infra.images.pinned import not_there, shipped

_READ_BYTES: Final = 64 * 2**20
"""What may be told of test code; it is no value of a candidate."""


class Read(NamedTuple):
    """What was found of the test code of a suite."""

    touches: bool
    """Whether it touches more than calls and data; nothing more is known of it then."""
    found: list[dict[str, Any]]
    """Of each test, as `executor.guest.reading.outline` tells it."""
    broken: SuiteBroken | None = None
    """Why it cannot be run."""

    def asserts(self) -> Asserts:
        """Return what is known of the tests: how many there are, and which are plain.

        Raises:
            SuiteBroken: it cannot be run.
        """
        if self.broken is not None:
            raise self.broken
        counts = [len(one["names"]) or 1 for one in self.found]
        return Asserts(counts, [one.pop("plain") for one in self.found], self.found)


def read(sandbox: Sandbox, suite: Suite, tests: Sequence[AssertTest], decides: bool) -> Read:
    """Have the test code read in a jail; if that `decides` where it runs, what it touches first.

    Raises:
        SuiteBroken: what it touches cannot be found out.
        errors.SandboxError: the sandbox failed.
    """
    limits = suite.limits.model_copy(update={"value_bytes": _READ_BYTES})
    with sandbox.jail(_start(suite, tests, decides), limits) as jail:
        budget = jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds)
        if decides and any(one is not None for one in _told(jail, budget)["touches"]):
            return Read(True, [])
        try:
            return Read(False, _told(jail, budget)["found"])
        except SuiteBroken as broken:
            return Read(False, [], broken)


def require_packages(sandbox: Sandbox, suite: Suite) -> None:
    """See by its text whether test code that runs beside candidates can run.

    A module that no image has may be the candidate's.

    Raises:
        SuiteBroken: it does not compile, or imports what only another image has.
        errors.SandboxError: the sandbox failed.
    """
    limits = suite.limits.model_copy(update={"value_bytes": _READ_BYTES})
    with sandbox.jail(sharing.start_of_look(suite), limits) as jail:
        found = _told(jail, jail.budget(limits.total_cpu_seconds, limits.total_idle_seconds))
    elsewhere = {module for image in shipped().values() for module in image.modules}
    missing = [name for name in found["missing"] if name in elsewhere]
    if missing:
        raise SuiteBroken(f"the test code imports what is {not_there(missing)}")


def _start(suite: Suite, tests: Sequence[AssertTest], decides: bool) -> dict[str, Any]:
    return {
        "role": "reading",
        "tests": [
            {
                **test.model_dump(include={"source", "check", "module"}),
                "told": placing.configuration(test.files) + placing.plugins(test.files),
            }
            for test in tests
        ],
        "entry_point": suite.entry_point,
        # An array is no plain data: comparing it with a list gives another array.
        "describes": suite.image == STANDARD_IMAGE,
        "decides": decides,
        "reference_program": suite.reference_program,
    }


def _told(jail: Jail, budget: Budget) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = jail.receive(budget)
    except Ended as ended:
        raise SuiteBroken(f"the test code cannot be read: {ended.detail}") from ended
    if "broken" in answer:
        raise SuiteBroken(str(answer["broken"]))
    return answer
