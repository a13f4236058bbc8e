"""Test code for Catch2: the candidate stands in a file of its own, before the tests.

What both have in common is one file, and so is what the authors compile apart: the candidate sees
nothing of the framework, whose macros have names such as `CHECK` and `INFO`.
"""

import re
from pathlib import Path
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.marks import C_HARNESS, Composed, Framework, Mark
from executor.judging.programs.words import words
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_LIBRARY: Final = Path("/usr/lib/libCatch2WithMain.a")
_USED: Final = re.compile(r'^[ \t]*#[ \t]*include[ \t]*[<"](?:[\w.]+/)*catch\w*\.hpp[">]', re.M)
_TESTS: Final = frozenset({"TEST_CASE", "SCENARIO", "TEST_CASE_METHOD", "TEMPLATE_TEST_CASE"})
_DEFINED: Final = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)", re.MULTILINE)
_IF: Final = re.compile(r"[ \t]*#[ \t]*if")
_IF_DEFINED: Final = re.compile(
    r"[ \t]*#[ \t]*if(?:def|[ \t]+defined)\b[ \t]*\(?[ \t]*(\w+)[ \t]*\)?[ \t]*(?:/[/*].*)?$"
)
_OTHERWISE: Final = re.compile(r"[ \t]*#[ \t]*el(?:se|if)\b")
_ENDIF: Final = re.compile(r"[ \t]*#[ \t]*endif\b")
_CANDIDATE: Final = "candidate.hpp"
_REPORT: Final = re.compile(
    r'<TestCase name="(?P<name>[^"]*)"(?:(?!</?TestCase\b).)*'
    r'<OverallResult success="(?:(?P<passed>true)|false)"',
    re.DOTALL,
)


def _is_used(language: Language, source: str) -> bool:
    """Tell whether test code includes it."""
    return language is Language.CPP and _USED.search(source) is not None


def _is_installed() -> bool:
    """Tell whether this machine has it."""
    return _LIBRARY.exists()


def _composed(language: Language, test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program whose `main` is the framework's."""
    toolchain = TOOLCHAINS[language]
    files = {
        **test.files,
        _CANDIDATE: f"{test.before}\n{program}\n",
        toolchain.file: f'#include "{_CANDIDATE}"\n{_USED.sub(_installed, test.source)}\n',
        "harness.cpp": C_HARNESS.format(**mark._asdict(), believed="status >= 0"),
    }
    # All of its library, so that a candidate with a `main` of its own has one too many.
    library = ("-Wl,--whole-archive", "-lCatch2WithMain", "-Wl,--no-whole-archive")
    options = ("-Wl,--wrap=main", "-O0", "-std=c++17", *test.options)
    build = Build.of(toolchain, files, ("harness.cpp", *library, *options))
    build = build._replace(run=(*build.run, "--reporter", "xml")).without_repeated()
    declared = sum(word.text in _TESTS for word in words(_compiled(test), language))
    return Composed(build, mark.text, _REPORT, max(1, declared))


def _compiled(test: ProgramTest) -> str:
    """Leave out what stands in a condition on a name that nothing defines.

    A test that is left out is waited for by nobody, so whatever is in doubt stays: names that the
    compiler and its library may define, and conditions that nothing ends.
    """
    defined = {word[2:].partition("=")[0] for word in test.options if word.startswith("-D")}
    defined |= set(_DEFINED.findall("\n".join([test.before, test.source, *test.files.values()])))
    kept: list[str] = []
    hidden: list[str] = []
    depth = hidden_from = 0
    for line in test.source.split("\n"):
        if _IF.match(line):
            depth += 1
            named = _IF_DEFINED.match(line)
            is_foreign = named is not None and named[1] not in defined and named[1][0] != "_"
            if is_foreign and not hidden_from:
                hidden_from = depth
        elif _OTHERWISE.match(line) or _ENDIF.match(line):
            if hidden_from == depth:
                hidden_from = 0
                hidden.clear()
            depth -= bool(_ENDIF.match(line))
        else:
            (hidden if hidden_from else kept).append(line)
    return "\n".join(kept + hidden)


def _installed(_: re.Match[str]) -> str:
    return "#include <catch2/catch.hpp>"


CATCH2: Final = Framework("Catch2", _is_used, _is_installed, _composed)
