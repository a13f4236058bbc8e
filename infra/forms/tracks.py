"""Exercises of exercism's tracks beyond Python: their folders as problems.

Each has a file of tests that includes or imports the candidate's. All that is skipped at first, so
that a learner goes on step by step, is switched on.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infra import errors
from infra.composing import WHOLE
from infra.contracts.base import Language
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Limits, Problem
from infra.forms.track_tests import TESTS, Exercise, one_file, sources

_CONFIGURATION: Final = Path(".meta", "config.json")
_LIMITS: Final = Limits(
    cpu_seconds=37.5, total_cpu_seconds=37.5, memory_bytes=768 * 2**20, processes=1536
)
"""A whole suite is one test; some have a thousand threads, and some take many seconds."""
TRACKS: Final = "C, C++, Go, Java, JavaScript, Python, Rust and TypeScript"
"""Those of which exercises are read."""


def is_exercise(folder: Path) -> bool:
    """Tell whether a folder has an exercise of one of these tracks."""
    try:
        return _language_of(_configured(folder)) is not None
    except errors.InvalidInput:
        return False


def tests_of(folder: Path) -> Sequence[str]:
    """Return the names of the tests of an exercise of any track, none for what is no exercise.

    Raises:
        errors.InvalidInput: its configuration cannot be read.
    """
    return _configured(folder).get("test", ())


def to_problem(folder: Path, asked: str, text_of: Callable[[Path], str]) -> Problem:
    """Make a problem of an exercise; `asked` is its description.

    Raises:
        errors.InvalidInput: a file of it cannot be read, or it needs what no executor has.
        pydantic.ValidationError: a field is wrong.
    """
    files = _configured(folder)
    language = _language_of(files)
    if language is None:
        raise errors.InvalidInput("it is of no track that is read")
    exercise = Exercise(
        folder,
        tuple(_headers_first(files.get("solution", ()))),
        tuple(files.get("test", ())),
        tuple(_headers_first(_example(folder, files))),
        tuple(sources(files.get("editor", ()), language)),
        text_of,
    )
    written = sources(exercise.solution, language)
    stub = one_file(exercise, written, language)
    test = TESTS[language](exercise)
    # What stands beside the solution stands there for the example as well.
    beside = {Path(name).name for name in exercise.given}
    example = [n for n in sources(exercise.example, language) if Path(n).name not in beside]
    if not any(name.endswith(".h") for name in example):
        # A header that is given is no part of what is asked for.
        example = [*(name for name in written if name.endswith(".h")), *example]
    names = " and ".join(f"`{name}`" for name in written)
    code = f"Write {names}, in this order, as one file. It begins so:\n\n"
    return Problem(
        slug=f"exercism-{language.value}/{folder.name}",
        prompt=f"{asked}\n\n{code}```{language.value}\n{stub.strip()}\n```\n",
        language=language,
        limits=_LIMITS,
        tests=(test,),
        reference_program=one_file(exercise, example, language) if exercise.example else None,
        metadata={"source": "exercism", "level": folder.parent.name, **WHOLE.metadata()},
    )


def _example(folder: Path, files: Mapping[str, Sequence[str]]) -> list[str]:
    """Name the files of the example; in Java what lies beside it, not named, belongs to it."""
    names = list(files.get("example", files.get("exemplar", ())))
    java = [folder / name for name in names if name.endswith(".java")]
    beside = (file for first in java[:1] for file in sorted(first.parent.glob("*.java")))
    found = [file.relative_to(folder).as_posix() for file in beside if file not in java]
    solved = {Path(name).name for name in files.get("solution", ())}
    return names + [name for name in found if Path(name).name in solved]


def _configured(folder: Path) -> Mapping[str, Sequence[str]]:
    """Return the names of an exercise's files.

    Raises:
        errors.InvalidInput: its configuration cannot be read.
    """
    try:
        text = (folder / _CONFIGURATION).read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(f"cannot read {_CONFIGURATION}: {error}") from None
    try:
        found = json.loads(text[:MAX_SOURCE_CHARACTERS])
    except (ValueError, RecursionError) as error:
        raise errors.InvalidInput(f"{_CONFIGURATION} is no JSON: {error}") from None
    # That of a concept, for instance, names no files.
    files = found.get("files") if isinstance(found, dict) else None
    return {key: _names(value) for key, value in files.items()} if isinstance(files, dict) else {}


def _names(value: Any) -> Sequence[str]:
    """Return names of files that are in the folder, and nowhere else."""
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return [name for name in names if ".." not in Path(name).parts and name[:1] != "/"]


_ENDINGS: Final = {
    ".c": Language.C, ".go": Language.GO, ".rs": Language.RUST, ".cpp": Language.CPP,
    ".java": Language.JAVA, ".js": Language.JAVASCRIPT, ".ts": Language.TYPESCRIPT,
}  # fmt: skip


def _language_of(files: Mapping[str, Sequence[str]]) -> Language | None:
    found = {_ENDINGS.get(Path(name).suffix) for name in files.get("test", ())} - {None}
    return found.pop() if len(found) == 1 else None


def _headers_first(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: not name.endswith(".h"))
