"""Reads problems and candidates from the files people have: one record at a time.

Problems: records of published data sets and our own `Problem`s, told apart by their fields, as
JSON lines, a JSON array or Parquet; or a folder of exercises, or Python files with doctests.
Candidates: in the forms of `infra.records.samples`.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from infra import contests, errors
from infra.composing import Asked, composed
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Problem, Slug
from infra.forms import folders, table
from infra.forms.python import mbpp
from infra.records import samples
from infra.records.record_files import BadLine, read_rows
from infra.records.samples import NO_NAMES, Names, Written

NO_TESTS = "there are none, and nobody can be judged by none"
"""What is said of a problem without tests."""
_SLUG: TypeAdapter[str] = TypeAdapter(Slug)
_CANDIDATE_FIELDS = frozenset(
    {
        *("task_id", "program", "completion", "author", "model", "finish_reason", "seed"),
        *("policy_version", "sampled"),
    }
)


class CandidateRecord(NamedTuple):
    """A candidate on its way to a problem; the program may still lack the prompt."""

    number: int
    slug: str
    candidate: NewCandidate
    written: Written


def slug_of(task_id: object) -> str:
    """Name a problem as we do; a bare number is one of MBPP."""
    return mbpp.slug_of(task_id)


def read_problems(path: Path) -> Iterator[Problem | BadLine]:
    """Read a file of problems, plain or gzipped, or a folder.

    Raises:
        errors.InvalidInput: it cannot be read.
    """
    rows_of: dict[str, int] = {}
    line_of: dict[str, int] = {}
    for number, found in _read_problems(path):
        if isinstance(found, Problem) and found.metadata.get("source") == "ODEX":
            # It has several rows for some questions, all with the question's number.
            row = rows_of[found.slug] = rows_of.get(found.slug, 0) + 1
            if row > 1:
                found = found.model_copy(update={"slug": f"{found.slug}-{row}"})
        if (
            isinstance(found, Problem)
            and (first := line_of.setdefault(found.slug, number)) < number
        ):
            found = f"slug: {found.slug!r} is that of line {first} already"
        yield BadLine(number, found) if isinstance(found, str) else found


def every_problem(path: Path) -> list[Problem]:
    """Read a file of problems of which each must be usable.

    Raises:
        errors.InvalidInput: the file cannot be read, a line is no problem, one is there twice, or
            there is none.
    """
    found: dict[str, Problem] = {}
    for item in read_problems(path):
        if isinstance(item, BadLine):
            raise errors.InvalidInput(f"{path}, line {item.number}: {item.reason}")
        if item.slug in found:
            raise errors.InvalidInput(f"{path} has the problem {item.slug} twice")
        found[item.slug] = item
    if not found:
        raise errors.InvalidInput(f"{path} contains no problem")
    return list(found.values())


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
        return reason_of(error)


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


def read_candidates(path: Path, names: Names = NO_NAMES) -> Iterator[CandidateRecord | BadLine]:
    """Read candidates from a file, plain or gzipped, or a folder, in any known form.

    Raises:
        errors.InvalidInput: it cannot be read, or names no problems and `names` has no order.
    """
    for number, record in samples.read(path, names):
        if isinstance(record, BadLine):
            yield record
            continue
        try:
            yield _candidate(number, record)
        except (ValidationError, errors.InvalidInput) as error:
            yield BadLine(number, reason_of(error))


def _candidate(number: int, record: dict[str, Any]) -> CandidateRecord:
    written = samples.written(record)
    text = record[written]
    return CandidateRecord(
        number=number,
        slug=_slug(record["task_id"]),
        candidate=NewCandidate(
            author=record.get("author", Author.STUDENT),
            program=text,
            model=record.get("model", ""),
            completion=_completion(record, written),
            finish_reason=record.get("finish_reason"),
            seed=record.get("seed"),
            policy_version=record.get("policy_version"),
            sampled=record.get("sampled"),
            metadata={key: record[key] for key in record.keys() - _CANDIDATE_FIELDS - {written}},
        ),
        written=written,
    )


def _completion(record: dict[str, Any], written: Written) -> str | None:
    """Return what a model wrote: beside a program only where it is said how that was sampled."""
    if written is not Written.PROGRAM:
        return str(record[written])
    return record.get(Written.COMPLETION) if "sampled" in record else None


def _slug(task_id: object) -> str:
    if isinstance(task_id, str | int) and not isinstance(task_id, bool):
        with contextlib.suppress(ValidationError):
            return _SLUG.validate_python(slug_of(task_id))
    raise errors.InvalidInput(f"task_id: no problem can have the name {repr(task_id)[:100]}")


def program_of(record: dict[str, Any], problem: Asked) -> str:
    """Return the whole program of a candidate's record.

    Raises:
        errors.InvalidInput: it has none, or too long a one.
    """
    record = samples.single(record)
    written = samples.written(record)
    text = record[written]
    if written is Written.COMPLETION:
        return composed(problem, text)
    if written is Written.ANSWER:
        raise errors.InvalidInput(
            "take the program out of the answer: `sampler.extraction.program`"
        )
    if len(text) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(f"the program has more than {MAX_SOURCE_CHARACTERS} characters")
    return str(text)


def complete(record: CandidateRecord, problem: Asked) -> NewCandidate:
    """Return the candidate with its whole program, unless that is still in an answer.

    Raises:
        errors.InvalidInput: with the prompt it is longer than a program may be.
    """
    if record.written is not Written.COMPLETION:
        return record.candidate
    program = composed(problem, record.candidate.program)
    return record.candidate.model_copy(update={"program": program})


def read_records(path: Path) -> Iterator[tuple[int, dict[str, Any] | BadLine]]:
    """Read the records of a file with the numbers of their lines or rows.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    for number, row in read_rows(path):
        usable = isinstance(row, dict | BadLine)
        yield number, row if usable else BadLine(number, "not a JSON object")


def reason_of(error: ValidationError | errors.InvalidInput) -> str:
    """Say in a line why something became no problem."""
    if isinstance(error, errors.InvalidInput):
        return error.detail
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "too_short" and place in ("tests", "test_list"):
        return f"{place}: {NO_TESTS}"
    if first["type"] == "string_pattern_mismatch" and place == "slug":
        return (
            f"slug: {str(first['input'])[:100]!r} is no name: at most 200 of A-Z, a-z, 0-9 and"
            " . _ / -, beginning with a letter or a digit"
        )
    return f"{place}: {first['msg']}"
