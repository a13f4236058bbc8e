"""Whether the compiler takes the options of test code: a program that does nothing is compiled.

Where it compiles without them and not with them, no candidate does, and the suite is at fault.
"""

import itertools
from collections.abc import Sequence
from typing import Final

from executor.judging.host import CompileFailed
from executor.judging.native.runner import NativeRunner
from executor.judging.programs.composing import composed
from executor.judging.programs.marks import NoTests
from executor.sandbox.ended import Ended
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_EMPTY: Final = {
    Language.BASH: ":",
    Language.C: "int main(void) { return 0; }",
    Language.CPP: "int main() { return 0; }",
    Language.CSHARP: "class Empty { static void Main() { } }",
    Language.D: "void main() { }",
    Language.GO: "func main() { }",
    Language.HASKELL: "main :: IO ()\nmain = return ()",
    Language.JAVA: "class Empty { public static void main(String[] words) { } }",
    Language.JAVASCRIPT: ";",
    Language.KOTLIN: "fun main() { }",
    Language.LUA: "local x = 1",
    Language.PERL: "1;",
    Language.PHP: "<?php ;",
    Language.R: "1",
    Language.RACKET: "(void)",
    Language.RUBY: "nil",
    Language.RUST: "fn main() { }",
    Language.SCALA: "object Empty { def main(words: Array[String]): Unit = { } }",
    Language.TYPESCRIPT: ";",
}
"""Test code that does nothing."""
_BEFORE: Final = {Language.GO: "package main"}
_TOP_MODULE: Final = "-s"
"""Of Verilog: the word behind it names a module, which has to be there."""
MOST_CHARACTERS: Final = 500


def refused(native: NativeRunner, language: Language, test: ProgramTest) -> str | None:
    """Say what the compiler has against the options of a test, if it refuses them.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    if not test.options:
        return None
    complaint = _complaint(native, language, test, test.options)
    if complaint is None or _complaint(native, language, test, ()) is not None:
        return None
    return f"the compiler refuses the options {' '.join(test.options)}: {complaint}"


def _complaint(
    native: NativeRunner, language: Language, test: ProgramTest, options: Sequence[str]
) -> str | None:
    # The files are there, for options may name them, and have nothing that asks for the candidate.
    content = _BEFORE.get(language, "")
    empty = ProgramTest(
        source=_empty(language, options),
        before=content,
        files=dict.fromkeys(test.files, content),
        options=tuple(options),
    )
    try:
        native.build(composed(language, empty, "").build)
    except CompileFailed as failure:
        return str(failure).strip()[:MOST_CHARACTERS]
    except (Ended, NoTests):
        pass  # It is not known.
    return None


def _empty(language: Language, options: Sequence[str]) -> str:
    if language is not Language.VERILOG:
        return _EMPTY[language]
    named = {top for word, top in itertools.pairwise(options) if word == _TOP_MODULE}
    return "\n".join(
        f"module {name}(); initial $finish; endmodule" for name in sorted(named) or ["empty"]
    )
