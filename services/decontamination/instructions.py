"""Reads the records of training data, whatever their form: what is asked, and what answers it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from infra import errors
from infra.contracts.problems import Problem
from infra.records import importers
from infra.records.record_files import BadLine
from sampler.evolution.probes import functions_of
from sampler.extraction.program import extract
from sampler.extraction.syntax import tree_of

_TASKS = ("instruction", "prompt", "text", "question", "query", "problem")
_ANSWERS = (
    *("output", "response", "completion", "answer", "generation", "chosen"),
    *("program", "solution", "code", "canonical_solution"),
)
_SAID = {"content": "role", "value": "from"}
"""Fields of a message that hold its text, and who says it."""
_LISTS = ("responses", "messages", "conversations")


class Record(NamedTuple):
    """One record of training data."""

    number: int
    """Of its line or row."""
    name: str
    task: str
    """What is asked, in words; of a bare answer, the answer."""
    text: str
    """All that it says, programs included."""
    programs: tuple[str, ...] = ()
    problem: Problem | None = None
    """If it is one, with tests."""
    row: Mapping[str, Any] | None = None
    """As it stands in the file."""


def read(path: Path) -> Iterator[Record | BadLine]:
    """Read problems of any form, instructions with answers, conversations or ranked groups.

    Raises:
        errors.InvalidInput: the file cannot be read.
    """
    if path.is_dir() or path.suffix == ".py":
        for number, item in enumerate(importers.read_problems(path), 1):
            yield of_problem(number, item) if isinstance(item, Problem) else item
        return
    for number, row in importers.read_records(path):
        yield row if isinstance(row, BadLine) else _record(number, row)


def of_problem(number: int, problem: Problem, row: Mapping[str, Any] | None = None) -> Record:
    """Return the record of a problem."""
    reference = problem.reference_program or ""
    return Record(
        number=number,
        name=problem.slug,
        task=problem.prompt,
        text=f"{problem.prompt}\n{reference}",
        programs=(reference,) if reference else (),
        problem=problem,
        row=row,
    )


def _record(number: int, row: Mapping[str, Any]) -> Record | BadLine:
    try:
        return of_problem(number, importers.to_problem(dict(row)), row)
    except (ValidationError, errors.InvalidInput):
        pass  # No problem with tests: most training data is none.
    tasks = [row[name] for name in _TASKS if isinstance(row.get(name), str)]
    answers = [row[name] for name in _ANSWERS if isinstance(row.get(name), str)]
    for name in _LISTS:
        for part in row[name] if isinstance(row.get(name), list) else ():
            said, is_answer = _part(part)
            (answers if is_answer else tasks).append(said)
    if isinstance(row.get("input"), str):
        tasks.append(row["input"])
    tasks, answers = ([text for text in texts if text.strip()] for texts in (tasks, answers))
    if not tasks and not answers:
        fields = ", ".join((*_TASKS[:3], "messages", *_ANSWERS[:3]))
        return BadLine(number, f"no text in it: expected one of {fields}, ...")
    name = next((str(row[key]) for key in ("task_id", "id", "slug", "name") if key in row), "")
    return Record(
        number=number,
        name=name or f"line {number}",
        task="\n\n".join(tasks or answers),
        text="\n\n".join((*tasks, *answers)),
        programs=tuple(_programs(tasks, answers)),
        row=row,
    )


def _part(part: Any) -> tuple[str, bool]:
    """Return one text of a list, and whether it is an answer."""
    if not isinstance(part, dict):
        return (part, True) if isinstance(part, str) else ("", True)
    if isinstance(part.get("program"), str):
        return part["program"], True
    for text, who in _SAID.items():
        if isinstance(part.get(text), str):
            return part[text], part.get(who) in ("assistant", "gpt", "model")
    return "", True


def _programs(tasks: list[str], answers: list[str]) -> Iterator[str]:
    for answer in answers:
        yield extract("", answer, None).program
        # A completion goes on where its prompt ends.
        for task in tasks:
            if tree_of(answer) is None and tree_of(task + answer) is not None:
                yield task + answer
    yield from filter(functions_of, tasks)


def read_seeds(path: Path) -> list[str]:
    """Read seed instructions: CodeAlpaca's records, problems of any form, or lines with `prompt`.

    Raises:
        errors.InvalidInput: the file cannot be read, or a line holds no instruction.
    """
    return [_seed(path, number, record) for number, record in importers.read_records(path)]


def _seed(path: Path, number: int, record: Mapping[str, Any] | BadLine) -> str:
    if isinstance(record, BadLine):
        raise errors.InvalidInput(f"{path}, line {number}: {record.reason}")
    for field in ("instruction", "prompt", "text"):
        if isinstance(record.get(field), str):
            more = record.get("input")
            return "\n\n".join(part for part in (record[field], more) if part)
    raise errors.InvalidInput(
        f"{path}, line {number}: expected `instruction`, `prompt` or `text` with a task"
    )
