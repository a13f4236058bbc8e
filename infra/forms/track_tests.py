"""The tests of exercism's exercises in each language, as test programs."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest
from infra.forms import go_builds

_SKIPPED_IN_C: Final = re.compile(r"^[ \t]*TEST_IGNORE(?:_MESSAGE)?\(.*?\);.*$", re.MULTILINE)
_SKIPPED_IN_RUST: Final = re.compile(r"^[ \t]*#\[ignore\b[^\]]*\][ \t]*$", re.MULTILINE)
_GO_PACKAGE: Final = re.compile(r"^package\s+(\w+)[^\n]*$", re.MULTILINE)
_GO_IMPORTS: Final = re.compile(r"^import\s*(?:\(([^)]*)\)|(\"[^\"\n]*\"))", re.MULTILINE)
_GO_BENCHMARK: Final = re.compile(
    r"^func\s+Benchmark\w*\((?:[^\n]*\}[ \t]*$|.*?^\}$)", re.MULTILINE | re.DOTALL
)
"""Compiled with the tests, and run by nobody; some want a newer Go than the tests do."""
# One that depends on the machine stands deeper, in a condition.
_SKIPPED_IN_GO: Final = re.compile(r"^\tt\.Skip(?:f|Now)?\(.*\)[ \t]*$", re.MULTILINE)
_GO_PATH: Final = re.compile(r'^"[^"\n]*"$')
_CRATE: Final = re.compile(r'^name\s*=\s*"([\w-]+)"', re.MULTILINE)
_CRATES: Final = re.compile(
    r"^\[(?:dev-)?dependencies\][ \t]*\n((?:[^\[\n][^\n]*\n?|\n)*)", re.MULTILINE
)
_CRATE_WANTED: Final = re.compile(r"^[ \t]*([\w-]+)[ \t]*(?:\.[\w.-]+[ \t]*)?=", re.MULTILINE)
_SKIPPED_IN_JAVA: Final = re.compile(r"^[ \t]*@(?:Disabled|Ignore)\b.*$", re.MULTILINE)
_SKIPPED_IN_JEST: Final = re.compile(r"\bx(?=(?:test|it|describe)\b)")
_NEVER_RUN_BY_JEST: Final = re.compile(r"\b(?:test|it|describe)\.skip(?=\s*\()")
"""Tests that the tracks' own checks skip as well, for instance those that their examples fail."""
_JEST_IMPORT: Final = re.compile(
    r"(?<=^import)\s*\{([^}]*)\}(?=\s*from\s*['\"]@jest/globals)", re.M
)
_ABOVE: Final = re.compile(r"""(?<=\bfrom ['"])\.\./""")
_MODULES: Final = re.compile(r"""\bfrom\s*['"]\./([\w./-]+)['"]""")
_JAVA_IMPORT: Final = re.compile(r"^import\s[^;]+;[ \t]*$", re.MULTILINE)
_JAVA_PUBLIC: Final = re.compile(
    r"^public\s+(?=(?:(?:abstract|final|sealed|non-sealed|strictfp)\s+)*+"
    r"(?:class|interface|enum|record|@interface)\b)",
    re.MULTILINE,
)
_FOREIGN_IN_CPP: Final = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"](boost)/", re.MULTILINE)
_CATCH_3: Final = re.compile(r"^[ \t]*#[ \t]*include[ \t]*\"test/catch_amalgamated", re.MULTILINE)
_FOREIGN_IN_JAVA: Final = re.compile(
    r"^import\s+(?:static\s+)?(?!java\.|javax\.|org\.junit\.|org\.assertj\.)((?:\w+\.)+)\w+", re.M
)


class Exercise(NamedTuple):
    """The files of an exercise, as far as they are named in its configuration."""

    folder: Path
    solution: tuple[str, ...]
    tests: tuple[str, ...]
    example: tuple[str, ...]
    given: tuple[str, ...]
    """Source files that stand beside the solution, and are none of its."""
    text_of: Callable[[Path], str]

    def read(self, *names: str) -> str:
        """Return the text of files, one behind the other."""
        return "\n".join(self.text_of(self.folder / name) for name in names)

    def built_by(self, name: str) -> str:
        """Return the configuration of its build, nothing if it has none."""
        return self.read(name) if (self.folder / name).is_file() else ""


_SOURCES: Final = {
    Language.C: (".h", ".c"), Language.CPP: (".h", ".hpp", ".cpp"), Language.GO: (".go",),
    Language.JAVA: (".java",), Language.JAVASCRIPT: (".js",), Language.RUST: (".rs",),
    Language.TYPESCRIPT: (".ts",),
}  # fmt: skip
_WARNINGS: Final = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")
"""With which the tracks of C and C++ compile: a program of which they warn does not.

C's also asks for declarations, which are in a header that a candidate need not repeat here.
"""
_DEFINED_IN_C: Final = re.compile(r"(?<!\S)-DUNITY_(?!OUTPUT_COLOR)[A-Z0-9_]+")
_FORGIVEN_IN_CPP: Final = re.compile(r"(?<![\w-])-Wno-[a-z-]+")
"""Of some exercises, in the configuration of their build."""


def sources(names: Sequence[str], language: Language) -> list[str]:
    """Return those of the files that are source of a language."""
    return [name for name in names if name.endswith(_SOURCES[language])]


def one_file(exercise: Exercise, names: Sequence[str], language: Language) -> str:
    """Return several files as one, as a candidate is.

    Imports of Java stand before all else, and one class at most is public in a file.
    """
    if language in (Language.JAVASCRIPT, Language.TYPESCRIPT):
        # An example lies below the modules that it imports, the solution beside them.
        return _ABOVE.sub("./", exercise.read(*names))
    if language is Language.GO:
        return go_builds.without_constraints(exercise.read(*names))
    if language is not Language.JAVA or len(names) < 2:
        return exercise.read(*names)
    text = exercise.read(*names)
    imports = dict.fromkeys(_JAVA_IMPORT.findall(text))
    # The first stays public: so are its constructors, which tests may look up by their names.
    first, *others = (_JAVA_IMPORT.sub("", exercise.read(name)) for name in names)
    return "\n".join([*imports, first, *(_JAVA_PUBLIC.sub("", other) for other in others)])


def _in_c(exercise: Exercise) -> ProgramTest:
    framework = exercise.folder / "test-framework"
    files = {
        f"{framework.name}/{file.name}": exercise.text_of(file)
        for file in sorted(framework.glob("*.[ch]"))
    }
    # The candidate's own header stands in the program itself.
    headers = [name for name in (*exercise.solution, *exercise.example) if name.endswith(".h")]
    source = _SKIPPED_IN_C.sub("", exercise.read(*sources(exercise.tests, Language.C)))
    made = exercise.built_by("makefile")
    return ProgramTest(
        source=f'{source}\n#include "{framework.name}/unity.c"\n',
        files={**files, **{Path(name).name: "" for name in headers}},
        options=("-std=c99", *_WARNINGS, *dict.fromkeys(_DEFINED_IN_C.findall(made))),
    )


def _in_go(exercise: Exercise) -> ProgramTest:
    # What is given beside the tests, such as the types of their arguments, goes with them.
    beside = sorted(file.name for file in exercise.folder.glob("*.go"))
    names = [name for name in beside if name not in exercise.solution]
    texts = [text for name in names if go_builds.is_built(text := exercise.read(name))]
    code = "\n".join(map(go_builds.without_constraints, texts))
    source = _SKIPPED_IN_GO.sub("", _GO_BENCHMARK.sub("", code))
    read = next((name for name in exercise.solution if f'"{name}"' in source), None)
    if read is not None:
        raise errors.InvalidInput(f"its tests read {read}, of which a jail has only the program")
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


def _in_rust(exercise: Exercise) -> ProgramTest:
    manifest = exercise.read("Cargo.toml")
    crate = _CRATE.search(manifest)
    own = [name for name in exercise.example if name.endswith(".toml")]
    # What is said of the crate in its own folder is for its documentation.
    texts = {name: exercise.read(name) for name in exercise.tests if name.startswith("tests/")}
    foreign = _foreign_crate(f"{manifest}\n{exercise.read(*own)}", exercise, texts.values())
    if crate is None or foreign:
        raise errors.InvalidInput(f"it needs crates, which no executor has: {foreign or 'unnamed'}")
    # Tests stand in a folder of their own, each in a file, and call the crate by its name.
    name = crate[1].replace("-", "_")
    modules = [
        f"#[cfg(test)]\nmod tests{number or ''} {{\n{_SKIPPED_IN_RUST.sub('', text)}\n}}\n"
        for number, text in enumerate(texts.values())
    ]
    beside = sorted((exercise.folder / "src").glob("*.rs"))
    given = [file for file in beside if f"src/{file.name}" not in exercise.solution]
    return ProgramTest(
        source=f"extern crate self as {name};\n{''.join(modules)}",
        files={file.name: exercise.text_of(file) for file in given},
    )


def _foreign_crate(manifest: str, exercise: Exercise, tests: Iterable[str]) -> str | None:
    """Return the first crate that is named as needed, and that code speaks of."""
    example = sources(exercise.example, Language.RUST)
    code = "\n".join([exercise.read(*example), *tests])
    named = [name for found in _CRATES.findall(manifest) for name in _CRATE_WANTED.findall(found)]
    used = (name for name in named if re.search(rf"\b{name.replace('-', '_')}\b", code))
    # Without an example nobody knows which of them a solution needs.
    return next(used if example else iter(named), None)


def _in_cpp(exercise: Exercise) -> ProgramTest:
    source = exercise.read(*sources(exercise.tests, Language.CPP))
    foreign = _FOREIGN_IN_CPP.search(f"{source}\n{exercise.read(*exercise.example)}")
    if foreign:
        raise errors.InvalidInput(f"it needs {foreign[1]}, which no executor has")
    if _CATCH_3.search(source):
        raise errors.InvalidInput("it needs Catch2 3, which no executor has")
    # The candidate's own files, which tests may include, stand in the program itself.
    own = f"{exercise.folder.name.replace('-', '_')}.h"
    written = sources((*exercise.solution, *exercise.example), Language.CPP)
    switched_on = ("-DEXERCISM_TEST_SUITE", "-DEXERCISM_RUN_ALL_TESTS")
    forgiven = dict.fromkeys(_FORGIVEN_IN_CPP.findall(exercise.built_by("CMakeLists.txt")))
    return ProgramTest(
        source=source,
        files={Path(name).name: "" for name in (own, *written)},
        options=("-std=c++17", *switched_on, *_WARNINGS, *forgiven),
    )


def _in_java(exercise: Exercise) -> ProgramTest:
    first, *others = sources(exercise.tests, Language.JAVA)
    # Not all that stands beside solution and tests is named.
    beside = [
        file.relative_to(exercise.folder).as_posix()
        for part in ("main", "test")
        for file in sorted((exercise.folder / "src" / part / "java").rglob("*.java"))
    ]
    own = {*exercise.solution, first}
    names = [name for name in (*exercise.given, *others, *beside) if name not in own]
    # Below the folder `java` lie packages.
    given = {name.rpartition("/java/")[2]: exercise.read(name) for name in names}
    files = {name: _SKIPPED_IN_JAVA.sub("", text) for name, text in given.items()}
    source = _SKIPPED_IN_JAVA.sub("", exercise.read(first))
    packages = {f"{name.rpartition('/')[0].replace('/', '.')}." for name in files if "/" in name}
    for foreign in _FOREIGN_IN_JAVA.findall("\n".join([source, *files.values()])):
        if foreign not in packages:
            raise errors.InvalidInput(f"it needs {foreign[:-1]}, which no executor has")
    return ProgramTest(source=source, files=files)


def _in_javascript(exercise: Exercise) -> ProgramTest:
    return _with_jest(exercise, Language.JAVASCRIPT)


def _in_typescript(exercise: Exercise) -> ProgramTest:
    return _with_jest(exercise, Language.TYPESCRIPT)


def _with_jest(exercise: Exercise, language: Language) -> ProgramTest:
    if len(sources(exercise.solution, language)) != 1:
        raise errors.InvalidInput("its solution is several modules; a candidate is one")
    # Tests of types are for another framework.
    names = [name for name in sources(exercise.tests, language) if not name.endswith(".tst.ts")]
    source = _SKIPPED_IN_JEST.sub("", exercise.read(*names))
    source = _NEVER_RUN_BY_JEST.sub("void (() => {})", source)
    source = _JEST_IMPORT.sub(_each_once, source)
    own = {Path(name).stem for name in exercise.solution}
    if not any(re.search(rf"""['"]\./{re.escape(name)}\b""", source) for name in own):
        raise errors.InvalidInput("its tests import no module of its solution, but start a program")
    files = {name: exercise.read(name) for name in exercise.given}
    for name in _MODULES.findall(source):
        named = (name, *(f"{name}{ending}" for ending in (*_SOURCES[language], ".json")))
        there = next((one for one in named if (exercise.folder / one).is_file()), None)
        if there is not None and ".." not in Path(there).parts and Path(there).stem not in own:
            files[there] = exercise.read(there)
    return ProgramTest(source=source, files=files)


def _each_once(found: re.Match[str]) -> str:
    """Name each once of what is imported, of which some was skipped."""
    names = dict.fromkeys(word.strip() for word in found[1].split(",") if word.strip())
    return f" {{ {', '.join(names)} }}"


TESTS: Final[Mapping[Language, Callable[[Exercise], ProgramTest]]] = {
    Language.C: _in_c,
    Language.GO: _in_go,
    Language.RUST: _in_rust,
    Language.CPP: _in_cpp,
    Language.JAVA: _in_java,
    Language.JAVASCRIPT: _in_javascript,
    Language.TYPESCRIPT: _in_typescript,
}
