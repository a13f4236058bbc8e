"""Problems and their tests: what a candidate is asked and how it is judged."""

import base64
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    StrictFloat,
    WithJsonSchema,
    model_validator,
)

from infra.contracts import neutral
from infra.contracts.base import (
    STANDARD_IMAGE,
    Contract,
    ImageName,
    IntegrityRule,
    JsonValue,
    Language,
    ProgramLanguage,
    Whole,
    check_image,
    state_keys,
)
from infra.contracts.values import tagged
from infra.contracts.values.composites import NotPlain

MAX_SOURCE_CHARACTERS = 1_000_000
"""Longest program, test source, stdin or expected output accepted."""
MAX_TESTS = 1_000
"""Most tests one problem may have."""
MAX_FILES = 400
"""Most files one test may bring along."""
STRENGTH = "strength"
"""Key of a problem's metadata: the share of its reference's mutants that its tests notice."""
MAX_WALL_SECONDS = 150.0
"""Wall time after which nothing is known of a candidate, whose processes the machine has left
without a processor; this and a batch's time fit into one task."""


def _program_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")
    if len(value) > MAX_SOURCE_CHARACTERS:
        raise ValueError(f"must have at most {MAX_SOURCE_CHARACTERS} characters")
    return value


ProgramText = Annotated[
    str,
    PlainValidator(_program_text),
    WithJsonSchema({"type": "string", "maxLength": MAX_SOURCE_CHARACTERS}),
]
"""Text as a model wrote it: lone surrogates, which pydantic's own string refuses, are kept, so that
the program can be labelled `compile_error` rather than lost."""
Text = Annotated[str, Field(max_length=MAX_SOURCE_CHARACTERS)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$")]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
DottedName = Annotated[
    str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$", max_length=400)
]


def _is_none(value: object) -> bool:
    return value is None


def _below(path: str) -> str:
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise ValueError("must be the path of a file below a folder")
    return path


RelativePath = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_./-]+$", max_length=200), AfterValidator(_below)
]
"""Path of a file below some folder."""
ModulePath = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9_./-]+\.py$", max_length=200), AfterValidator(_below)
]
"""The same of a file of Python."""
Files = Annotated[dict[RelativePath, Text], Field(json_schema_extra=state_keys)]
"""Texts of files by their paths."""


def _base64(text: str) -> str:
    try:
        base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"is no base64: {error}") from None
    return text


Base64 = Annotated[str, Field(max_length=MAX_SOURCE_CHARACTERS), AfterValidator(_base64)]
DataFiles = Annotated[dict[RelativePath, Base64], Field(json_schema_extra=state_keys)]
"""Contents of files by their paths."""


REFERENCE_FACTOR: Final = 10.0
LEAST_CPU_SECONDS: Final = 0.2
"""Shortest CPU limit of a test that a reference program calibrates (ADR 45)."""
LEAST_CPU_SECONDS_WITH_PACKAGES: Final = 1.0
"""The same where an image has packages, of which some take most of a second to import."""
LEAST_IDLE_SECONDS: Final = 1.0
"""The same of its idle time, which a slow disk is part of."""


class Limits(Contract):
    """Caps for running one candidate."""

    cpu_seconds: StrictFloat = Field(4.0, gt=0, le=60)
    """CPU time of one test, over all its processes."""
    reference_factor: Annotated[StrictFloat, Field(ge=1, le=100)] | None = REFERENCE_FACTOR
    """If there is a reference program that passes, the CPU time of one test is this multiple of
    what that takes for its slowest one, at least 0.2 s (1 s where the image has packages) and at
    most `cpu_seconds`, and so is its idle time, at least a second; loading has this multiple of
    what that takes in all, at least a second. With null they are always the most."""
    idle_factor: StrictFloat = Field(3.0, ge=0.1, le=20)
    """Time in which one test neither runs nor waits for a processor, as a multiple of
    `cpu_seconds`."""
    total_cpu_seconds: StrictFloat = Field(20.0, gt=0, le=MAX_WALL_SECONDS / 2)
    """CPU time of one candidate over all tests; its idle time is `idle_factor` times that."""
    run_every_test: StrictBool = False
    """Whether a test has its whole time although one before it met its time limit; otherwise all
    tests after such a one share the time of one more; with a reference program that passes twice
    what that takes in all, at least a quarter of the least time of a test."""
    memory_bytes: Whole = Field(256 * 2**20, ge=32 * 2**20, le=8 * 2**30)
    """Memory of all the candidate's processes together, temporary files included."""
    output_bytes: Whole = Field(2**20, ge=1024, le=64 * 2**20)
    """Standard output (and, apart, standard error) of one test."""
    value_bytes: Whole = Field(64 * 2**20, ge=1024, le=64 * 2**20)
    """Encoded size of one value that a call returns."""
    file_bytes: Whole = Field(64 * 2**20, ge=0, le=2**30)
    """Temporary files of the candidate together, and the largest single file."""
    processes: Whole = Field(32, ge=4, le=1536)
    """Processes and threads of the candidate together."""

    @model_validator(mode="before")
    @classmethod
    def _name_what_took_its_place(cls, given: Any) -> Any:
        if isinstance(given, Mapping) and "wall_factor" in given:
            raise ValueError(
                "`wall_factor` is no limit any more: `idle_factor` bounds the time in which a"
                " program neither runs nor waits for a processor"
            )
        return given

    @model_validator(mode="after")
    def _fit_a_task(self) -> Self:
        seconds = self.total_cpu_seconds + self.total_idle_seconds
        if seconds > MAX_WALL_SECONDS:
            raise ValueError(
                f"total_cpu_seconds x (1 + idle_factor) is {seconds:g} s, and must be at most"
                f" {MAX_WALL_SECONDS:g} s"
            )
        return self

    @property
    def idle_seconds(self) -> float:
        """Idle time allowed for one test."""
        return self.cpu_seconds * self.idle_factor

    @property
    def total_idle_seconds(self) -> float:
        """Idle time allowed for one candidate."""
        return self.total_cpu_seconds * self.idle_factor


class ValueComparator(StrEnum):
    """How the value of a call is compared with the expected one."""

    EXACT = "exact"
    """Equal value of equal type, all the way down: `1`, `1.0` and `True` differ."""
    EQUAL = "equal"
    """Python's `==` on plain data: `1`, `1.0` and `True` are equal, a list is no tuple."""
    TOLERANCE = "tolerance"
    """Structure alike, lists equal tuples; where a float is expected, a number within a relative or
    absolute tolerance; where an integer is, one of exactly its value."""
    UNORDERED = "unordered"
    """The outermost sequence in any order, elements compared as `equal`."""
    CHECKER = "checker"
    """The test's own `checker` decides: `check(args, expected, actual)`."""


class TextComparator(StrEnum):
    """How standard output is compared with the expected text."""

    EXACT = "exact"
    """Equal to the last byte."""
    LINES = "lines"
    """Equal lines; trailing blanks of a line and trailing empty lines do not count."""
    TOKENS = "tokens"
    """Equal words; any run of white space separates."""
    TOLERANCE = "tolerance"
    """As `tokens`, but where a number with a fraction or an exponent is expected, a word may be one
    within a tolerance; where an integer is, a number of exactly its value (`2.0` for `2`)."""
    CHECKER = "checker"
    """The test's own `checker` decides: `check(stdin, expected, actual)`."""


class _Checked(Contract):
    """What tests share that may bring a program to compare answers with."""

    checker: Text | None = None
    """Python program for the comparator `checker`: defines `check`, which returns True or False. It
    runs in a jail of its own, within the problem's limits, and sees nothing but its arguments. One
    that does not compile, raises, meets a limit or returns anything else is the suite's fault: the
    candidate gets no label, so let it return False for an answer of any other form."""

    @model_validator(mode="after")
    def _has_its_checker(self) -> Self:
        if (getattr(self, "comparator", None) == "checker") != (self.checker is not None):
            raise ValueError("the comparator `checker` and a `checker` program go together")
        return self


def _require_kind(schema: dict[str, Any]) -> None:
    """Say in a schema what the union of tests asks for: only our own code may leave `kind` out."""
    del schema["properties"]["kind"]["default"]
    schema["required"] = ["kind", *schema.get("required", ())]


class CallTest(_Checked):
    """Call a function of the candidate; compare what it returns, outside its process."""

    model_config = ConfigDict(json_schema_extra=_require_kind)

    kind: Literal["call"] = "call"
    function: DottedName | None = None
    """Name to call, the problem's entry point if absent; `Class.method` makes an instance first."""
    args: tuple[JsonValue, ...] = ()
    """Positional arguments as tagged JSON (`{"$tuple": [1, 2]}` and the like)."""
    kwargs: dict[str, JsonValue] = Field(default_factory=dict)
    expected: JsonValue = None
    """Expected return value as tagged JSON."""
    comparator: ValueComparator = ValueComparator.EXACT
    tolerance: StrictFloat = Field(1e-6, ge=0, le=1)
    """Relative and absolute, for the comparator `tolerance`."""


class StdioTest(_Checked):
    """Run the candidate as a program; compare its standard output, outside its process."""

    model_config = ConfigDict(json_schema_extra=_require_kind)

    kind: Literal["stdio"] = "stdio"
    stdin: Text = ""
    expected_stdout: Text
    comparator: TextComparator = TextComparator.LINES
    tolerance: StrictFloat = Field(1e-6, ge=0, le=1)


class AssertTest(Contract):
    """Run test code against the candidate; each function that a framework finds is a test.

    So is each statement outside of these that asserts.
    """

    model_config = ConfigDict(json_schema_extra=_require_kind)

    kind: Literal["assert"] = "assert"
    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARACTERS)]
    """Python code; names it does not define itself are taken from the candidate."""
    check: Identifier | None = None
    """Function of `source` that is called with the entry point (HumanEval's `check`)."""
    module: DottedName | None = None
    """Module as which `source` imports the candidate; if absent, both are one module."""
    files: Files = Field(default_factory=dict, max_length=MAX_FILES)
    """What lies beside it in a `shared` run: data, further modules, a `conftest.py`, and what
    configures pytest (`pytest.ini`, `pyproject.toml`, `tox.ini`, `setup.cfg`)."""
    data_files: DataFiles | None = Field(None, exclude_if=_is_none, max_length=MAX_FILES)
    """What else lies beside it and is no text in UTF-8, each in base64."""
    path: ModulePath | None = Field(None, exclude_if=_is_none)
    """Where `source` lies among `files`, such as `tests/test_cart.py`; alone at their root if
    absent."""
    candidate_path: ModulePath | None = Field(None, exclude_if=_is_none)
    """Where the candidate lies among them, such as `src/shop/cart.py`; if absent, where `module` is
    one from their root. The folder from which it is that module is importable, as if the project
    were installed."""

    @model_validator(mode="after")
    def _lies_where_it_can(self) -> Self:
        paths = [path for path in (self.path, self.candidate_path) if path is not None]
        if len(set(paths)) < len(paths):
            raise ValueError("path, candidate_path: test code and candidate are two files")
        if self.path in self.files:
            raise ValueError(f"path: `{self.path}` is in `files` too")
        twice = (self.data_files or {}).keys() & {*self.files, *paths}
        if twice:
            raise ValueError(f"data_files: `{min(twice)}` is a text too")
        if self.candidate_path is None:
            return self
        if self.module is None:
            raise ValueError("candidate_path: needs the `module` as which the tests import it")
        inner = self.module.replace(".", "/")
        if not f"/{self.candidate_path}".endswith((f"/{inner}.py", f"/{inner}/__init__.py")):
            raise ValueError(
                f"candidate_path: `{self.candidate_path}` is no module `{self.module}`"
            )
        return self


class ProgramTest(Contract):
    """Compile test code in the problem's language with the candidate, and run both as one program.

    A run that comes to the end of the test code has passed; one that ends before, in any way, has
    not. Both are one file, the candidate first.
    """

    model_config = ConfigDict(json_schema_extra=_require_kind)

    kind: Literal["program"] = "program"
    source: Annotated[str, Field(min_length=1, max_length=MAX_SOURCE_CHARACTERS)]
    """What stands behind the candidate: a `main`, statements, or functions of a test framework."""
    before: Text = ""
    """What stands before it, such as the package and the imports of the tests."""
    files: Files = Field(default_factory=dict, max_length=MAX_FILES)
    """What else lies in the folder."""
    options: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9+=.,_-]+$", max_length=100)], ...] = ()
    """Words for the compiler behind our own, such as `-std=c++11`."""
    silent: StrictBool = False
    """Whether a run that writes anything has failed: its assertions write, and do not end it."""
    imports: tuple[Annotated[str, Field(pattern=r"^[a-z0-9/]+$", max_length=100)], ...] = Field(
        (), max_length=MAX_FILES
    )
    """Packages of Go that stand in no need of being imported: one that a program speaks of is
    imported for it, and an import that it makes no use of is left out."""
    calls: tuple[CallTest, ...] = Field((), max_length=MAX_TESTS)
    """All that `source` asks, as calls. If the reference program passes them, candidates are asked
    these instead, and nothing of the tests is in their process."""


TestCase = Annotated[CallTest | StdioTest | AssertTest | ProgramTest, Field(discriminator="kind")]


class Problem(Contract):
    """A prompt with the tests that judge an answer to it."""

    slug: Slug
    """Unique name, such as `HumanEval/0`."""
    prompt: Text
    """What the author of a candidate is shown."""
    tests: tuple[TestCase, ...] = Field(min_length=1, max_length=MAX_TESTS)
    entry_point: DottedName | None = None
    """Function that call and assert tests use."""
    language: ProgramLanguage = Language.PYTHON
    image: ImageName = STANDARD_IMAGE
    """Packages that tests and candidates may import beside the standard library."""
    limits: Limits = Field(default_factory=Limits)
    integrity: IntegrityRule = IntegrityRule.AUTO
    """Whether assert tests run apart from the candidate, or with it in one process."""
    prelude: Text = ""
    """Python that the tests' own authors run before a program, in its namespace."""
    reference_program: Text | None = None
    """A whole program known to pass; never sent to a candidate's process."""
    metadata: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _tests_fit(self) -> Self:
        check_image(self.image, self.language)
        check_tests(self.tests, self.language, self.entry_point)
        is_isolated = self.integrity is IntegrityRule.ISOLATED
        if is_isolated and any(test.kind == "program" and not test.calls for test in self.tests):
            raise ValueError("integrity: `program` tests are one process with the candidate")
        return self


def check_tests(tests: Sequence[TestCase], language: Language, entry_point: str | None) -> None:
    """Check that tests can be run for programs of a language.

    Raises:
        ValueError: naming the first one that cannot.
    """
    if sum(len(test.calls) for test in tests if test.kind == "program") > MAX_TESTS:
        raise ValueError(f"tests: there are more than {MAX_TESTS} calls in all")
    for position, test in enumerate(tests):
        kinds = _kinds(language)
        if test.kind not in kinds:
            known = " and ".join(f"`{kind}`" for kind in kinds)
            raise ValueError(f"tests[{position}]: a problem in {language} has {known} tests only")
        if test.kind == "call" and test.function is None and entry_point is None:
            raise ValueError(f"tests[{position}]: name a `function`, or give an `entry_point`")
        if test.kind == "assert" and test.check is not None and entry_point is None:
            raise ValueError(f"tests[{position}]: `check` needs the problem's `entry_point`")
        if test.kind == "program" and test.calls:
            if "call" not in kinds:
                raise ValueError(f"tests[{position}]: functions of {language} cannot be called")
            check_tests(test.calls, language, entry_point)
        if test.kind == "call":
            _check_values(test, f"tests[{position}]", language)


def _kinds(language: Language) -> tuple[str, ...]:
    if language is Language.PYTHON:
        return "call", "stdio", "assert"
    return ("call", "stdio", "program") if language in neutral.LANGUAGES else ("stdio", "program")


def _check_values(test: CallTest, where: str, language: Language) -> None:
    if language is not Language.PYTHON and test.kwargs:
        raise ValueError(f"{where}.kwargs: functions of {language} have no named arguments")
    given = [(f"args[{number}]", item) for number, item in enumerate(test.args)]
    given += [(f"kwargs.{name}", item) for name, item in test.kwargs.items()]
    for name, data in (*given, ("expected", test.expected)):
        try:
            value = tagged.decode(data)
            if language is not Language.PYTHON:
                neutral.written(value)
        except NotPlain as error:
            raise ValueError(f"{where}.{name}: no valid value: {error}") from None
