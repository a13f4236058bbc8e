"""Exercises of exercism's tracks for C, Go and Rust: their folders as problems.

Each has a file of tests that includes or imports the candidate's. All that is skipped at first, so
that a learner goes on step by step, is switched on.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from infra import errors
from infra.composing import WHOLE
from infra.contracts.base import Language
from infra.contracts.problems import MAX_SOURCE_CHARACTERS, Problem, ProgramTest

_SKIPPED_IN_C: Final = re.compile(r"^[ \t]*TEST_IGNORE(?:_MESSAGE)?\(.*?\);.*$", re.MULTILINE)
_SKIPPED_IN_RUST: Final = re.compile(r"^[ \t]*#\[ignore\b[^\]]*\][ \t]*$", re.MULTILINE)
_GO_PACKAGE: Final = re.compile(r"^package\s+(\w+)[^\n]*$", re.MULTILINE)
_GO_IMPORTS: Final = re.compile(r"^import\s*(?:\(([^)]*)\)|(\"[^\"\n]*\"))", re.MULTILINE)
_GO_BENCHMARK: Final = re.compile(r"^func\s+Benchmark\w*\(.*?^\}$", re.MULTILINE | re.DOTALL)
"""Compiled with the tests, and run by nobody; some want a newer Go than the tests do."""
_GO_PATH: Final = re.compile(r'^"[^"\n]*"$')
_CRATE: Final = re.compile(r'^name\s*=\s*"([\w-]+)"', re.MULTILINE)
_CRATES_WANTED: Final = re.compile(r"^\[dependencies\]\s*\n\s*[\w-]", re.MULTILINE)


class _Exercise(NamedTuple):
    """The files of an exercise, as far as they are named in its configuration."""

    folder: Path
    solution: tuple[str, ...]
    tests: tuple[str, ...]
    example: tuple[str, ...]
    text_of: Callable[[Path], str]

    def read(self, *names: str) -> str:
        return "\n".join(self.text_of(self.folder / name) for name in names)


def is_exercise(folder: Path) -> bool:
    """Tell whether a folder has an exercise of one of these tracks."""
    return _language_of(_configured(folder)) is not None


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
    exercise = _Exercise(
        folder,
        tuple(_headers_first(files.get("solution", ()))),
        tuple(files.get("test", ())),
        tuple(_headers_first(files.get("example", files.get("exemplar", ())))),
        text_of,
    )
    written = _sources(exercise.solution, language)
    stub = exercise.read(*written)
    test = _TESTS[language](exercise)
    example = _sources(exercise.example, language)
    if not any(name.endswith(".h") for name in example):
        # A header that is given is no part of what is asked for.
        example = [*(name for name in written if name.endswith(".h")), *example]
    names = " and ".join(f"`{name}`" for name in written)
    code = f"Write {names}, in this order, as one file. It begins so:\n\n"
    return Problem(
        slug=f"exercism-{language.value}/{folder.name}",
        prompt=f"{asked}\n\n{code}```{language.value}\n{stub.strip()}\n```\n",
        language=language,
        tests=(test,),
        reference_program=exercise.read(*example) if exercise.example else None,
        metadata={"source": "exercism", "level": folder.parent.name, **WHOLE.metadata()},
    )


def _configured(folder: Path) -> Mapping[str, Sequence[str]]:
    try:
        text = (folder / ".meta" / "config.json").read_text(encoding="utf-8")
        found = json.loads(text[:MAX_SOURCE_CHARACTERS])["files"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
    return {key: _names(value) for key, value in found.items()} if isinstance(found, dict) else {}


def _names(value: Any) -> Sequence[str]:
    """Return names of files that are in the folder, and nowhere else."""
    names = [name for name in value if isinstance(name, str)] if isinstance(value, list) else []
    return [name for name in names if ".." not in Path(name).parts and name[:1] != "/"]


_ENDINGS: Final = {".c": Language.C, ".go": Language.GO, ".rs": Language.RUST}
_SOURCES: Final = {Language.C: (".h", ".c"), Language.GO: (".go",), Language.RUST: (".rs",)}


def _language_of(files: Mapping[str, Sequence[str]]) -> Language | None:
    found = {_ENDINGS.get(Path(name).suffix) for name in files.get("test", ())} - {None}
    return found.pop() if len(found) == 1 else None


def _headers_first(names: Sequence[str]) -> list[str]:
    return sorted(names, key=lambda name: not name.endswith(".h"))


def _sources(names: Sequence[str], language: Language) -> list[str]:
    return [name for name in names if name.endswith(_SOURCES[language])]


def _in_c(exercise: _Exercise) -> ProgramTest:
    framework = exercise.folder / "test-framework"
    files = {
        f"{framework.name}/{file.name}": exercise.text_of(file)
        for file in sorted(framework.glob("*.[ch]"))
    }
    # The candidate's own header stands in the program itself.
    headers = [name for name in (*exercise.solution, *exercise.example) if name.endswith(".h")]
    source = _SKIPPED_IN_C.sub("", exercise.read(*_sources(exercise.tests, Language.C)))
    return ProgramTest(
        source=f'{source}\n#include "{framework.name}/unity.c"\n',
        files={**files, **{Path(name).name: "" for name in headers}},
    )


def _in_go(exercise: _Exercise) -> ProgramTest:
    # What is given beside the tests, such as the types of their arguments, goes with them.
    beside = sorted(file.name for file in exercise.folder.glob("*.go"))
    names = [name for name in beside if name not in exercise.solution]
    source = _GO_BENCHMARK.sub("", exercise.read(*names))
    package = _GO_PACKAGE.search(source)
    if package is None:
        raise errors.InvalidInput("its tests are of no package")
    paths = set()
    for block in _GO_IMPORTS.finditer(source):
        for line in (block[1] or block[2]).split("\n"):
            path = line.partition("//")[0].strip().rstrip(";")
            if path and not _GO_PATH.match(path):
                raise errors.InvalidInput(f"its tests import {path}, which is not read")
            paths |= {path} - {""}
    body = _GO_IMPORTS.sub("", _GO_PACKAGE.sub("", source))
    kept = sorted(path for path in paths if f"{path.strip(chr(34)).rpartition('/')[2]}." in body)
    imports = "".join(f"import {path}\n" for path in kept)
    return ProgramTest(source=body, before=f"package {package[1]}\n{imports}")


def _in_rust(exercise: _Exercise) -> ProgramTest:
    manifest = exercise.read("Cargo.toml")
    crate = _CRATE.search(manifest)
    own = [name for name in exercise.example if name.endswith(".toml")]
    if crate is None or any(map(_CRATES_WANTED.search, (manifest, exercise.read(*own)))):
        raise errors.InvalidInput("it needs crates, which no executor has")
    source = exercise.read(*_sources(exercise.tests, Language.RUST))
    # Tests stand in a folder of their own, and call the crate by its name.
    name = crate[1].replace("-", "_")
    body = _SKIPPED_IN_RUST.sub("", source)
    return ProgramTest(
        source=f"extern crate self as {name};\n#[cfg(test)]\nmod tests {{\n{body}\n}}\n"
    )


_TESTS: Final[Mapping[Language, Callable[[_Exercise], ProgramTest]]] = {
    Language.C: _in_c,
    Language.GO: _in_go,
    Language.RUST: _in_rust,
}
