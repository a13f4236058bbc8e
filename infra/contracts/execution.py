"""Messages to and from the executor; complete, because the executor has no database."""

import hashlib
import json
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from infra.contracts.base import (
    STANDARD_IMAGE,
    Contract,
    ImageName,
    Integrity,
    IntegrityRule,
    Label,
    Language,
    Outcome,
    Unguarded,
)
from infra.contracts.problems import (
    AssertTest,
    Limits,
    Problem,
    ProgramTest,
    ProgramText,
    TestCase,
)

MAX_NAME_CHARACTERS = 200
"""Longest name of one test."""
MAX_DETAIL_CHARACTERS = 2_000
"""Longest explanation kept with one test or candidate."""


class Program(Contract):
    """One program to be labelled."""

    candidate_id: UUID
    attempt: int = Field(ge=1)
    """Counted in Postgres; with the candidate's id it makes a result's identity."""
    source: ProgramText


class Suite(Contract):
    """All that judging a candidate of one problem takes."""

    tests: tuple[TestCase, ...] = Field(min_length=1)
    entry_point: str | None = None
    language: Language = Language.PYTHON
    image: ImageName = STANDARD_IMAGE
    limits: Limits = Field(default_factory=Limits)
    integrity: IntegrityRule = IntegrityRule.ISOLATED
    decided: Integrity | None = None
    """Where the tests run, once a check of the problem has decided it; nobody decides again."""
    prelude: str = ""
    reference_program: ProgramText | None = None
    """What decides where the tests run and calibrates the limits; only there if it does."""

    @staticmethod
    def of(problem: Problem, limits: Limits | None = None) -> "Suite":
        """Return what judging a candidate of a problem takes, with other limits if they are given.

        The reference program goes along where it decides something.
        """
        limits = limits or problem.limits
        asserts = any(isinstance(test, AssertTest) for test in problem.tests)
        decides = asserts and problem.integrity is not IntegrityRule.ISOLATED
        decides |= any(isinstance(test, ProgramTest) for test in problem.tests)
        return Suite(
            tests=problem.tests,
            entry_point=problem.entry_point,
            language=problem.language,
            image=problem.image,
            limits=limits,
            integrity=problem.integrity,
            prelude=problem.prelude,
            reference_program=(
                problem.reference_program if decides or limits.reference_factor else None
            ),
        )

    def whole(self, program: str) -> str:
        """Return a program with what stands before each."""
        ends = not self.prelude or self.prelude.endswith("\n")
        return self.prelude + ("" if ends else "\n") + program

    def digest(self) -> str:
        """Name everything in it by a SHA-256, the order of an argument's keys as well.

        What was decided is left out: it follows from the rest.
        """
        content = json.dumps(self.model_dump(mode="json", exclude={"decided"}))
        return hashlib.sha256(content.encode()).hexdigest()


def cache_key(suite_digest: str, language: Language, program: str, project_id: int = 0) -> bytes:
    """Name what an execution must agree in to serve another candidate: project, tests, program.

    Of a program only that is left out which its language's compiler leaves out: Python's reads
    every line ending as a newline, and newlines at the end as one.
    """
    if language is Language.PYTHON:
        program = program.replace("\r\n", "\n").replace("\r", "\n")
        ended = program.rstrip("\n")
        if not ended.endswith("\\"):
            program = ended + "\n"
    digest = hashlib.sha256(suite_digest.encode())
    if project_id:  # Keys from before there were projects are of the default one.
        digest.update(b"%d " % project_id)
    digest.update(program.encode("utf-8", "surrogatepass"))
    return digest.digest()


class ExecutionRequest(Contract):
    """A batch of candidates of one problem, with the tests they share."""

    problem_id: UUID
    suite: Suite
    programs: tuple[Program, ...] = Field(min_length=1)


class TestResult(Contract):
    """What became of one test."""

    __test__: ClassVar[bool] = False  # pytest must not collect it.

    outcome: Outcome
    name: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)] = ""
    """What its framework calls it, or where it stands; empty where its number is its name."""
    detail: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)] = ""
    """Why, for a reader; never shown to a model."""
    cpu_seconds: float = Field(0.0, ge=0)
    idle_seconds: float = Field(0.0, ge=0)
    """In which it neither ran nor waited for a processor."""
    wall_seconds: float = Field(0.0, ge=0)


class Usage(Contract):
    """What running a candidate took."""

    cpu_seconds: float = Field(0.0, ge=0)
    wall_seconds: float = Field(0.0, ge=0)
    memory_bytes: int = Field(0, ge=0)
    """Highest memory use of all processes together."""


ENOUGH_GUARDED = 5
"""Checks that must be guarded for a suite to be hard to guess."""


class Guards(Contract):
    """How tests in the candidate's own process are guarded against forgery.

    What a guarded check has computed was compared outside, or changed copies of its test, which a
    right program fails, ran beside it.
    """

    sites: int = Field(ge=0)
    """Places where the tests check something."""
    guarded: int = Field(ge=0)
    none_because: Unguarded | None = None
    """Why some tests are not guarded at all."""
    protected: bool
    """Whether there are enough of them that guessing does not pay."""

    @staticmethod
    def of(sites: int, guarded: int, none_because: Unguarded | None) -> "Guards":
        """Say whether these are enough."""
        protected = guarded >= ENOUGH_GUARDED and none_because is None
        return Guards(sites=sites, guarded=guarded, none_because=none_because, protected=protected)


class Verdict(Contract):
    """The judgement of one program."""

    label: Label
    tests: tuple[TestResult, ...]
    usage: Usage = Field(default_factory=Usage)
    integrity: Integrity = Integrity.ISOLATED
    guards: Guards | None = None
    """Of a shared run."""
    stdout: str = ""
    """First part of the standard output, NUL and lone surrogates replaced."""
    stderr: str = ""
    error: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)] = ""
    """The compiler's message or the first failure."""
    unstable: bool = False
    """Whether a little more or less CPU time might have changed it: a test was near its limit, or
    all together near theirs."""
    sandbox: str
    """Version of everything that can change a verdict: interpreter, nsjail, policy, mode."""

    @property
    def passed(self) -> int:
        """Number of tests passed."""
        return sum(test.outcome is Outcome.PASSED for test in self.tests)

    @property
    def total(self) -> int:
        """Number of tests, run or not."""
        return len(self.tests)

    @property
    def pass_fraction(self) -> float:
        """Passed tests over all tests."""
        return self.passed / self.total if self.tests else 0.0


class ExecutionResult(Contract):
    """A verdict on its way from the executor to the ranker."""

    candidate_id: UUID
    attempt: int = Field(ge=1)
    verdict: Verdict


class ExecutionStarted(Contract):
    """Notice that an executor has begun these candidates; attempts are counted on it."""

    attempts: dict[UUID, Annotated[int, Field(ge=0)]] = Field(default_factory=dict)
    """Number of the attempt that each candidate is in; none, when an executor says only that it is
    there. What is begun a second time under the same number is no other attempt."""
    sandbox: str = ""
    """Version of its sandbox, as in a verdict."""


class ExecutionFailure(Contract):
    """A candidate that could not be judged; the fault is ours or the suite's, never its own."""

    candidate_id: UUID
    attempt: int = Field(ge=1)
    reason: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)]
    permanent: bool = False
    """Whether trying again cannot help, as with test code that does not compile."""


class ExecutionResults(Contract):
    """Results of one batch, or of the part of it that is finished."""

    results: tuple[ExecutionResult, ...] = ()
    failures: tuple[ExecutionFailure, ...] = ()
