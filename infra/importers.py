"""Reads problems and candidates from the files people have: pure, one line at a time.

Problems: records of HumanEval, MBPP and contests, and our own `Problem`s, told apart by their
fields.
Candidates: `{task_id, program}`, a whole program, or `{task_id, completion}`, HumanEval's sample
format, which is appended to the problem's prompt.
"""

import ast
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from pydantic import AliasChoices, BaseModel, Field, ValidationError

from infra import contests, errors, evalplus, strict_json
from infra.contracts.base import Author, Language
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, AssertTest, Problem

MAX_LINE_BYTES = 16 * 2**20
"""Longest line that is read."""
_CANDIDATE_FIELDS = frozenset(
    {"task_id", "program", "completion", "author", "model", "finish_reason", "seed"}
)


class BadLine(NamedTuple):
    """A line that could not be used, and why."""

    number: int
    reason: str


class CandidateRecord(NamedTuple):
    """A candidate on its way to a problem; the program may still lack the prompt."""

    number: int
    slug: str
    candidate: NewCandidate
    is_completion: bool


def slug_of(task_id: object) -> str:
    """Name a problem as we do; a bare number is one of MBPP."""
    text = str(task_id)
    return f"MBPP/{text}" if text.isdecimal() else text


def read_problems(path: Path) -> Iterator[Problem | BadLine]:
    """Read a file of problems, plain or gzipped.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    for number, record in read_records(path):
        if isinstance(record, BadLine):
            yield record
            continue
        try:
            yield to_problem(record)
        except (ValidationError, errors.InvalidInput) as error:
            yield BadLine(number, _reason(error))


def to_problem(record: dict[str, Any]) -> Problem:
    """Make a problem of one record.

    Raises:
        errors.InvalidInput: it has the fields of no known format.
        pydantic.ValidationError: a field is wrong.
    """
    if {"prompt", "test", "entry_point"} <= record.keys():
        return _human_eval(_HumanEval.model_validate(record))
    if "test_list" in record and {"text", "prompt"} & record.keys():
        return _mbpp(_Mbpp.model_validate(record))
    if {"slug", "tests"} <= record.keys():
        return Problem.model_validate(record)
    if (problem := contests.to_problem(record)) is not None:
        return problem
    raise errors.InvalidInput(
        "not a problem: expected the fields of HumanEval (prompt, test, entry_point), of MBPP"
        " (text, test_list), of APPS and TACO (question, input_output), of CodeContests"
        " (description, public_tests), of LiveCodeBench (question_content, public_test_cases) or"
        " our own (slug, tests)"
    )


def tests_left_out(problem: Problem) -> int:
    """Count the tests of a record that its problem lacks: an executor does not take them."""
    count = problem.metadata.get(contests.LEFT_OUT, 0)
    return count if isinstance(count, int) else 0


class _HumanEval(BaseModel):
    """A record of HumanEval, as far as it is used."""

    task_id: str
    prompt: str
    entry_point: str
    test: str
    canonical_solution: str | None = None


class _Mbpp(BaseModel):
    """A record of MBPP, as far as it is used; its sanitized edition calls `text` `prompt`."""

    task_id: int | str
    text: str = Field(validation_alias=AliasChoices("text", "prompt"))
    test_list: tuple[str, ...] = Field(min_length=1)
    code: str | None = None
    test_setup_code: str | None = None
    test_imports: tuple[str, ...] = ()
    challenge_test_list: tuple[str, ...] = ()
    test: str | None = None
    """All tests of EvalPlus's edition, in which `test_list` only shows what is asked."""


def _human_eval(record: _HumanEval) -> Problem:
    prompt, entry_point = record.prompt, record.entry_point
    solution = record.canonical_solution
    test = _helpers(prompt, entry_point) + evalplus.with_equal_shapes(record.test)
    return Problem(
        slug=record.task_id,
        prompt=prompt,
        entry_point=entry_point,
        tests=(AssertTest(source=test, check="check"),),
        language=_language(record.test),
        reference_program=None if solution is None else prompt + solution,
        metadata={"source": "HumanEval"},
    )


def _language(test: str) -> Language:
    """Return the Python that test code needs: EvalPlus's compares with numpy."""
    try:
        nodes = list(ast.walk(ast.parse(test)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Language.PYTHON
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    wants_numpy = any(name.partition(".")[0] == "numpy" for name in names)
    return Language.PYTHON_NUMPY if wants_numpy else Language.PYTHON


def _helpers(prompt: str, entry_point: str) -> str:
    """Return the functions a prompt defines beside the one it asks for.

    Three of HumanEval's tests call them. They belong to the test: taken from the candidate, they
    could be redefined until every assert holds.
    """
    try:
        tree = ast.parse(prompt)
    except SyntaxError:
        return ""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    helpers = [node for node in functions if node.name != entry_point and not _is_unfinished(node)]
    if not helpers:
        return ""
    imports = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    return "\n".join(ast.unparse(node) for node in (*imports, *helpers)) + "\n"


def _is_unfinished(node: ast.FunctionDef) -> bool:
    return len(node.body) == 1 and isinstance(node.body[0], ast.Expr)


def _mbpp(record: _Mbpp) -> Problem:
    asserts = [line.replace("\r\n", "\n") for line in record.test_list]
    setup = (record.test_setup_code or "").replace("\r\n", "\n")
    tests = [record.test.replace("\r\n", "\n")] if record.test else asserts
    source = "\n".join(part for part in (*record.test_imports, setup, *tests) if part)
    source = evalplus.with_equal_shapes(source)
    return Problem(
        slug=slug_of(record.task_id),
        prompt=record.text + "\nYour code should pass these tests:\n" + "\n".join(asserts) + "\n",
        entry_point=_called(asserts, record.code),
        tests=(AssertTest(source=source),),
        language=_language(source),
        reference_program=record.code,
        metadata={"source": "MBPP", "challenge_test_list": list(record.challenge_test_list)},
    )


def _called(asserts: list[str], code: str | None) -> str | None:
    """Find the function under test: called by the first assert, defined by the reference."""
    try:
        defined = {
            node.name
            for node in ast.parse(code or "").body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        calls = [
            node.func.id
            for node in ast.walk(ast.parse(asserts[0]))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
    except (SyntaxError, ValueError, IndexError):
        return None
    return next((name for name in calls if name in defined), None)


def read_candidates(path: Path) -> Iterator[CandidateRecord | BadLine]:
    """Read a file of candidates, plain or gzipped.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    for number, record in read_records(path):
        if isinstance(record, BadLine):
            yield record
            continue
        try:
            yield _candidate(number, record)
        except (ValidationError, errors.InvalidInput) as error:
            yield BadLine(number, _reason(error))


def _candidate(number: int, record: dict[str, Any]) -> CandidateRecord:
    if "task_id" not in record or not {"program", "completion"} & record.keys():
        raise errors.InvalidInput("not a candidate: expected task_id and program or completion")
    is_completion = "program" not in record
    text = record["completion"] if is_completion else record["program"]
    return CandidateRecord(
        number=number,
        slug=slug_of(record["task_id"]),
        candidate=NewCandidate(
            author=record.get("author", Author.STUDENT),
            program=text,
            model=record.get("model", ""),
            completion=text if is_completion else None,
            finish_reason=record.get("finish_reason"),
            seed=record.get("seed"),
            metadata={key: record[key] for key in record.keys() - _CANDIDATE_FIELDS},
        ),
        is_completion=is_completion,
    )


def program_of(record: dict[str, Any], prompt: str) -> str:
    """Return the whole program of a candidate's record.

    Raises:
        errors.InvalidInput: it has none, or too long a one.
    """
    if "program" in record:
        program = record["program"]
    elif "completion" in record:
        program = record["completion"]
    else:
        raise errors.InvalidInput("not a candidate: expected task_id and program or completion")
    if not isinstance(program, str):
        raise errors.InvalidInput("the program must be a string")
    program = program if "program" in record else prompt + program
    if len(program) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(f"the program has more than {MAX_SOURCE_CHARACTERS} characters")
    return program


def complete(record: CandidateRecord, prompt: str) -> NewCandidate:
    """Return the candidate with its whole program.

    Raises:
        errors.InvalidInput: with the prompt it is longer than a program may be.
    """
    if not record.is_completion:
        return record.candidate
    program = prompt + record.candidate.program
    if len(program) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(
            f"prompt and completion have more than {MAX_SOURCE_CHARACTERS} characters"
        )
    return record.candidate.model_copy(update={"program": program})


def read_records(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Read the JSON objects of a file, plain or gzipped, with the numbers of their lines.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            gzipped = raw.read(2) == b"\x1f\x8b"
            raw.seek(0)
            stream: BinaryIO | gzip.GzipFile = gzip.GzipFile(fileobj=raw) if gzipped else raw
            number = 0
            while line := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
                    _skip_line(stream)
                    yield number, BadLine(number, f"longer than {MAX_LINE_BYTES} bytes")
                elif line.strip():
                    yield number, _decode(line, number)
    except (OSError, EOFError, zlib.error) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from error


def _skip_line(stream: BinaryIO | gzip.GzipFile) -> None:
    while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
        pass


def _decode(line: bytes, number: int) -> dict[str, Any] | BadLine:
    try:
        record = strict_json.loads(line)
    except (ValueError, RecursionError) as error:
        return BadLine(number, f"not JSON: {error}")
    return record if isinstance(record, dict) else BadLine(number, "not a JSON object")


def _reason(error: ValidationError | errors.InvalidInput) -> str:
    if isinstance(error, errors.InvalidInput):
        return error.detail
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
