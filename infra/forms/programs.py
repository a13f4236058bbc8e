"""Sets of functions in other languages than Python, with the test programs of their authors.

HumanEval-X and HumanEvalPack, MBXP, VerilogEval, and MultiPL-E. Each test program is put together
as its authors do it.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from pydantic import BaseModel

from infra import errors
from infra.composing import Frame
from infra.contracts.base import Language
from infra.contracts.problems import Problem, ProgramTest
from infra.forms import languages
from infra.forms.asked.programs import calls

STOP: Final = "stop_tokens"
"""Key of the metadata that says at which texts a completion ends."""
_Made = tuple[ProgramTest, Frame]
_CPP_HEADERS: Final = "".join(
    f"#include<{name}>\n"
    for name in (
        "stdlib.h", "algorithm", "cmath", "math.h", "numeric", "stdio.h", "vector", "set", "map",
        "queue", "stack", "list", "deque", "string", "climits", "cstring", "iostream", "sstream",
        "fstream",
    )
)  # fmt: skip
"""What HumanEval-X includes before each program of C++."""
_GO_PACKAGES: Final = (
    "math", "strings", "fmt", "strconv", "time", "bytes", "regexp", "sort", "math/rand",
    "crypto/md5",
)  # fmt: skip
"""What HumanEval-X imports where a program of Go speaks of it."""
_LAST_NAME: Final = re.compile(
    r"\(define\s+\(\s*(?:(\w+)(?=[\s)])|\S)"
    r"|(?:\b(?:const|let|var)\s+(\w+)\s*(?::[^=]*)?=|(\w+)\s*(?:<[^<>()]*>)?\s*\()"
)


class _Record(BaseModel):
    """A record of HumanEval-X, HumanEvalPack, MBXP or VerilogEval, as far as it is used."""

    task_id: str
    prompt: str
    test: str
    entry_point: str | None = None
    declaration: str | None = None
    """Of HumanEval-X and HumanEvalPack alone."""
    test_setup: str = ""
    canonical_solution: str | None = None
    buggy_solution: str | None = None


class _MultiPlE(BaseModel):
    """A record of MultiPL-E."""

    name: str
    language: str
    prompt: str
    tests: str
    stop_tokens: tuple[str, ...] = ()


def to_problem(fields: dict[str, Any], named: languages.Named) -> Problem:
    """Make a problem of a record of HumanEval-X, HumanEvalPack, MBXP or VerilogEval.

    Raises:
        errors.InvalidInput: its set has no such language.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    make = _MBXP if record.declaration is None else _HUMAN_EVAL_X
    if named.language not in make:
        raise languages.refusal(named.name)
    test, frame = make[named.language](record)
    solution = record.canonical_solution
    entry_point = record.entry_point or _declared(record.declaration or record.prompt)
    if solution is not None and named.language is not None:
        # Without a reference program nothing would show that they ask the same.
        asked = calls(test.source, named.language, entry_point)
        test = test.model_copy(update={"calls": asked})
    source = "HumanEval-X" if record.buggy_solution is None else "HumanEvalPack"
    if record.declaration is None:
        source = "VerilogEval" if named.language is Language.VERILOG else "MBXP"
    return Problem(
        slug=record.task_id,
        prompt=record.prompt,
        entry_point=entry_point,
        language=named.language,
        tests=(test,),
        reference_program=None if solution is None else frame.before + solution,
        metadata={
            "source": source,
            **({} if frame.before == record.prompt else frame.metadata()),
        },
    )


def verilog_eval(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of VerilogEval.

    Raises:
        errors.InvalidInput: its test is no test bench.
        pydantic.ValidationError: a field is wrong.
    """
    named = languages.named(fields)
    if named is None or named.language is not Language.VERILOG:
        raise errors.InvalidInput("its test is no test bench in Verilog")
    return to_problem(fields, named)


def multipl_e(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of MultiPL-E.

    Its tests begin with what closes the function, at which its models are stopped.

    Raises:
        errors.InvalidInput: it is in a language that no executor can run.
        pydantic.ValidationError: a field is wrong.
    """
    record = _MultiPlE.model_validate(fields)
    named = languages.named({"language": record.language})
    if named is None or named.language is None:
        raise languages.refusal(named.name if named else record.language)
    options = ("-std=c++17",) if named.language is Language.CPP else ()
    return Problem(
        slug=f"{record.language}/{record.name}",
        prompt=record.prompt,
        entry_point=_declared(record.prompt),
        language=named.language,
        tests=(ProgramTest(source=record.tests, options=options),),
        metadata={"source": "MultiPL-E", STOP: list(record.stop_tokens)},
    )


def _declared(text: str) -> str | None:
    """Return the name of the function that a text ends in the head of; None where it is no word."""
    for line in reversed(text.split("\n")):
        found = _LAST_NAME.search(line.partition("//")[0])
        if found:
            return next((name for name in found.groups() if name), None)
    return None


def _whole(record: _Record) -> Frame:
    return Frame(before=record.prompt)


def _cpp(record: _Record) -> _Made:
    # One of its problems asks for MD5.
    libraries = ("-lssl", "-lcrypto") if "openssl/" in record.prompt else ()
    options = ("-std=c++11", *libraries)
    test = ProgramTest(source=record.test, before=_CPP_HEADERS, options=options)
    return test, _whole(record)


def _go(record: _Record) -> _Made:
    # A completion of a function can import nothing.
    test = ProgramTest(source=record.test, before=record.test_setup, imports=_GO_PACKAGES)
    return test, _whole(record)


def _plain(record: _Record) -> _Made:
    return ProgramTest(source=record.test), _whole(record)


def _silent(record: _Record) -> _Made:
    # `console.assert` writes, and neither throws nor changes the exit status.
    return ProgramTest(source=record.test, silent=True), _whole(record)


def _rust(record: _Record) -> _Made:
    return ProgramTest(source=record.test), Frame(before=record.declaration or record.prompt)


def _mbxp_cpp(record: _Record) -> _Made:
    return ProgramTest(source=record.test, options=("-std=gnu++17",)), _whole(record)


def _mbxp_typescript(record: _Record) -> _Made:
    options = ("--target", "es5", "--lib", "es2016")
    return ProgramTest(source=record.test, options=options), _whole(record)


_Make = Callable[[_Record], _Made]
_HUMAN_EVAL_X: Final[dict[Language | None, _Make]] = {
    Language.CPP: _cpp,
    Language.GO: _go,
    Language.JAVA: _plain,
    Language.JAVASCRIPT: _silent,
    Language.RUST: _rust,
}
_MBXP: Final[dict[Language | None, _Make]] = {
    Language.CPP: _mbxp_cpp,
    Language.CSHARP: _plain,
    Language.GO: _plain,
    Language.JAVA: _plain,
    Language.JAVASCRIPT: _plain,
    Language.PERL: _plain,
    Language.PHP: _plain,
    Language.RUBY: _plain,
    Language.TYPESCRIPT: _mbxp_typescript,
    Language.VERILOG: _plain,
}
