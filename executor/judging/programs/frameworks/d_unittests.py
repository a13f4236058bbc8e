"""Test programs in D: blocks `unittest`, which run in the order of the text, and then `main`.

A last block of ours leaves a sign, without which a `main` around the program's own writes no mark:
a candidate may take the tests out of the text, or put another runner in the place of the usual one.
"""

import re
import secrets
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Mark, NoTests
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_TESTS: Final = re.compile(r"\bunittest\b|\bmain\s*\(")
_LAST: Final = """
extern (C) extern __gshared ubyte {name};
unittest {{ {name} = 1; }}
"""
_HARNESS: Final = """\
module {name}_harness;
extern (C) __gshared ubyte {name};
extern (C) __gshared string[] rt_options = ["testmode=run-main"];
extern (C) int __real_main(int, char**, char**);
extern (C) ptrdiff_t write(int, const(void)*, size_t);
extern (C) int __wrap_main(int count, char** words, char** environment)
{{
    const status = __real_main(count, words, environment);
    if (status == 0 && {name} == 1
        && (write(1, "{first}".ptr, 32) != 32 || write(1, "{last}".ptr, 32) != 32)) return 70;
    return status;
}}
"""
_WORDS: Final = ("-main", "-unittest", "-L--wrap=main")


def compose_d(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of two modules, of which one is the harness.

    Raises:
        NoTests: the test code has neither a block `unittest` nor a `main`.
    """
    if not _TESTS.search(test.source):
        raise NoTests("it has neither a block `unittest` nor a function `main`")
    toolchain, name = TOOLCHAINS[Language.D], f"zzz_{secrets.token_hex(16)}"
    harness = "harness.d"
    files = {
        **test.files,
        toolchain.file: joined(Language.D, test, program) + _LAST.format(name=name),
        harness: _HARNESS.format(name=name, **mark._asdict()),
    }
    build = Build.of(toolchain, files, (harness, *_WORDS, *test.options))
    # As the set's authors compile; the compiler takes one word for this only.
    unoptimized = tuple("-O0" if word == "-O" else word for word in build.command)
    return Composed(build._replace(command=unoptimized), mark.text)
