"""Suites that are published as source files: exercism, QuixBugs, Python files with doctests."""

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors
from infra.composing import WHOLE
from infra.contracts.problems import MAX_FILES, MAX_SOURCE_CHARACTERS, AssertTest, Problem
from infra.forms import packages, sources, tracks
from infra.forms.python import doctests, quixbugs

_DATA: Final = frozenset([".csv", ".json", ".md", ".py", ".txt"])
"""Files that tests may read, or import."""


class Entry(NamedTuple):
    """What may become a problem."""

    name: str
    to_problem: Callable[[], Problem]
    """Makes it; raises `errors.InvalidInput` or `pydantic.ValidationError`."""


def _entry(name: str, make: Callable[[], Problem], beside: Iterable[str] = ()) -> Entry:
    return Entry(name, lambda: packages.with_image(make(), beside=beside))


def entries(path: Path) -> Iterator[Entry]:
    """Yield what there is in a folder, or in a Python file, in the order of names.

    Raises:
        errors.InvalidInput: it cannot be read, or there is nothing.
    """
    if path.is_file():
        yield _entry(path.name, partial(_documented, path, path.name))
        return
    found = False
    for entry in _entries_below(path):
        found = True
        yield entry
    if not found:
        raise errors.InvalidInput(
            f"cannot read {path}: no exercise (with .meta/config.json, or NAME.py,"
            " NAME_test.py and .meta/example.py), no"
            " QuixBugs (python_testcases, python_programs), no Python file with doctests is there;"
            " `rrtf project` makes problems of a project with tests"
        )


def _entries_below(path: Path) -> Iterator[Entry]:
    if quixbugs.is_root(path):
        for name in quixbugs.names(path):
            make = partial(quixbugs.to_problem, path, name, text_of)
            yield _entry(name, make, quixbugs.NOT_IMPORTED)
        return
    exercises = list(_exercises_below(path))
    if exercises:
        yield from exercises
        return
    for folder in _walk(path):
        for file in sorted(folder.glob("*.py")):
            if not file.is_symlink() and doctests.has_examples(text_of(file)):
                name = file.relative_to(path).as_posix()
                yield _entry(name, partial(_documented, file, name))


def _exercises_below(path: Path) -> Iterator[Entry]:
    """Yield exercises of exercism; those that cannot be read will say why.

    Raises:
        errors.InvalidInput: all of them are of a track that is not read.
    """
    found: list[Entry] = []
    foreign: list[Path] = []
    for folder in _walk(path):
        if not (folder / ".meta").is_dir():
            continue
        if tracks.is_exercise(folder):
            found.append(Entry(folder.name, partial(_exercise_of_track, folder)))
        elif _test_of(folder):
            found.append(_entry(folder.name, partial(_exercise, folder)))
        else:
            try:
                foreign.extend(folder / name for name in tracks.tests_of(folder)[:1])
            except errors.InvalidInput as error:
                found.append(Entry(folder.name, partial(_refuse, error.detail)))
    if foreign and not found:
        raise errors.InvalidInput(
            f"cannot read {path}: exercises of exercism with tests like {foreign[0].name} are not"
            f" read; of its tracks, {tracks.TRACKS} are"
        )
    yield from found
    for test in foreign:
        reason = f"its tests, {test.name}, are of no track that is read; {tracks.TRACKS} are"
        yield Entry(test.parent.name, partial(_refuse, reason))


def _walk(path: Path) -> Iterator[Path]:
    """Yield a folder and those below that are not hidden."""
    for place, folders, _ in os.walk(path):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        yield Path(place)


def text_of(path: Path) -> str:
    """Read a file as text.

    Raises:
        errors.InvalidInput: it cannot be read, is no text, or is longer than a source may be.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read(MAX_SOURCE_CHARACTERS + 1)
    except (OSError, ValueError) as error:
        raise errors.InvalidInput(f"cannot read {path}: {error}") from None
    if len(text) > MAX_SOURCE_CHARACTERS:
        raise errors.InvalidInput(f"{path} has more than {MAX_SOURCE_CHARACTERS} characters")
    return text


def _documented(path: Path, name: str) -> Problem:
    """Make a problem of a Python file with doctests, and of the data beside it that it names."""
    text = text_of(path)
    files: dict[str, str] = {}
    for file in sorted(path.parent.iterdir()):
        if file.suffix in _DATA - {".py"} and file.name in text and not file.is_symlink():
            # What is too large, or no text, is not there; the examples may do without it.
            with contextlib.suppress(errors.InvalidInput):
                files[file.name] = text_of(file)
    return doctests.to_problem(name, text, files)


def _refuse(reason: str) -> Problem:
    raise errors.InvalidInput(reason)


def _test_of(folder: Path) -> Path | None:
    """Return the test file of an exercise."""
    return next(iter(sorted(folder.glob("*_test.py"))), None)


def _exercise(folder: Path) -> Problem:
    """Make a problem of an exercise of exercism's Python track."""
    test_file = _test_of(folder)
    assert test_file is not None
    module = test_file.name.removesuffix("_test.py")
    source = text_of(test_file)
    sources.tree_of(source, test_file.name)
    stub = folder / f"{module}.py"
    beside = [
        file
        for file in sorted(folder.iterdir())
        if file not in (stub, test_file) and file.suffix in _DATA and file.is_file()
    ]
    if len(beside) > MAX_FILES:
        raise errors.InvalidInput(f"there are more than {MAX_FILES} files beside the test")
    return Problem(
        slug=f"exercism/{folder.name}",
        prompt=_asked(folder, text_of(stub) if stub.is_file() else "", stub.name),
        tests=(
            AssertTest(
                source=source, module=module, files={file.name: text_of(file) for file in beside}
            ),
        ),
        reference_program=_example(folder),
        metadata={"source": "exercism", **_level(folder), **WHOLE.metadata()},
    )


def _exercise_of_track(folder: Path) -> Problem:
    return tracks.to_problem(folder, _described(folder), text_of)


def _example(folder: Path) -> str | None:
    for name in ("example.py", "exemplar.py"):
        if (folder / ".meta" / name).is_file():
            return text_of(folder / ".meta" / name)
    return None


def _level(folder: Path) -> dict[str, Any]:
    """Return whether it is an exercise of a concept or for practice, as the track sorts them."""
    return {"level": folder.parent.name} if folder.parent.name in ("concept", "practice") else {}


def _asked(folder: Path, stub: str, name: str) -> str:
    code = f"Write the file `{name}`. It begins so:\n\n```python\n{stub.strip()}\n```"
    return f"{_described(folder)}\n\n{code}\n"


def _described(folder: Path) -> str:
    parts = [
        text_of(folder / ".docs" / f"{part}.md").strip()
        for part in ("introduction", "instructions", "instructions.append")
        if (folder / ".docs" / f"{part}.md").is_file()
    ]
    return "\n\n".join(parts)
