"""Inline work: programs that somebody waits for, sent straight to an executor and never stored."""

from enum import StrEnum
from typing import Annotated, Literal, Self, cast
from uuid import UUID

from pydantic import ConfigDict, Field, StrictFloat, model_validator
from pydantic.config import JsonDict

from infra.contracts.base import (
    STANDARD_IMAGE,
    Contract,
    ImageName,
    JsonValue,
    Label,
    Language,
    ProgramLanguage,
    check_image,
)
from infra.contracts.execution import MAX_DETAIL_CHARACTERS, Suite, Usage, Verdict
from infra.contracts.problems import (
    MAX_TESTS,
    DottedName,
    Limits,
    ProgramText,
    TestCase,
    Text,
    check_tests,
)

FileName = Annotated[str, Field(min_length=1, max_length=1_000, pattern=r"^[^\x00]*$")]
"""Path of a file in a run's working directory, or from the root on."""
MAX_PROGRAMS = 256
"""Most programs of one request."""
MAX_WAIT_SECONDS = 120.0
"""Longest wait; an executor's longest program and this fit into one task."""
MAX_RUN_SECONDS = 60.0
"""Longest run of a program that is not judged."""
MAX_INPUT_CHARACTERS = 64 * 2**20
"""Longest standard input of such a run, and all that is in its files."""
MAX_CELLS = 1_000
"""Most cells of a notebook."""
MAX_RUN_FILES = 1_000
"""Most files that such a run is given, or that are taken from it."""


class Judging(Contract):
    """Programs to be labelled by one suite."""

    kind: Literal["judging"] = "judging"
    suite: Suite
    programs: tuple[ProgramText, ...] = Field(min_length=1)


class Running(Contract):
    """A program or a notebook to be run once, with nothing to compare its output with."""

    kind: Literal["running"] = "running"
    program: ProgramText = ""
    cells: tuple[Text, ...] | None = Field(None, max_length=MAX_CELLS)
    """Those of a notebook, in place of a program: one IPython kernel runs one after the other."""
    cell_seconds: float = Field(0.0, ge=0, le=MAX_RUN_SECONDS)
    """When a cell is interrupted; 0 for never."""
    stdin: Annotated[str, Field(max_length=MAX_INPUT_CHARACTERS)] = ""
    arguments: tuple[Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")], ...] = Field(
        (), max_length=100
    )
    files: dict[FileName, Annotated[str, Field(max_length=MAX_INPUT_CHARACTERS)]] = Field(
        default_factory=dict, max_length=MAX_RUN_FILES
    )
    """What lies in its working directory, in base 64."""
    taken: tuple[FileName, ...] = Field((), max_length=MAX_RUN_FILES)
    """Files to return once it has ended by itself."""
    language: Language = Language.PYTHON
    image: ImageName | None = STANDARD_IMAGE
    """With null, the largest of the suite's own images that the executor has."""
    has_frameworks: bool = False
    """Whether Python has pytest beside the image's packages; of Go, Java and TypeScript, whether
    the program is test code for `go test`, JUnit or Jest; of Kotlin, whether it is a script."""
    wall_seconds: float = Field(10.0, gt=0, le=MAX_RUN_SECONDS)
    """When it is ended, whatever it has done until then; the limits hold as well."""
    limits: Limits = Field(default_factory=Limits)


class Surveying(Contract):
    """The question which languages an executor offers."""

    kind: Literal["surveying"] = "surveying"


Work = Judging | Running | Surveying


class InlineRequest(Contract):
    """Work for the executor that is free first."""

    id: UUID
    reply_to: str
    """Redis list that the asking process reads."""
    work: Annotated[Work, Field(discriminator="kind")]


class Ending(StrEnum):
    """How a run ended."""

    EXITED = "exited"
    SIGNALLED = "signalled"
    COMPILE_ERROR = "compile_error"
    TIME_LIMIT_EXCEEDED = "time_limit_exceeded"
    MEMORY_LIMIT_EXCEEDED = "memory_limit_exceeded"
    OUTPUT_LIMIT_EXCEEDED = "output_limit_exceeded"


class CellResult(Contract):
    """What one cell of a notebook has shown."""

    stdout: str
    stderr: str
    display: tuple[dict[str, JsonValue], ...]
    """Of each thing displayed its forms, by MIME type."""
    error: tuple[dict[str, JsonValue], ...]
    """The exception that ended it, if one did: `ename`, `evalue` and `traceback`."""


class RunResult(Contract):
    """What a run did."""

    ending: Ending
    exit_code: int | None = None
    """Only of one that exited."""
    signal: int | None = None
    """Only of one that a signal ended."""
    stdout: str = ""
    """Up to the output limit; what is no UTF-8 is replaced."""
    stderr: str = ""
    """Its first and its last 4 KiB, with a mark where something is left out between them."""
    error: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)] = ""
    """The compiler's message, or which limit was met."""
    is_started: bool = True
    """Whether it came to be run; otherwise the ending is the compiler's."""
    cells: tuple[CellResult, ...] | None = None
    """What each cell of a notebook has shown; absent unless all of them have run."""
    files: dict[str, str] = Field(default_factory=dict)
    """Those taken from it, in base 64; left out is what was no file, or beyond 32 MiB."""
    usage: Usage = Field(default_factory=Usage)
    """Of the run, without compiling."""
    compile_seconds: float = Field(0.0, ge=0)
    """Wall time of the compiler; 0 for Python, which compiles in the run."""
    sandbox: str


class Survey(Contract):
    """The languages that an executor offers, each with its version."""

    versions: dict[Language, str]


class Unanswered(Contract):
    """Why a piece of work has no answer; never a program's own fault."""

    reason: Annotated[str, Field(max_length=MAX_DETAIL_CHARACTERS)]
    code: str = ""
    """Of the error, where it is one of those that are listed."""
    permanent: bool = False
    """Whether no program can be judged by these tests, as with test code that does not compile."""


Answer = Verdict | RunResult | Survey | Unanswered


class InlineReply(Contract):
    """An executor's answers, in the order of the programs."""

    id: UUID
    answers: tuple[Answer, ...]


def _state_its_one_suite(schema: JsonDict) -> None:
    """Say in JSON Schema that what a stored problem has is not given beside it."""
    properties = cast("dict[str, JsonDict]", schema["properties"])
    own = ("entry_point", "language", "image", "prelude")
    absent: JsonDict = {name: {"enum": [properties[name].get("default")]} for name in own}
    limits: JsonDict = {"enum": [{}, Limits().model_dump(mode="json")]}
    schema["if"] = {"required": ["problem"], "properties": {"problem": {"type": "string"}}}
    schema["then"] = {"properties": {"tests": {"maxItems": 0}, "limits": limits, **absent}}
    schema["else"] = {"required": ["tests"], "properties": {"tests": {"minItems": 1}}}


class ExecuteRequest(Contract):
    """Programs to be labelled while the caller waits, by a stored problem's tests or by these."""

    model_config = ConfigDict(json_schema_extra=_state_its_one_suite)

    problem: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    """A stored problem: its slug, or its id."""
    tests: tuple[TestCase, ...] = Field((), max_length=MAX_TESTS)
    entry_point: DottedName | None = None
    language: ProgramLanguage = Language.PYTHON
    image: ImageName = STANDARD_IMAGE
    """Packages that tests and programs may import beside the standard library."""
    prelude: Text = ""
    """Python that the tests' own authors run before a program, in its namespace."""
    limits: Limits = Field(default_factory=Limits)
    programs: tuple[ProgramText, ...] = Field(min_length=1, max_length=MAX_PROGRAMS)
    wait_seconds: StrictFloat = Field(60.0, gt=0, le=MAX_WAIT_SECONDS)
    """When to answer at the latest; programs that are not labelled by then have no label."""

    @model_validator(mode="after")
    def _has_one_suite(self) -> Self:
        own = self.tests or self.entry_point or self.image != STANDARD_IMAGE
        own = own or self.prelude or self.language is not Language.PYTHON
        if self.problem is not None:
            if own or self.limits != Limits():
                raise ValueError(
                    "a stored `problem` has its own tests, language, image, prelude and limits"
                )
            return self
        if not self.tests:
            raise ValueError("name a stored `problem`, or give `tests`")
        check_image(self.image, self.language)
        check_tests(self.tests, self.language, self.entry_point)
        return self


class ExecuteResult(Contract):
    """What became of one program."""

    label: Label | None
    pass_fraction: float | None
    """Passed tests over all tests."""
    verdict: Verdict | None
    reason: str = ""
    """Why there is no label: it was not finished in time, or the executor or a checker failed."""


class ExecuteResponse(Contract):
    """What became of every program, in the order of the request."""

    results: tuple[ExecuteResult, ...]
