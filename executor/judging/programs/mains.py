"""Test programs in Haskell, Kotlin and Scala: a second `main` calls that of the test code."""

import re
import secrets
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Mark, NoTests
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_HASKELL_MAIN: Final = re.compile(r"^main\b", re.MULTILINE)
_HASKELL_HEAD: Final = re.compile(r"(?:\s|\{-#(?:[^#]|#(?!-\}))*#-\})*")
_HASKELL_MODULE: Final = re.compile(r"^module\s[^;]*?\bwhere\b", re.MULTILINE)
_IMPORT: Final = re.compile(r"^import\s[^\n]*(?:\n|\Z)", re.MULTILINE)
_KOTLIN_MAIN: Final = re.compile(
    r"^fun\s+main\s*\((?P<words>\s*\w+\s*:\s*Array<String>)?\s*\)", re.MULTILINE
)
_KOTLIN_PACKAGE: Final = re.compile(r"^package\s+([\w.]+)[^\n]*(?:\n|\Z)", re.MULTILINE)
_SCALA_MAIN: Final = re.compile(r"\bdef\s+main\s*\(|\bextends\s+App\b")
_SCALA_OBJECT: Final = re.compile(r"\bobject\s+(\w+)")
_HASKELL_IMPORTS: Final = (
    "import qualified Control.Monad as ZzzM\nimport qualified Data.List as ZzzL\n"
    "import qualified System.IO as ZzzS\n"
)
_HASKELL_HARNESS: Final = """
main :: ZzzS.IO ()
main = {name} ZzzM.>> ZzzS.putStr ("{first}" ZzzL.++ "{last}") ZzzM.>> ZzzS.hFlush ZzzS.stdout
"""
_KOTLIN_HARNESS: Final = """
fun main() {{
    {name}({words})
    System.out.flush()
    java.io.FileOutputStream(java.io.FileDescriptor.out).write(("{first}" + "{last}").toByteArray())
}}
"""
_SCALA_HARNESS: Final = """
object {name} {{
  def main(words: Array[String]): Unit = {{
    {main}.main(words)
    System.out.flush()
    new java.io.FileOutputStream(java.io.FileDescriptor.out)
      .write(("{first}" + "{last}").getBytes)
  }}
}}
"""


def compose_haskell(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one module.

    Raises:
        NoTests: the test code has no `main`.
    """
    toolchain, name = TOOLCHAINS[Language.HASKELL], f"main_{secrets.token_hex(8)}"
    source, found = _HASKELL_MAIN.subn(name, test.source)
    if not found:
        raise NoTests("it has no `main`")
    program = f"{test.before}\n{program}" if test.before else program
    head = _HASKELL_HEAD.match(program)
    begin = head.end() if head else 0
    imports = "".join(_IMPORT.findall(source))
    text = "".join(
        [
            program[:begin],
            _HASKELL_IMPORTS,
            imports if imports.endswith("\n") or not imports else f"{imports}\n",
            _HASKELL_MODULE.sub("", program[begin:], count=1),
            f"\n{_IMPORT.sub('', source)}",
            _HASKELL_HARNESS.format(name=name, **mark._asdict()),
        ]
    )
    files = {**test.files, toolchain.file: text}
    return Composed(Build.of(toolchain, files, ("-O0", *test.options)), mark.text)


def compose_kotlin(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one file.

    Raises:
        NoTests: the test code has no `fun main` of its own.
    """
    toolchain, name = TOOLCHAINS[Language.KOTLIN], f"main_{secrets.token_hex(8)}"
    main = _KOTLIN_MAIN.search(test.source)
    if main is None:
        raise NoTests("it has no `fun main()`")
    words = "arrayOf()" if main["words"] else ""
    source = f"{test.source[: main.start()]}fun {name}({main['words'] or ''})"
    source += test.source[main.end() :]
    imports = "".join(line.rstrip("\n") + "\n" for line in _IMPORT.findall(source))
    whole = joined(Language.KOTLIN, test, program, _IMPORT.sub("", source))
    package = _KOTLIN_PACKAGE.search(whole)
    whole = _KOTLIN_PACKAGE.sub("", whole, count=1)
    harness = _KOTLIN_HARNESS.format(name=name, words=words, **mark._asdict())
    head = f"{package[0] if package else ''}\n{imports}"
    files = {**test.files, toolchain.file: f"{head}{whole}{harness}"}
    build = Build.of(toolchain, files, test.options)
    main_class = f"{package[1]}.MainKt" if package else "MainKt"
    return Composed(build._replace(main=main_class), mark.text)


def compose_scala(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of one file.

    Raises:
        NoTests: no object of the test code has a `main`.
    """
    toolchain, name = TOOLCHAINS[Language.SCALA], f"Harness{secrets.token_hex(8)}"
    main = _SCALA_MAIN.search(test.source)
    objects = _SCALA_OBJECT.findall(test.source[: main.start()] if main else "")
    if main and not objects:
        # The tests go on in an object of the candidate's, which their set names in the prompt.
        # Where a candidate has begun none, the compiler says so.
        objects = _SCALA_OBJECT.findall(program)[:1] or ["Main"]
    if not objects:
        raise NoTests("no object has a `def main`, or extends `App`")
    harness = _SCALA_HARNESS.format(name=name, main=objects[-1], **mark._asdict())
    files = {**test.files, toolchain.file: joined(Language.SCALA, test, program) + harness}
    build = Build.of(toolchain, files, test.options)
    return Composed(build._replace(main=name), mark.text)
