"""Test programs in Verilog: a test bench that simulates a candidate's modules, and finishes.

A run is believed if the test bench's own `$finish` was met: it leaves a sign in a module of a name
that nobody knows, and what runs at the very end writes the mark only where that is. Failed
assertions (`$error`, `$fatal`) count, and so does the number of mismatches that the test benches of
VerilogEval print.
"""

import re
import secrets
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Mark, NoTests
from executor.judging.programs.words import words
from executor.languages import TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

TOP_MODULE: Final = "-s"
"""What stands behind it, or is the next word, names a module that nothing else has."""
_REPORT: Final = re.compile(
    r"^(?:ERROR: |FATAL: |Mismatches: (?:(?P<passed>0)|\d+) in )(?P<name>[^\n]*)", re.MULTILINE
)
_COUNTED: Final = "Mismatches: "
_REST: Final = re.compile(r"\s*(?:\(\s*\d*\s*\))?\s*;")
_HARNESS: Final = """\
module {name};
  bit is_done = 0;
  final if (is_done) $write("%s%s", "{first}", "{last}");
endmodule
"""


def compose_verilog(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of two files, of which one is the harness.

    Raises:
        NoTests: the test bench never finishes.
    """
    toolchain, name = TOOLCHAINS[Language.VERILOG], f"zzz_{secrets.token_hex(16)}"
    parts, at = list[str](), 0
    for word in words(test.source, Language.VERILOG):
        rest = _REST.match(test.source, word.end) if word.text == "$finish" else None
        if rest is not None:
            signed = f"begin {name}.is_done = 1; $finish; end"
            parts += [test.source[at : word.start], signed]
            at = rest.end()
    if not parts:
        raise NoTests("its test bench calls no `$finish`")
    source = "".join([*parts, test.source[at:]])
    harness = "harness.sv"
    files = {
        **test.files,
        toolchain.file: joined(Language.VERILOG, test, program, source),
        harness: _HARNESS.format(name=name, **mark._asdict()),
    }
    # Where the top module is named, every other one has to be.
    is_named = any(word.startswith(TOP_MODULE) for word in test.options)
    top = (TOP_MODULE, name) if is_named else ()
    build = Build.of(toolchain, files, (harness, *top, *test.options))
    return Composed(build, mark.text, _REPORT, int(_COUNTED in test.source))
