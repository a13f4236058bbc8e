"""Test code for Jest, in JavaScript or TypeScript: it imports the candidate as a module.

The authors' tools, Babel and Jest, do what they do there: Babel when the program is compiled, so
that what is no program is a compile error, and Jest in the jail in which it runs.
"""

import re
import secrets
from collections.abc import Mapping
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.marks import Composed, Framework, Mark, NoTests
from executor.judging.programs.words import words
from executor.languages import NODE_FOLDERS, TOOLCHAINS
from executor.toolchain_spec import Toolchain
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_NEEDED: Final = ("jest", "@babel/preset-typescript")
_USED: Final = re.compile(r"""(?:\bfrom|\brequire\s*\()\s*["']@jest/globals["']""")
_IMPORTED: Final = re.compile(
    r"""(?:\bfrom|\bimport|\brequire\s*\(|\bimport\s*\()\s*["']\./([\w./-]+)["']"""
)
_TESTS: Final = frozenset({"test", "it"})
_ENDINGS: Final = {Language.JAVASCRIPT: ".js", Language.TYPESCRIPT: ".ts"}
_CONFIGURATION: Final = """\
module.exports = {
    testMatch: ["**/zzz_tests.test.*"], testEnvironment: "node", transform: {}, watchman: false,
    moduleFileExtensions: ["js", "ts", "mjs", "cjs", "jsx", "tsx", "json", "node"],
    moduleNameMapper: { "^(\\\\.\\\\/.+)\\\\.js$": "$1" },
    haste: { forceNodeFilesystemAPI: true }, cacheDirectory: "/tmp/jest", reporters: ["./told.js"],
    testTimeout: 30000,
};
"""
"""Its own 5 s for one test are of wall time, which a busy machine takes from a right program; CPU
time and idle time are bounded outside.
"""
_RUN: Final = 'require("jest").run(["--ci", "--runInBand", "--config=/tmp/built/jest.config.js"])'


def _is_used(language: Language, source: str) -> bool:
    """Tell whether test code imports it."""
    return language in _ENDINGS and _USED.search(source) is not None


def _is_installed() -> bool:
    """Tell whether this machine has it."""
    return all(any((Path(f) / name).is_dir() for f in NODE_FOLDERS) for name in _NEEDED)


def _composed(language: Language, test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a folder in which the framework runs the tests.

    Raises:
        NoTests: the test code does not import one module that is not there yet, the candidate's.
    """
    toolchain, ending = TOOLCHAINS[language], _ENDINGS[language]
    report = secrets.token_hex(8)
    reporter = _text("told.js").replace("HARNESS_REPORT", report)
    reporter = reporter.replace("HARNESS_FIRST", mark.first).replace("HARNESS_LAST", mark.last)
    candidate = _candidate(test, ending)
    files = {
        **test.files,
        candidate: f"{test.before}\n{program}\n" if test.before else program,
        f"zzz_tests.test{ending}": test.source,
    }
    build = _build(toolchain, files, candidate, _CONFIGURATION, {"told.js": reporter})
    pattern = re.compile(rf"^{report} (?:(?P<passed>passed)|\w+) (?P<name>.+)$", re.MULTILINE)
    return Composed(build, mark.text, pattern, max(1, _declared(test.source, language)))


def alone(source: str) -> Build:
    """Build test code, in TypeScript, that is run as it stands; Jest itself reports."""
    name = "zzz_tests.test.ts"
    configuration = _CONFIGURATION.replace('"./told.js"', '"default"')
    return _build(TOOLCHAINS[Language.TYPESCRIPT], {name: source}, name, configuration, {})


def _build(
    toolchain: Toolchain,
    files: Mapping[str, str],
    file: str,
    configuration: str,
    beside: Mapping[str, str],
) -> Build:
    given = {f"given/{name}": text for name, text in files.items()}
    built = {f"built/{name}": text for name, text in beside.items()}
    return Build(
        {**given, **built, "built/jest.config.js": configuration},
        (toolchain.run[0], "-e", _braced(_text("built.js"))), "built",
        (*toolchain.run[:-1], "-e", _RUN), f"given/{file}",
    )  # fmt: skip


@cache
def _text(name: str) -> str:
    return (Path(__file__).parent / name).read_text()


def _braced(text: str) -> str:
    """Write braces as the words of a toolchain have them."""
    return text.replace("{", "{{").replace("}", "}}")


def _candidate(test: ProgramTest, ending: str) -> str:
    """Name the file of the candidate: what the tests import, and is not there."""
    names = {name if PurePosixPath(name).suffix else f"{name}{ending}"
             for name in _IMPORTED.findall(test.source)}  # fmt: skip
    there = {str(PurePosixPath(name).with_suffix("")) for name in test.files}
    missing = [name for name in names if str(PurePosixPath(name).with_suffix("")) not in there]
    if len(missing) != 1:
        found = ", ".join(sorted(missing)) or "none"
        raise NoTests(f"the candidate is one module `./NAME` that the tests import; found {found}")
    return missing[0]


def _declared(source: str, language: Language) -> int:
    """Count the tests; a table of them is one at least."""
    found = (word for word in words(source, language) if word.text in _TESTS)
    return sum(
        source[max(0, word.start - 1) : word.start] != "."
        and source[word.end :].lstrip()[:1] in ("(", ".")
        for word in found
    )


JEST: Final = Framework("Jest", _is_used, _is_installed, _composed)
