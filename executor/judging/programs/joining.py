"""Puts a candidate and test code into one file where the two say something twice, or not at all.

Sets are written for models that are stopped somewhere; other candidates are whole.
"""

import itertools
import re
from collections.abc import Callable
from typing import Final

from executor.judging.programs.words import words
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_GO_PACKAGE: Final = re.compile(r"^package\s+\w+[ \t]*+(?:;[ \t]*+)?$", re.MULTILINE)
_GO_IMPORTS: Final = re.compile(r"^import[ \t]*\(([^)]*)\)", re.MULTILINE)
_GO_IMPORT: Final = re.compile(r'^import[ \t]*"([^"\n]*)"', re.MULTILINE)
_GO_PATH: Final = re.compile(r'^[ \t]*"([^"\n]*)"[ \t]*+(?:;[ \t]*+)?$', re.MULTILINE)
_POINT: Final = re.compile(r"\s*+\.")
_PHP_CLOSED: Final = re.compile(r"\?>\s*\Z")
_PHP_OPEN: Final = re.compile(r"\A\s*<\?php\b")
_RACKET_LANGUAGE: Final = re.compile(r"^#lang[ \t][^\n]*", re.MULTILINE)
_RUST_USE: Final = re.compile(r"^use\s+(\w+)(?:::(?:\w+::)*(\w+))?\s*;[ \t]*$", re.MULTILINE)
_RUST_OWN: Final = frozenset({"std", "core", "alloc", "crate", "self", "super"})


def joined(language: Language, test: ProgramTest, program: str, source: str | None = None) -> str:
    """Return one text of what stands before a candidate, the candidate, and the test code.

    `source` is what the test code has become meanwhile.
    """
    before, source = test.before, test.source if source is None else source
    if language is Language.GO:
        program = _with_the_package_of(before, _with_needed_imports(test, program))
    elif language is Language.RUST:
        program = _without_unused_crates(program)
    elif language is Language.PHP:
        program, source = _one_script(before, program, source)
    elif language is Language.RACKET:
        program = _one_module(before, program)
    program = _open_enough(language, program, source)
    return f"{before}\n{program}\n{source}" if before else f"{program}\n{source}"


def _one_script(before: str, program: str, source: str) -> tuple[str, str]:
    """Leave a script of PHP open to what follows, which would be text behind it."""
    if "<?" not in before + program:
        program = f"<?php\n{program}"
    return _PHP_CLOSED.sub("", program), _PHP_CLOSED.sub("", _PHP_OPEN.sub("", source))


def _one_module(before: str, program: str) -> str:
    """Have a module of Racket name its language once, in its first line."""
    if _RACKET_LANGUAGE.search(before):
        return _RACKET_LANGUAGE.sub("", program, count=1)
    return program if _RACKET_LANGUAGE.search(program) else f"#lang racket\n{program}"


def alone(test: ProgramTest, program: str) -> str:
    """Return a candidate without its test code, in Go or Rust.

    Go refuses imports of which no use is made: those that only the tests use are left out, and what
    stands before the candidate is there as far as that is used.
    """
    program = _with_needed_imports(test, _without_unused_crates(program))
    if _GO_PACKAGE.search(test.before):
        program = _GO_PACKAGE.sub("", program, count=1)
    imported = set(_go_imports(program))

    def rest(found: re.Match[str]) -> str:
        is_of_tests = _uses(test.source, found[1]) and not _uses(program, found[1])
        return "" if is_of_tests else found.group()

    missing = [p for p in _go_imports(test.before) if p not in imported and _uses(program, p)]
    program = _with_imports(program, rest)
    package = _GO_PACKAGE.search(test.before)
    before = "".join(f'import "{path}"\n' for path in missing)
    return f"{package.group() if package else ''}\n{before}{program}" if test.before else program


def _uses(text: str, path: str) -> bool:
    """Tell whether Go code speaks of the package of a path."""
    return re.search(rf"\b{re.escape(path.rpartition('/')[2])}\s*+\.", text) is not None


def _go_imports(text: str) -> list[str]:
    blocks = _GO_IMPORTS.findall(text[: _last_closed(text)])
    return [*_GO_IMPORT.findall(text), *(p for block in blocks for p in _GO_PATH.findall(block))]


def _with_imports(program: str, rest: Callable[[re.Match[str]], str]) -> str:
    """Put something in the place of each import."""
    program = _GO_IMPORT.sub(rest, program)
    last = _last_closed(program)
    closed = _GO_IMPORTS.sub(lambda block: _GO_PATH.sub(rest, block.group()), program[:last])
    return closed + program[last:]


def _open_enough(language: Language, program: str, source: str) -> str:
    """Leave the last blocks of a program open that the test code closes."""
    lowest = depth = 0
    for found in words(source, language):
        depth += (found.text == "{") - (found.text == "}")
        lowest = min(lowest, depth)
    if not lowest:
        return program
    # Comments, and ends of lines, may stand behind the last block.
    written = [word for word in words(program, language) if word.text != "\n"]
    is_open = sum((word.text == "{") - (word.text == "}") for word in written)
    closed = written[len(written) - max(0, -lowest - is_open) :]
    last = itertools.takewhile(lambda word: word.text == "}", reversed(closed))
    return program[: min((word.start for word in last), default=len(program))]


def _with_the_package_of(before: str, program: str) -> str:
    """Leave out the package and the imports that stand before a program already."""
    if _GO_PACKAGE.search(before):
        program = _GO_PACKAGE.sub("", program, count=1)
    known = set(_go_imports(before))

    def rest(found: re.Match[str]) -> str:
        return "" if found[1] in known else found.group()

    return _with_imports(program, rest)


def _last_closed(text: str) -> int:
    """Return where the last parenthesis is closed: behind it each would be looked for in vain."""
    return text.rfind(")") + 1


def _with_needed_imports(test: ProgramTest, program: str) -> str:
    """Import what the tests' set imports for programs of Go, as far as a program speaks of it."""
    if not test.imports:
        return program
    named = {
        word.text
        for word in words(program, Language.GO)
        if word.kind == "name" and _is_package(program, word.start, word.text)
    }
    needed = {path for path in test.imports if path.rpartition("/")[2] in named}
    missing = sorted(needed - {*_go_imports(program), *_go_imports(test.before)})

    def rest(found: re.Match[str]) -> str:
        is_unused = found[1] in test.imports and found[1] not in needed
        return "" if is_unused and not _uses(test.source, found[1]) else found.group()

    package = _GO_PACKAGE.search(program)
    head = package.end() if package else 0
    added = "".join(f'\nimport "{path}"\n' for path in missing)
    return program[:head] + added + _with_imports(program[head:], rest)


def _is_package(program: str, start: int, name: str) -> bool:
    """Tell whether a name of Go stands before a point, and behind none."""
    is_field = program[max(0, start - 1) : start] == "."
    return not is_field and _POINT.match(program, start + len(name)) is not None


def _without_unused_crates(program: str) -> str:
    """Leave out imports of crates, none of which is here, that a program makes no use of.

    HumanEval-X puts some before every program.
    """

    others = _RUST_USE.sub("", program)
    used = set(re.findall(r"\w++", others))
    modules = set(re.findall(r"\bmod(?=\s++(\w++))", others))
    paths = set(re.findall(r"\b(\w++)\s*+::\b", others))

    def rest(use: re.Match[str]) -> str:
        root, name = use[1], use[2] or use[1]
        is_used = name in used or root in modules or root in paths
        return use.group() if root in _RUST_OWN or is_used else ""

    return _RUST_USE.sub(rest, program)
