"""What all messages share: immutability, strictness, and the closed sets they draw from."""

from enum import StrEnum
from typing import Annotated, cast
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.config import JsonDict
from uuid_utils.compat import uuid7

__all__ = [
    "NOTEBOOK_IMAGE",
    "NUMBER",
    "STANDARD_IMAGE",
    "Author",
    "BatchState",
    "CallState",
    "CandidateState",
    "CheckState",
    "Contract",
    "GroupState",
    "ImageName",
    "Integrity",
    "IntegrityRule",
    "JsonValue",
    "Label",
    "Language",
    "Outcome",
    "Pairing",
    "Priority",
    "ProgramLanguage",
    "SampleState",
    "SkipReason",
    "Unguarded",
    "Whole",
    "check_image",
    "language_alone",
    "new_id",
    "state_keys",
]


class Contract(BaseModel):
    """Base of every message: immutable, and strict about unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _number(value: object) -> object:
    if isinstance(value, bool | str):
        raise ValueError("a number is needed, and no boolean or text")
    return value


NUMBER = BeforeValidator(_number)
"""Refuses booleans and texts; behind the bounds of what may be null as well."""
Whole = Annotated[int, NUMBER]
"""A whole number of a request, which JSON may write as 1.0 or 1e9."""


def state_keys(schema: JsonDict) -> None:
    """Say in the JSON Schema of a mapping that keys must fit, which pydantic leaves open there."""
    ((pattern, value),) = cast("JsonDict", schema.pop("patternProperties")).items()
    names = cast("JsonDict", schema.get("propertyNames", {}))
    schema["propertyNames"] = {**names, "pattern": pattern}
    schema["additionalProperties"] = value


def new_id() -> UUID:
    """Make a UUIDv7: unique, and ordered by time of creation."""
    return uuid7()


class Author(StrEnum):
    """Who wrote a candidate."""

    TEACHER = "teacher"
    STUDENT = "student"


class Language(StrEnum):
    """The language a candidate is written in."""

    PYTHON = "python"
    """With the standard library and what the problem's image adds."""
    C = "c"
    CPP = "cpp"
    RUST = "rust"
    GO = "go"
    JAVA = "java"
    JAVASCRIPT = "javascript"
    BASH = "bash"
    TYPESCRIPT = "typescript"
    PHP = "php"
    RUBY = "ruby"
    PERL = "perl"
    LUA = "lua"
    HASKELL = "haskell"
    KOTLIN = "kotlin"
    R = "r"
    SCALA = "scala"
    D = "d"
    RACKET = "racket"
    CSHARP = "csharp"
    VERILOG = "verilog"


def language_alone(value: object) -> object:
    """Return what names a language.

    Raises:
        ValueError: it names one with packages, which are an image's.
    """
    if value == "python_numpy":
        raise ValueError(f'{value} is no language; use "language": "python", "image": "numpy"')
    return value


ProgramLanguage = Annotated[Language, BeforeValidator(language_alone)]
"""A language as somebody names it; packages are no part of it."""
STANDARD_IMAGE = "std"
"""The image that adds nothing to the standard library."""
NOTEBOOK_IMAGE = "notebook"
"""The image of the suite that has a kernel for notebooks."""
ImageName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=50)]
"""Name of a set of Python packages."""


def check_image(image: str, language: Language) -> None:
    """Check that programs of a language can have an image.

    Raises:
        ValueError: it is not Python, and the image adds packages.
    """
    if image != STANDARD_IMAGE and language is not Language.PYTHON:
        raise ValueError(f"image {image!r}: a problem in {language} has no Python packages")


class Outcome(StrEnum):
    """What became of one test."""

    PASSED = "passed"
    WRONG_ANSWER = "wrong_answer"
    RUNTIME_ERROR = "runtime_error"
    TIME_LIMIT_EXCEEDED = "time_limit_exceeded"
    MEMORY_LIMIT_EXCEEDED = "memory_limit_exceeded"
    OUTPUT_LIMIT_EXCEEDED = "output_limit_exceeded"
    NOT_RUN = "not_run"


class Label(StrEnum):
    """What became of one candidate, worst to best (PanGu-Coder2, section 3.4, step 2)."""

    COMPILE_ERROR = "compile_error"
    RUNTIME_ERROR = "runtime_error"
    PARTIAL_PASS = "partial_pass"  # noqa: S105 - a label, no password
    ALL_PASS = "all_pass"  # noqa: S105 - a label, no password


class Integrity(StrEnum):
    """Whether the candidate shared a process with the code that judged it."""

    ISOLATED = "isolated"
    SHARED = "shared"


class IntegrityRule(StrEnum):
    """Where the tests of a problem may run; decided before any candidate is there."""

    AUTO = "auto"
    """Apart where they only call and compare, and the reference program passes so; else shared."""
    ISOLATED = "isolated"
    SHARED = "shared"


class Unguarded(StrEnum):
    """Why nothing guards shared tests against a program that forges what becomes of them."""

    NO_REFERENCE = "no_reference"
    """There is no reference program that would show which changed tests must fail."""
    ORDER = "order"
    """What the tests do depends on their order, or no change of them fails the reference."""
    NO_CHANGE = "no_change"
    """No change of what a test expects fails the reference program."""
    UNREADABLE = "unreadable"
    """The test code could not be read and written anew."""
    PLUGINS = "plugins"
    """A plug-in of the suite, such as its `conftest.py`, says itself what becomes of tests."""
    TIME = "time"
    """The tests take so long that there is no time for changed ones beside them."""


class Pairing(StrEnum):
    """Which candidates of a group are paired."""

    TEACHER = "teacher"
    """A teacher's with a student's, where the teacher did as well or better."""
    ALL = "all"
    """Every two of which one did better, whoever wrote them: improvement without a teacher."""


class Priority(StrEnum):
    """How soon a group is executed: before everything else, or with the rest."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


class CandidateState(StrEnum):
    """Where a candidate stands: waiting for a label, labelled, or set aside as poison."""

    SUBMITTED = "submitted"
    LABELLED = "labelled"
    QUARANTINED = "quarantined"


class CheckState(StrEnum):
    """What is known of a problem's tests."""

    PENDING = "pending"
    """No executor has checked them yet, or once more; what was found before holds meanwhile."""
    SOUND = "sound"
    UNSOUND = "unsound"
    """No candidate would be judged rightly by them, so none is judged."""
    QUARANTINED = "quarantined"
    """No executor has finished the check; what was found before holds all the same."""


class SampleState(StrEnum):
    """Where a request for samples stands."""

    SUBMITTED = "submitted"
    COMPLETED = "completed"
    QUARANTINED = "quarantined"


class CallState(StrEnum):
    """Where a request to a model server stands."""

    SENT = "sent"
    """Under way, or its process died; it may have to be paid."""
    COMPLETED = "completed"
    REFUSED = "refused"
    """The server answered that it would not, which costs nothing."""
    LOST = "lost"
    """No usable answer came; it may have to be paid."""


class GroupState(StrEnum):
    """Where a group stands: waiting for samples or labels, or ranked."""

    OPEN = "open"
    RANKED = "ranked"


class BatchState(StrEnum):
    """Where a training batch stands."""

    READY = "ready"
    LEASED = "leased"
    COMPLETED = "completed"
    QUARANTINED = "quarantined"
    STALE = "stale"
    """Sampled from weights older than the trainer accepts; never trained."""


class SkipReason(StrEnum):
    """Why a ranked group gives no training data."""

    TOO_FEW_CANDIDATES = "too_few_candidates"
    NO_TEACHER = "no_teacher"
    NO_STUDENT = "no_student"
    TEACHER_BELOW_STUDENT = "teacher_below_student"
    NO_POSITIVE_GAP = "no_positive_gap"
    BEST_BELOW_MINIMUM = "best_below_minimum"
    BATCHED_BEFORE = "batched_before"
    """An earlier ranking of the group is in a training batch that a trainer has had."""
    UNSOUND_PROBLEM = "unsound_problem"
    """The problem's tests were found unsound after candidates had been judged by them."""
    SHARED_LABEL = "shared_label"
    """A label was given in one process with the tests, and batches are to have none of these."""
    WEAK_TESTS = "weak_tests"
    """The tests notice fewer mutants than batches ask for, or it was not measured how many."""
