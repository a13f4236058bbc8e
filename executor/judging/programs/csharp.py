"""Test programs in C#: the `Main` of the test code, called by one of ours.

It gets a name that nobody knows, so that a candidate's own `Main` is never taken for it, and stays
in the class it stands in, which may be one that the candidate has begun.
"""

import re
import secrets
from collections.abc import Iterator
from typing import Final

from executor.judging.native.builds import Build
from executor.judging.programs.joining import joined
from executor.judging.programs.marks import Composed, Mark, NoTests
from executor.judging.programs.words import words
from executor.languages import COMPARISON, TOOLCHAINS
from infra.contracts.base import Language
from infra.contracts.problems import ProgramTest

_MAIN: Final = re.compile(
    r"\b(?P<how>(?:(?:public|private|internal|protected|static|async|unsafe)\s+){1,6})"
    r"(?P<result>void|int|(?:System\.Threading\.Tasks\.)?Task(?:\s*<\s*int\s*>)?)\s+Main\s*"
    r"\(\s*(?P<words>(?:string|String)\s*\[\s*\]\s*\w+)?\s*\)"
)
_DOTTED: Final = re.compile(r"[\w.]+")
_SCOPE: Final = frozenset({"namespace", "class", "struct"})
_LIBRARY: Final = "KellermanSoftware"
"""What every test program of MBXP in C# compares with."""
_HARNESS: Final = """\
static class {name}
{{
    static int Main()
    {{
        {call}
        System.Console.Out.Flush();
        var output = System.Console.OpenStandardOutput();
        foreach (var half in new[] {{ "{first}", "{last}" }})
            output.Write(System.Text.Encoding.ASCII.GetBytes(half), 0, half.Length);
        return 0;
    }}
}}
"""


def compose_csharp(test: ProgramTest, program: str, mark: Mark) -> Composed:
    """Compose a program of two files, of which one is the harness.

    Raises:
        NoTests: the test code has no `static Main`.
    """
    toolchain, name = TOOLCHAINS[Language.CSHARP], f"Main_{secrets.token_hex(8)}"
    mains = (found for found in _MAIN.finditer(test.source) if "static" in found["how"])
    main = next(mains, None)
    if main is None:
        raise NoTests("it has no `static void Main()`")
    how = "async " if "async" in main["how"] else ""
    head = f"internal static {how}{main['result']} {name}({main['words'] or ''})"
    source = test.source[: main.start()] + head + test.source[main.end() :]
    text = joined(Language.CSHARP, test, program, source)
    # Where a candidate has left no class open for it, the compiler says so.
    place = ".".join([*_scopes(text, text.index(head)), name])
    harness = f"Harness_{secrets.token_hex(8)}"
    call = _call(f"global::{place}({'new string[0]' if main['words'] else ''})", main)
    files = {
        **test.files,
        toolchain.file: text,
        "harness.cs": _HARNESS.format(name=harness, call=call, **mark._asdict()),
    }
    libraries = (COMPARISON,) if _LIBRARY in text else ()
    more = ("harness.cs", *libraries, f"-main:{harness}", *test.options)
    return Composed(Build.of(toolchain, files, more), mark.text)


def _call(called: str, main: re.Match[str]) -> str:
    """Return a statement that calls the tests, and ends with their status where that is not 0."""
    result = main["result"]
    if result.endswith("Task"):
        return f"{called}.GetAwaiter().GetResult();"
    if result == "void":
        return f"{called};"
    status = called if result == "int" else f"{called}.GetAwaiter().GetResult()"
    return f"int status = {status}; if (status != 0) return status;"


def _scopes(text: str, end: int) -> Iterator[str]:
    """Return the namespaces and classes that are open at a place in a text."""
    opened: list[str] = []
    keyword, name = "", ""
    for word in words(text[:end], Language.CSHARP):
        if word.kind == "name":
            if word.text in _SCOPE and not keyword:
                keyword = word.text
            elif keyword and not name:
                dotted = _DOTTED.match(text, word.start)
                name = dotted[0] if dotted and keyword == "namespace" else word.text
        elif word.text == "{":
            opened.append(name)
            keyword = name = ""
        elif word.text == "}" and opened:
            opened.pop()
        elif word.text == ";":
            keyword = name = ""
    yield from (name for name in opened if name)
