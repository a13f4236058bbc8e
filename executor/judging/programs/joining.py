"""Puts a candidate and test code into one file where the two say something twice, or not at all.

Sets are written for models that are stopped somewhere; other candidates are whole.
"""

import re
from typing import Final

from executor.judging.programs.words import words
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_GO_PACKAGE: Final = re.compile(r"^package\s+\w+[ \t]*;?[ \t]*$", re.MULTILINE)
_GO_IMPORT: Final = re.compile(
    r'^import[ \t]*(?:\((?P<many>[^)]*)\)|(?P<one>"[^"\n]*"))', re.MULTILINE
)
_GO_PATH: Final = re.compile(r'^[ \t]*"([^"\n]*)"[ \t]*;?[ \t]*$', re.MULTILINE)
_RUST_USE: Final = re.compile(r"^use\s+(\w+)(?:::(?:\w+::)*(\w+))?\s*;[ \t]*$", re.MULTILINE)
_RUST_OWN: Final = frozenset({"std", "core", "alloc", "crate", "self", "super"})


def joined(language: Language, test: ProgramTest, program: str, source: str | None = None) -> str:
    """Return one text of what stands before a candidate, the candidate, and the test code.

    `source` is what the test code has become meanwhile.
    """
    before, source = test.before, test.source if source is None else source
    if language is Language.GO:
        program = _with_the_package_of(before, program)
    elif language is Language.RUST:
        program = _without_unused_crates(program)
    program = _open_enough(language, program, source)
    return f"{before}\n{program}\n{source}" if before else f"{program}\n{source}"


def _open_enough(language: Language, program: str, source: str) -> str:
    """Leave the last blocks of a program open that the test code closes."""
    lowest = depth = 0
    for found in words(source, language):
        depth += (found.group() == "{") - (found.group() == "}")
        lowest = min(lowest, depth)
    if not lowest:
        return program
    braces = [found for found in words(program, language) if found.group() in "{}"]
    is_open = sum(1 if found.group() == "{" else -1 for found in braces)
    for found in reversed(braces[len(braces) - max(0, -lowest - is_open) :]):
        rest = program[found.end() :].strip()
        if found.group() != "}" or rest:
            break
        program = program[: found.start()]
    return program


def _with_the_package_of(before: str, program: str) -> str:
    """Leave out the package and the imports that stand before a program already."""
    known = {path for block in _GO_IMPORT.finditer(before) for path in _paths(block)}
    if _GO_PACKAGE.search(before):
        program = _GO_PACKAGE.sub("", program, count=1)

    def rest(block: re.Match[str]) -> str:
        if block["one"]:
            return "" if block["one"].strip('"') in known else block.group()
        return _GO_PATH.sub(lambda line: "" if line[1] in known else line.group(), block.group())

    return _GO_IMPORT.sub(rest, program) if known else program


def _paths(block: re.Match[str]) -> list[str]:
    return _GO_PATH.findall(block["many"] or block["one"])


def _without_unused_crates(program: str) -> str:
    """Leave out imports of crates, none of which is here, that a program makes no use of.

    HumanEval-X puts some before every program.
    """

    def rest(use: re.Match[str]) -> str:
        root, name = use[1], use[2] or use[1]
        others = program[: use.start()] + program[use.end() :]
        is_used = re.search(rf"\b(?:mod\s+{root}|{root}\s*::|{name})\b", _RUST_USE.sub("", others))
        return use.group() if root in _RUST_OWN or is_used else ""

    return _RUST_USE.sub(rest, program)
