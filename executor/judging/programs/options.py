"""Whether the compiler takes the options of test code: a program that does nothing is compiled.

Where it compiles without them and not with them, no candidate does, and the suite is at fault.
"""

import itertools
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Final

from executor.judging.host import CompileFailed
from executor.judging.native.runner import NativeRunner
from executor.judging.programs.composing import composed
from executor.judging.programs.marks import NoTests
from executor.judging.programs.verilog import TOP_MODULE
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
    # It holds without a prelude too.
    Language.HASKELL: ("import qualified Prelude\nmain :: Prelude.IO ()\nmain = Prelude.return ()"),
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
_EMPTY_FILES: Final = {".c": "extern int nothing;"}
"""Of files, by suffix, to which a strict compiler objects if nothing is in them."""
_OF_SYMBOLS: Final = ("--require-defined", "--defsym")
"""What a linker is told of symbols that the candidate may be the one to have."""
MOST_CHARACTERS: Final = 500


def refused(native: NativeRunner, language: Language, test: ProgramTest) -> str | None:
    """Say what the compiler has against the options of a test, if it refuses them.

    Raises:
        errors.SandboxError: the sandbox failed.
    """
    words = [word for word in test.options if not any(part in word for part in _OF_SYMBOLS)]
    if not words:
        return None
    # Files are there, for options may name them: with nothing that asks for the candidate, and as
    # they are, for they may be no source code.
    before = _BEFORE.get(language, "")
    emptied = {name: _EMPTY_FILES.get(PurePath(name).suffix, before) for name in test.files}
    complaint = None
    for files in (emptied, test.files) if test.files else (emptied,):
        complaint = _complaint(native, language, files, words)
        if complaint is None or _complaint(native, language, files, ()) is not None:
            return None
    return f"the compiler refuses the options {' '.join(test.options)}: {complaint}"


def _complaint(
    native: NativeRunner, language: Language, files: Mapping[str, str], options: Sequence[str]
) -> str | None:
    empty = ProgramTest(
        source=_empty(language, options),
        before=_BEFORE.get(language, ""),
        files=files,
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
    named = {top for word, top in itertools.pairwise(options) if word == TOP_MODULE}
    named |= {word.removeprefix(TOP_MODULE) for word in options if word.startswith(TOP_MODULE)}
    named.discard("")
    return "\n".join(
        f"module {name}(); initial $finish; endmodule" for name in sorted(named) or ["empty"]
    )
