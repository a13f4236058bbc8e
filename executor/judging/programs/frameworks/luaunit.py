"""Test code for LuaUnit: functions whose names begin with `test`, behind the candidate's program.

It ends with the status of `LuaUnit.run()`, by `os.exit`, behind which no statement can stand.
"""

import re
from pathlib import Path
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Framework, Mark, NoTests
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_LIBRARY: Final = Path("/usr/share/lua/5.4/luaunit.lua")
_USED: Final = re.compile(r"""\brequire\s*\(?\s*["']luaunit["']""")
_TEST: Final = re.compile(
    r"^[ \t]*(?:local\s+)?function\s+(?:\w+[.:])?[tT]est\w*\s*\(", re.MULTILINE
)
_RUN: Final = re.compile(
    r"^[ \t]*(?:os\.exit\s*\(|return)?\s*(?P<run>(?:\w+\.)?LuaUnit[.:]run(?:Suite)?\s*\([^()]*\))"
    r"[^\n]*\s*\Z",
    re.MULTILINE,
)
_HARNESS: Final = """
do
    local status = {run}
    io.stdout:write('\\n', '{first}', '{last}')
    os.exit(status)
end
"""
_REPORT: Final = re.compile(
    r"^(?:(?P<passed>ok)(?!\s+\d+\s+# SKIP)|not ok|ok)\s+\d+\s+(?:# SKIP\s+)?(?P<name>\S.*)$",
    re.MULTILINE,
)


def _is_used(language: Language, source: str) -> bool:
    """Tell whether test code loads it."""
    return language is Language.LUA and _USED.search(source) is not None


def _is_installed() -> bool:
    """Tell whether this machine has it."""
    return _LIBRARY.exists()


def _composed(language: Language, test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one file.

    Raises:
        NoTests: the test code does not end by running them.
    """
    toolchain, declared = TOOLCHAINS[language], len(_TEST.findall(test.source))
    run = _RUN.search(test.source)
    if run is None or not declared:
        raise NoTests("it has no `function test...`, or its last line is no `LuaUnit.run()`")
    harness = _HARNESS.format(run=run["run"], **mark._asdict())
    text = joined(language, test, program, test.source[: run.start()]) + harness
    build = Build.of(toolchain, {**test.files, toolchain.file: text}, test.options)
    build = build._replace(run=(*build.run, "--output", "tap"))
    return Composed(build, mark.text, _REPORT, declared)


LUAUNIT: Final = Framework("LuaUnit", _is_used, _is_installed, _composed)
