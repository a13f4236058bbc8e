"""Candidates in the forms that tools of others write them in, brought into our own.

Our own is an object with `task_id` and a `program` (all of it), a `completion` (put where the
problem wants it) or an `answer` (a model's text, of which the program is a part).
"""

import re
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors
from infra.forms.python.mbpp import slug_of
from infra.records import batch_answers, ranked_files
from infra.records.record_files import BadLine, read_rows

Record = dict[str, Any]


class Written(StrEnum):
    """What a candidate's text is, and the field that it stands in."""

    PROGRAM = "program"
    COMPLETION = "completion"
    ANSWER = "answer"


class Names(NamedTuple):
    """The problems that candidates may belong to."""

    has: Callable[[str], bool]
    """Tells whether there is one of this name."""
    ordered: Sequence[str] = ()
    """All of them, in the order of their file: the only names that some files have."""


NO_NAMES: Final = Names(lambda name: False)
EXAMPLE: Final = (
    '{"task_id": "HumanEval/0", "completion": "    return 1\\n"} or'
    ' {"task_id": "HumanEval/0", "program": "def f():\\n    return 1\\n"}'
)
_FIELDS: Final = {
    "program": Written.PROGRAM,
    "solution": Written.PROGRAM,
    "completion": Written.COMPLETION,
    "generation": Written.COMPLETION,
    "answer": Written.ANSWER,
}
"""The first that a record has is its text; EvalPlus has `solution`, HumanEval-X `generation`."""
_LISTS: Final = {
    "code_list": Written.PROGRAM,
    "all_samples": Written.PROGRAM,
    "programs": Written.PROGRAM,
    "solutions": Written.PROGRAM,
    "completions": Written.COMPLETION,
    "generations": Written.COMPLETION,
    "output_list": Written.ANSWER,
}
"""Several candidates in one record; LiveCodeBench has the text of each beside its `code_list`."""
_MBPP_TEST: Final = [f"MBPP/{number}" for number in range(11, 511)]
"""The split of MBPP whose programs bigcode's harness writes."""
_NUMBERED: Final = re.compile(r"^(.+?)[#:@/_-](?:sample[_-]?|n|s|k)?\d+$")


def read(path: Path, names: Names) -> Iterator[tuple[int, Record | BadLine]]:
    """Read the candidates of a file or folder in our own form, with their lines or rows.

    Raises:
        errors.InvalidInput: it cannot be read; or its candidates have places and no names, and
            there is no such order.
    """
    data = ranked_files.exported(path)
    if path.is_dir() and data is None:
        yield from _folder(path, names)
        return
    places: list[tuple[int, list[Any]]] = []
    for number, row in read_rows(data or path):
        if isinstance(row, BadLine):
            yield number, row
            continue
        if isinstance(row, list) and all(isinstance(text, str) for text in row):
            places.append((number, row))
            continue
        try:
            for record in _records(row, names):
                yield number, record
        except errors.InvalidInput as error:
            yield number, BadLine(number, error.detail)
    if places:
        yield from _by_place(places, names, path)


def written(record: Record) -> Written:
    """Tell what the text of a candidate in our own form is.

    Raises:
        errors.InvalidInput: it has none, or one that is no text.
    """
    for kind in Written:
        if kind in record:
            if not isinstance(record[kind], str):
                raise errors.InvalidInput(f"the {kind} must be a string")
            return kind
    raise _unknown(record)


def single(record: Record) -> Record:
    """Return a record of one candidate in our own form.

    Raises:
        errors.InvalidInput: it is none, or has several.
    """
    field = next((name for name in _FIELDS if name in record), None)
    if field is None or "task_id" not in record:
        raise _unknown(record)
    return _with_text(record, field, _FIELDS[field], record[field])


def _records(row: Any, names: Names) -> Iterator[Record]:
    """Return the candidates of one row.

    Raises:
        errors.InvalidInput: it has none that is understood.
    """
    if not isinstance(row, dict):
        raise _unknown(row)
    if isinstance(row.get("eval"), dict):
        yield from _results(row["eval"])
    elif ranked_files.is_ranked(row):
        yield from ranked_files.candidates_of(row)
    elif "custom_id" in row:
        for answer in batch_answers.answers(row):
            yield {**answer, "task_id": _numbered(answer["task_id"], names)}
    elif "task_id" in row or "question_id" in row:
        yield from _of_problem(row, names)
    elif row and all(map(names.has, map(slug_of, row))):
        for name, texts in row.items():
            yield from _several({"task_id": name}, Written.PROGRAM, texts, name)
    else:
        raise _unknown(row)


def _of_problem(row: Record, names: Names) -> Iterator[Record]:
    """Return the candidates of a row that names its problem: one, or as many as it lists."""
    row = {"task_id": _name(row, names), **{k: v for k, v in row.items() if k != "question_id"}}
    for fields in (_FIELDS, _LISTS):
        for field, kind in fields.items():
            if field in row:
                yield from _several(row, kind, row[field], field)
                return
    raise _unknown(row)


def _name(row: Record, names: Names) -> Any:
    if "task_id" in row:
        return row["task_id"]
    name = str(row["question_id"])
    return name if names.has(name) else f"LiveCodeBench/{name}"


def _several(row: Record, kind: Written, texts: Any, field: str) -> Iterator[Record]:
    if isinstance(texts, str):
        yield _with_text(row, field, kind, texts)
        return
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise errors.InvalidInput(f"the {field} must be a string, or a list of strings")
    for text in texts:
        yield _with_text(row, field, kind, text)


def _with_text(row: Record, field: str, kind: Written, text: Any) -> Record:
    rest = {key: value for key, value in row.items() if key != field and key not in _LISTS}
    return {**rest, kind.value: text}


def _results(found: Record) -> Iterator[Record]:
    """Return the candidates of results of EvalPlus or BigCodeBench, without the results."""
    for name, entries in found.items():
        if not isinstance(entries, list) or not all(
            isinstance(entry, dict) and isinstance(entry.get("solution"), str) for entry in entries
        ):
            raise errors.InvalidInput(
                f"the results of {name} have no `solution`: they are of an early release, which"
                " kept no programs; give the samples that it judged"
            )
        for entry in entries:
            yield {"task_id": name, "program": entry["solution"]}


def _numbered(name: str, names: Names) -> str:
    """Return a problem's name without the number of a sample that makes it unique in a batch."""
    found = _NUMBERED.match(name)
    if found is None or names.has(slug_of(name)):
        return name
    # Without problems to look at, only a mark that no data set has in its names.
    sure = names.has(slug_of(found[1])) or re.search(r"[#@:]", name[len(found[1]) :])
    return found[1] if sure else name


def _by_place(
    rows: Sequence[tuple[int, list[Any]]], names: Names, path: Path
) -> Iterator[tuple[int, Record]]:
    """Name lists of programs, as bigcode's harness writes them, by the order of the problems.

    Raises:
        errors.InvalidInput: there is no order, or not as many problems as lists.
    """
    ordered = names.ordered
    if len(rows) == len(_MBPP_TEST) and set(_MBPP_TEST) <= set(ordered):
        ordered = _MBPP_TEST
    if len(rows) != len(ordered):
        known = f"{len(ordered)} problems" if ordered else "no file of problems"
        raise errors.InvalidInput(
            f"{path} has {len(rows)} lists of programs without names, which belong to problems by"
            f" their order, and there are {known}; give a file of the same problems in the same"
            f" order, or name each: {EXAMPLE}"
        )
    for (number, texts), name in zip(rows, ordered, strict=True):
        for record in _several({"task_id": name}, Written.PROGRAM, texts, name):
            yield number, record


def _folder(path: Path, names: Names) -> Iterator[tuple[int, Record | BadLine]]:
    """Read a folder of programs, one folder for each problem, as EvalPlus writes them."""
    files = sorted(
        (file for file in path.glob("*/*") if file.is_file()),
        key=lambda file: (file.parent.name, len(file.name), file.name),
    )
    if not files:
        raise errors.InvalidInput(
            f"cannot read {path}: a folder of candidates has one folder for each problem, and in it"
            " one file for each program: HumanEval_0/0.py"
        )
    for number, file in enumerate(files, 1):
        folder = file.parent.name
        name = folder if names.has(slug_of(folder)) else folder.replace("_", "/", 1)
        try:
            yield number, {"task_id": name, "program": file.read_text("utf-8")}
        except (OSError, ValueError) as error:
            yield number, BadLine(number, f"{file}: {error}")


def _unknown(row: Any) -> errors.InvalidInput:
    has = f"the fields {', '.join(sorted(row))}" if isinstance(row, dict) else type(row).__name__
    return errors.InvalidInput(f"not a candidate: it has {has}; expected for example {EXAMPLE}")
