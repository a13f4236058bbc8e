"""Test code for Ruby's test-unit or Minitest: classes of tests behind the candidate's program.

Both libraries run the tests when the program exits. The harness runs them before that, behind all
of the test code: what a program does while it exits has no part in what is reported.
"""

import re
import secrets
from functools import cache
from pathlib import Path
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Framework, Mark, NoTests
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_USED: Final = re.compile(
    r"""^[ \t]*require\s*\(?\s*["'](?:test/unit|minitest/(?:autorun|unit|spec|test))["']""",
    re.MULTILINE,
)
_TEST: Final = re.compile(
    r"""^[ \t]*(?:def\s+test_?\w*|test\s*\(?\s*["']|it\s*\(?\s*["'])""", re.MULTILINE
)


def _is_used(language: Language, source: str) -> bool:
    """Tell whether test code loads one of them."""
    return language is Language.RUBY and _USED.search(source) is not None


def _is_installed() -> bool:
    """Both come with Debian's Ruby."""
    return True


def _composed(language: Language, test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one file.

    Raises:
        NoTests: there is no test in it.
    """
    declared = len(_TEST.findall(test.source))
    if not declared:
        raise NoTests("no class has a method `test_NAME`")
    toolchain, report = TOOLCHAINS[language], secrets.token_hex(8)
    harness = _text().replace("HARNESS_REPORT", report)
    harness = harness.replace("HARNESS_FIRST", mark.first).replace("HARNESS_LAST", mark.last)
    files = {**test.files, toolchain.file: f"{joined(language, test, program)}\n{harness}"}
    pattern = re.compile(rf"^{report} (?:(?P<passed>passed)|failed) (?P<name>.+)$", re.MULTILINE)
    build = Build.of(toolchain, files, test.options)
    return Composed(build, mark.text, pattern, declared)


@cache
def _text() -> str:
    return (Path(__file__).parent / "units.rb").read_text()


RUBY_UNITS: Final = Framework("test-unit or Minitest", _is_used, _is_installed, _composed)
