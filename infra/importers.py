"""Reads problems and candidates from the files people have: one record at a time.

Problems: records of published data sets and our own `Problem`s, told apart by their fields, as
JSON lines, a JSON array or Parquet; or a folder of exercises, or Python files with doctests.
Candidates: `task_id` with a whole program (`program`, or `solution` as EvalPlus calls it), or with
a `completion` (`generation` in HumanEval-X), which is put where the problem wants it.
"""

import contextlib
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError

from infra import contests, errors, strict_json
from infra.composing import Asked, composed
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Problem, Slug
from infra.forms import folders, mbpp, parquet, table

MAX_LINE_BYTES = 16 * 2**20
"""Longest line that is read."""
MAX_ARRAY_BYTES = 256 * 2**20
"""Longest file that is one JSON value, unpacked; it is read at once."""
_WHOLE: Final = ("program", "solution")
_COMPLETIONS: Final = ("completion", "generation")
_START_BYTES: Final = 64
_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_CANDIDATE_FIELDS = frozenset(
    {"task_id", "program", "completion", "author", "model", "finish_reason", "seed"}
)


class BadLine(NamedTuple):
    """A line, row or file that could not be used, and why."""

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
    return mbpp.slug_of(task_id)


def read_problems(path: Path) -> Iterator[Problem | BadLine]:
    """Read a file of problems, plain or gzipped, or a folder.

    Raises:
        errors.InvalidInput: it cannot be read.
    """
    rows_of: dict[str, int] = {}
    for number, found in _read_problems(path):
        if isinstance(found, Problem) and found.metadata.get("source") == "ODEX":
            # It has several rows for some questions, all with the question's number.
            row = rows_of[found.slug] = rows_of.get(found.slug, 0) + 1
            if row > 1:
                found = found.model_copy(update={"slug": f"{found.slug}-{row}"})
        yield BadLine(number, found) if isinstance(found, str) else found


def _read_problems(path: Path) -> Iterator[tuple[int, Problem | str]]:
    """Yield problems, or why there is none."""
    if path.is_dir() or path.suffix == ".py":
        for number, entry in enumerate(folders.entries(path), 1):
            found = _tried(entry.to_problem)
            yield number, f"{entry.name}: {found}" if isinstance(found, str) else found
        return
    for number, record in read_records(path):
        if isinstance(record, BadLine):
            yield number, record.reason
        else:
            yield number, _tried(partial(to_problem, record))


def _tried(make: Callable[[], Problem]) -> Problem | str:
    try:
        return make()
    except (ValidationError, errors.InvalidInput) as error:
        return _reason(error)


def to_problem(record: dict[str, Any]) -> Problem:
    """Make a problem of one record.

    Raises:
        errors.InvalidInput: it has the fields of no known form, or is in another language.
        pydantic.ValidationError: a field is wrong.
    """
    return table.to_problem(record)


def tests_left_out(problem: Problem) -> int:
    """Count the tests of a record that its problem lacks: an executor does not take them."""
    count = problem.metadata.get(contests.LEFT_OUT, 0)
    return count if isinstance(count, int) else 0


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
    field = _field_of(record)
    is_completion = field in _COMPLETIONS
    text = record[field]
    return CandidateRecord(
        number=number,
        slug=_slug(record["task_id"]),
        candidate=NewCandidate(
            author=record.get("author", Author.STUDENT),
            program=text,
            model=record.get("model", ""),
            completion=text if is_completion else None,
            finish_reason=record.get("finish_reason"),
            seed=record.get("seed"),
            metadata={key: record[key] for key in record.keys() - _CANDIDATE_FIELDS - {field}},
        ),
        is_completion=is_completion,
    )


def _slug(task_id: object) -> str:
    if isinstance(task_id, str | int) and not isinstance(task_id, bool):
        with contextlib.suppress(ValidationError):
            return _SLUG.validate_python(slug_of(task_id))
    raise errors.InvalidInput(f"task_id: no problem can have the name {repr(task_id)[:100]}")


def _field_of(record: dict[str, Any]) -> str:
    field = next((name for name in (*_WHOLE, *_COMPLETIONS) if name in record), None)
    if field is None or "task_id" not in record:
        raise errors.InvalidInput("not a candidate: expected task_id and program or completion")
    return field


def program_of(record: dict[str, Any], problem: Asked) -> str:
    """Return the whole program of a candidate's record.

    Raises:
        errors.InvalidInput: it has none, or too long a one.
    """
    field = _field_of(record)
    text = record[field]
    if not isinstance(text, str):
        raise errors.InvalidInput(f"the {field} must be a string")
    if field in _COMPLETIONS:
        return composed(problem, text)
    if len(text) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(f"the program has more than {MAX_SOURCE_CHARACTERS} characters")
    return text


def complete(record: CandidateRecord, problem: Asked) -> NewCandidate:
    """Return the candidate with its whole program.

    Raises:
        errors.InvalidInput: with the prompt it is longer than a program may be.
    """
    if not record.is_completion:
        return record.candidate
    program = composed(problem, record.candidate.program)
    return record.candidate.model_copy(update={"program": program})


def read_records(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Read the records of a file with the numbers of their lines or rows.

    The file has JSON lines, is one JSON array (or CoderEval's object of one), each plain or
    gzipped, or is Parquet.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    try:
        with path.open("rb") as raw:
            start = raw.read(4)
            raw.seek(0)
            if start == parquet.MAGIC:
                yield from enumerate(parquet.rows(path), 1)
                return
            gzipped = start.startswith(b"\x1f\x8b")
            # Both can be looked into without being read.
            stream = gzip.GzipFile(fileobj=raw) if gzipped else raw
            yield from _array(stream, path) if _is_array(stream) else _lines(stream)
    except (OSError, EOFError, zlib.error) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from error


Stream = io.BufferedReader | gzip.GzipFile


def _is_array(stream: Stream) -> bool:
    start = stream.peek(_START_BYTES)[:_START_BYTES].lstrip()
    return start.startswith(b"[") or re.match(rb'\{\s*"RECORDS"\s*:', start) is not None


def _array(stream: Stream, path: Path) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    text = stream.read(MAX_ARRAY_BYTES + 1)
    if len(text) > MAX_ARRAY_BYTES:
        raise errors.InvalidInput(
            f"cannot read {path}: it is one array of over {MAX_ARRAY_BYTES} bytes"
        )
    try:
        found = strict_json.loads(text)
    except (ValueError, RecursionError) as error:
        raise errors.InvalidInput(f"cannot read {path}: not a JSON array: {error}") from None
    rows = found if isinstance(found, list) else found["RECORDS"]
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
        yield number, row if isinstance(row, dict) else BadLine(number, "not a JSON object")


def _lines(stream: Stream) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES and not line.endswith(b"\n"):
            _skip_line(stream)
            yield number, BadLine(number, f"longer than {MAX_LINE_BYTES} bytes")
        elif line.strip():
            yield number, _decode(line, number)


def _skip_line(stream: Stream) -> None:
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
