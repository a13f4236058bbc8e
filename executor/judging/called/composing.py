"""Makes a program of a candidate that calls one of its functions: it and a harness of its language.

The harness reads a mark and then the arguments of one call after the other, a line of JSON each,
and answers each call with a line that begins with the mark. Types are those of the candidate's own
function, as its compiler or its runtime knows them.
"""

import re
import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import alone
from executor.languages import TOOLCHAINS
from executor.toolchain_spec import HARNESS_FOLDER, Cache
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_FUNCTION: Final = "CALLED_FUNCTION"
_MAIN: Final = re.compile(r"\bmain\b")
_GO_PACKAGE: Final = re.compile(r"^package\s+(\w+)", re.MULTILINE)
_GO_MAIN: Final = re.compile(r"^func\s+main\s*\(\s*\)", re.MULTILINE)
_RUST_MAIN: Final = re.compile(r"^(?:pub\s+)?fn\s+main\s*\(\s*\)", re.MULTILINE)
_CPP_WORD: Final = re.compile(
    r"""^\#.* | //.* | "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | \b([A-Za-z]\w*)""", re.M | re.X
)
"""A word of C++ that a macro may have changed, among what no macro changes."""
_NO_TEST: Final = ProgramTest(source=" ")


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


@cache
def _words_of_cpp() -> frozenset[str]:
    code = _text("harness.hpp") + _text("harness_main.cpp")
    return frozenset(found[1] for found in _CPP_WORD.finditer(code) if found[1])


def _unchanged(function: str) -> str:
    """Have no word of the harness for C++ mean what a candidate's macros make of it.

    How the candidate calls its own function is left to it.
    """
    words = _words_of_cpp() - {_FUNCTION, *function.split(".")}
    return "".join(f"#undef {word}\n" for word in sorted(words))


def _library(files: tuple[str, ...], *commands: tuple[str, ...]) -> tuple[Cache, ...]:
    """Have the part of a harness compiled once that is the same for all candidates."""
    texts = {name: _text(name) for name in files}
    return (Cache("", frozenset(), None, "RRTF_HARNESS", texts, commands),)


_CPP_LIBRARY: Final = _library(
    ("harness.hpp", "harness.cpp"),
    ("/usr/bin/cp", "harness.hpp", "{folder}"),
    ("{program}", "-c", "-O2", "harness.cpp", "-o", "{folder}/harness.o"),
)
_RUST_LIBRARY: Final = _library(
    ("harness.rs",),
    ("{program}", "-O", "--edition=2021", "-Ctarget-feature=+crt-static", "--crate-type", "rlib",
     "--crate-name", "rrtf_harness", "harness.rs", "-o", "{folder}/librrtf_harness.rlib"),
)  # fmt: skip


def built(language: Language, function: str, program: str, test: ProgramTest | None) -> Build:
    """Put a candidate and the harness together.

    `function` may be a method: `Class.method`, of an instance that is made without arguments.
    `test` is the test program of which the calls were taken: what stands before the candidate, and
    how it is compiled.
    """
    name = f"main_{secrets.token_hex(8)}"
    return _BUILT[language](function, program, test or _NO_TEST, name)


def _harness(name: str, function: str) -> str:
    return _text(name).replace(_FUNCTION, function)


def _owned(function: str) -> tuple[str, str]:
    owner, _, name = function.rpartition(".")
    return owner.replace(".", "::"), name


def _cpp(function: str, program: str, test: ProgramTest, main: str) -> Build:
    toolchain = TOOLCHAINS[Language.CPP]
    harness = _harness("harness_main.cpp", function.replace(".", "::"))
    # A byte order mark is one in front of everything else only.
    before = f"{test.before}\n" if test.before else ""
    text = f"{before}{program}\n{_unchanged(function)}{harness}"
    files = {**test.files, toolchain.file: text}
    words = [f"{HARNESS_FOLDER}/harness.o"]
    if _MAIN.search(f"{test.before}\n{program}"):
        # A candidate's own is no other's. Not always: no compiled header is used beside it.
        words.append(f"-Dmain={main}")
    if test is not _NO_TEST:
        words += ["-O0", *test.options]
    build = Build.of(toolchain, files, tuple(words)).without_repeated()
    return build._replace(libraries=_CPP_LIBRARY)


def _java(function: str, program: str, test: ProgramTest, main: str) -> Build:
    toolchain = TOOLCHAINS[Language.JAVA]
    files = {
        **test.files,
        toolchain.file: program,
        "Harness.java": _harness("Harness.java", function),
    }
    return Build.of(toolchain, files, ("Harness.java",))._replace(main="Harness")


def _script(language: Language) -> Callable[[str, str, ProgramTest, str], Build]:
    def made(function: str, program: str, test: ProgramTest, main: str) -> Build:
        toolchain = TOOLCHAINS[language]
        owner, name = _owned(function)
        called = f"((made) => made.{name}.bind(made))(new {owner}())" if owner else name
        text = f"{program}\n{_harness('harness.js', called)}"
        return Build.of(toolchain, {**test.files, toolchain.file: text}, test.options)

    return made


def _go(function: str, program: str, test: ProgramTest, main: str) -> Build:
    toolchain = TOOLCHAINS[Language.GO]
    owner, name = _owned(function)
    text = _GO_MAIN.sub(f"func {main}()", alone(test, program))
    package = _GO_PACKAGE.search(text)
    if package is None:
        text = f"package main\n{text}"
    harness = _harness("harness.go", f"new({owner}).{name}" if owner else name)
    if package is not None:
        harness = _GO_PACKAGE.sub(package[0], harness, count=1)
    files = {**test.files, toolchain.file: text, "harness.go": harness}
    return Build.of(toolchain, files, ("harness.go",))


def _rust(function: str, program: str, test: ProgramTest, main: str) -> Build:
    toolchain = TOOLCHAINS[Language.RUST]
    text = _RUST_MAIN.sub(f"fn {main}()", alone(test, program))
    text += _harness("harness_main.rs", function.replace(".", "::"))
    words: tuple[str, ...] = ("--extern", f"rrtf_harness={HARNESS_FOLDER}/librrtf_harness.rlib")
    if test is not _NO_TEST:
        words += ("-Copt-level=0", "-Coverflow-checks=on", "-Cdebug-assertions=on", *test.options)
    build = Build.of(toolchain, {**test.files, toolchain.file: text}, words).without_repeated()
    return build._replace(libraries=_RUST_LIBRARY)


_BUILT: Final[dict[Language, Callable[[str, str, ProgramTest, str], Build]]] = {
    Language.CPP: _cpp,
    Language.GO: _go,
    Language.JAVA: _java,
    Language.JAVASCRIPT: _script(Language.JAVASCRIPT),
    Language.RUST: _rust,
    Language.TYPESCRIPT: _script(Language.TYPESCRIPT),
}
