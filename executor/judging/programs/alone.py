"""Test code, and scripts, that are run as they stand, with nothing to judge."""

from collections.abc import Callable
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.composing import require_frameworks
from executor.judging.programs.frameworks import jest, junit
from executor.languages import TOOLCHAINS
from infra import errors
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_IMPORTS: Final = {
    Language.JAVA: "import org.junit.jupiter.api.Test;",
    Language.TYPESCRIPT: "import { test } from '@jest/globals';",
}
"""What says of test code that it is for a framework."""
_KOTLIN_LIBRARY: Final = "/usr/share/kotlin/kotlinc/lib/kotlin-stdlib.jar"
_KOTLIN_OF_SCRIPTS: Final = "/usr/share/kotlin/kotlinc/lib/kotlin-script-runtime.jar"
_KOTLIN_SCRIPT: Final = """\
fun main() {
    val script = Class.forName("Main").getConstructor(Array<String>::class.java)
    try {
        script.newInstance(arrayOf<String>())
    } catch (error: java.lang.reflect.InvocationTargetException) {
        throw error.targetException
    }
}
"""


def require(language: Language) -> None:
    """Look whether this machine runs test code, or scripts, of a language.

    Raises:
        errors.ToolchainMissing: its framework is not installed, or there is none.
    """
    if language not in _BUILT:
        raise errors.ToolchainMissing(f"no test framework for {language}")
    if language in _IMPORTS:
        require_frameworks(language, [ProgramTest(source=_IMPORTS[language])])


def build(language: Language, program: str) -> Build:
    """Build it, as its framework or its compiler wants it.

    Raises:
        NoTests: there is none in it.
    """
    return _BUILT[language](program)


def _go(program: str) -> Build:
    toolchain = TOOLCHAINS[Language.GO]
    command = ("{program}", "test", "-c", "-o", "main", "main_test.go")
    return Build({"main_test.go": program}, command, "main", toolchain.run, "main_test.go")


def _kotlin(program: str) -> Build:
    """Build a script, whose statements are the constructor of a class."""
    toolchain = TOOLCHAINS[Language.KOTLIN]
    files = {"main.kts": program, "harness.kt": _KOTLIN_SCRIPT}

    def linked(words: tuple[str, ...]) -> tuple[str, ...]:
        both = f"{_KOTLIN_LIBRARY}:{_KOTLIN_OF_SCRIPTS}"
        return tuple(word.replace(_KOTLIN_LIBRARY, both) for word in words)

    command = linked((*toolchain.compile[:-1], *files))
    run = linked(toolchain.run)
    return Build(files, command, toolchain.artifact, run, "main.kts", "HarnessKt")


def _d(program: str) -> Build:
    """Build a program whose blocks `unittest` run; one that has some runs nothing else."""
    toolchain = TOOLCHAINS[Language.D]
    return Build.of(toolchain, {toolchain.file: program}, ("-unittest",))


_BUILT: Final[dict[Language, Callable[[str], Build]]] = {
    Language.D: _d,
    Language.GO: _go,
    Language.JAVA: junit.alone,
    Language.KOTLIN: _kotlin,
    Language.TYPESCRIPT: jest.alone,
}
