"""What a check of a problem finds: where its tests run, what they take, what is wrong with them."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from infra.contracts.base import Contract, Integrity
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, Guards, Suite

MAX_MUTANTS = 1_000
"""Most changed reference programs that one check judges."""


class Fault(StrEnum):
    """What is wrong with a problem."""

    RECORD = "record"
    """The file's line, row or folder makes no problem."""
    SYNTAX = "syntax"
    """The tests do not compile."""
    MISSING_PACKAGE = "missing_package"
    NO_TEST = "no_test"
    """Nothing in the tests checks anything, or nothing of them ran."""
    ENDLESS = "endless"
    """The tests, not what they call, use up their time."""
    CHECKER = "checker"
    """A checker does not compile, or said neither yes nor no."""
    TESTS = "tests"
    """The tests cannot be run, for another reason."""
    REFERENCE = "reference"
    """The reference program does not pass."""
    IMAGE = "image"
    """This machine lacks the packages that the problem names as its image."""
    TOOLCHAIN = "toolchain"
    """This machine lacks what compiles or runs the problem's language."""
    SANDBOX = "sandbox"
    """Nothing is known of the problem: the sandbox failed."""

    @property
    def blames(self) -> str:
        """Whose fault it is: `problem`, or `machine` where the problem has no part in it."""
        is_of_machine = self in (Fault.IMAGE, Fault.TOOLCHAIN, Fault.SANDBOX)
        return "machine" if is_of_machine else "problem"


class Survivor(Contract):
    """A changed reference program that passes every test."""

    line: int
    before: str
    """The statement, or the part of it, that was changed."""
    after: str


class Strength(Contract):
    """How many small changes of the reference program the tests notice."""

    mutants: int = Field(ge=0)
    """Changed programs that were judged."""
    killed: int = Field(ge=0)
    """Those of them that did not pass every test."""
    unjudged: int = Field(0, ge=0)
    """Further ones that got no label, as where a checker is not ready for their answers."""
    survivors: tuple[Survivor, ...] = ()

    @property
    def share(self) -> float | None:
        """Killed mutants over all; None where there are none."""
        return self.killed / self.mutants if self.mutants else None


class Finding(Contract):
    """What a check found of one problem."""

    slug: str
    integrity: Integrity | None = None
    """Where its tests run; None where that could not be decided."""
    reason: str = ""
    """Why there."""
    tests: int | None = None
    """Number of tests; of tests beside the candidate without a reference, of their files."""
    guards: Guards | None = None
    """Of tests that run beside the candidate: how forgery is kept from them."""
    has_reference: bool = False
    cpu_seconds: float | None = None
    """Of the reference program, over all tests."""
    wall_seconds: float | None = None
    fault: Fault | None = None
    detail: str = ""
    """What is wrong, for a reader."""
    strength: Strength | None = None
    """If it was asked for, and there is a reference program in Python that passes."""

    @property
    def is_sound(self) -> bool:
        """Whether candidates can be judged by it."""
        return self.fault is None


class CheckRequest(Contract):
    """A stored problem to be checked by an executor."""

    problem_id: UUID
    slug: str
    suite: Suite
    """With the problem's reference program, if there is one."""
    suite_sha256: str
    """Digest of the suite that the problem's candidates are judged by."""
    mutants: int = Field(0, ge=0, le=MAX_MUTANTS)
    """Most changed reference programs that are judged, to say how strong the tests are."""
    attempt: int = Field(ge=1)
    """Counted in Postgres."""


class CheckReport(Contract):
    """What an executor says of a check: that it has begun, what was found, or why nothing was."""

    problem_id: UUID
    suite_sha256: str
    mutants: int
    attempt: int
    sandbox: str = ""
    """Version of its sandbox, as in a verdict."""
    finding: Finding | None = None
    """What was found of the problem; no fault in it is a machine's."""
    reason: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)] = ""
    """Why nothing was found, the fault being ours or the machine's."""

    @staticmethod
    def of(
        request: CheckRequest,
        *,
        sandbox: str = "",
        finding: Finding | None = None,
        reason: str = "",
    ) -> "CheckReport":
        """Answer a request; with neither a finding nor a reason the check has begun."""
        return CheckReport(
            problem_id=request.problem_id,
            suite_sha256=request.suite_sha256,
            mutants=request.mutants,
            attempt=request.attempt,
            sandbox=sandbox,
            finding=finding,
            reason=reason,
        )
