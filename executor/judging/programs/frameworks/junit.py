"""Test code for JUnit 4 or 5: classes whose methods bear `@Test`, beside the candidate's file."""

import re
import secrets
from functools import cache
from pathlib import Path
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.marks import Composed, Framework, Mark, NoTests
from executor.languages import JAVA_LIBRARIES, TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_LAUNCHER: Final = "junit-platform-launcher"
_USED: Final = re.compile(r"^\s*import\s+(?:static\s+)?org\.junit\.", re.MULTILINE)
_CLASS: Final = re.compile(r"^(public\s+)?(?:(?:final|abstract)\s+)*class\s+(\w+)", re.MULTILINE)
_TEST: Final = re.compile(r"^\s*@(?:Test|ParameterizedTest|RepeatedTest|TestFactory)\b", re.M)
_PACKAGE: Final = re.compile(r"^package\s+([\w.]+)\s*;", re.MULTILINE)


def _is_used(language: Language, source: str) -> bool:
    """Tell whether test code imports it."""
    return language is Language.JAVA and _USED.search(source) is not None


def _is_installed() -> bool:
    """Tell whether this machine has it."""
    return any(Path(path).exists() for path in JAVA_LIBRARIES if _LAUNCHER in path)


def _composed(language: Language, test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program that has the framework run the classes of the test code.

    Raises:
        NoTests: there is no class in it.
    """
    report = secrets.token_hex(8)
    build = _build(test, program, report, mark)
    pattern = re.compile(
        rf"^{report} (?:(?P<passed>passed)|failed|skipped) (?P<name>.+)$", re.MULTILINE
    )
    return Composed(build, mark.text, pattern, max(1, len(_TEST.findall(test.source))))


def alone(source: str) -> Build:
    """Build test code that is run as it stands; what it reports is to be read by people.

    Raises:
        NoTests: there is no class in it.
    """
    return _build(ProgramTest(source=source), "", "test", Mark("", ""))


def _build(test: ProgramTest, program: str, report: str, mark: Mark) -> Build:
    toolchain = TOOLCHAINS[Language.JAVA]
    sources = [test.source, *(text for name, text in test.files.items() if name.endswith(".java"))]
    classes = [_named(text, found[2]) for text in sources for found in _CLASS.finditer(text)]
    if not _CLASS.search(test.source):
        raise NoTests("no class has a method with `@Test`")
    name = f"Harness{secrets.token_hex(8)}"
    file = f"{_file_of(test.source)}.java"
    harness = _text().replace("HARNESS_NAME", name).replace("HARNESS_REPORT", report)
    harness = harness.replace("HARNESS_CLASSES", ", ".join(f'"{one}"' for one in classes))
    harness = harness.replace("HARNESS_FIRST", mark.first).replace("HARNESS_LAST", mark.last)
    files = {
        **test.files,
        file: test.source,
        f"{name}.java": harness,
        toolchain.file: f"{test.before}\n{program}\n" if test.before else program,
    }
    given = [one for one in files if one.endswith(".java") and one != toolchain.file]
    build = Build.of(toolchain, files, (*given, *test.options))._replace(main=name)
    return build._replace(command=_linked(build.command), run=_linked(build.run))


@cache
def _text() -> str:
    return (Path(__file__).parent / "JUnitHarness.java").read_text()


def _named(text: str, name: str) -> str:
    package = _PACKAGE.search(text)
    return f"{package[1]}.{name}" if package else name


def _file_of(source: str) -> str:
    """Name the file of the test code as its public class, or else as its first one."""
    found = list(_CLASS.finditer(source))
    return next((one[2] for one in found if one[1]), found[0][2])


def _linked(words: tuple[str, ...]) -> tuple[str, ...]:
    """Put the framework's libraries behind those that every program has."""
    usual = JAVA_LIBRARIES[0]
    return tuple(word.replace(usual, ":".join(JAVA_LIBRARIES)) for word in words)


JUNIT: Final = Framework("JUnit", _is_used, _is_installed, _composed)
