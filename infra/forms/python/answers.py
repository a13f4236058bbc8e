"""Sets that ask for one value: CRUXEval, and the puzzles of PythonProgrammingPuzzles."""

import re
from typing import Any, Final

from pydantic import BaseModel

from infra import errors
from infra.composing import Frame
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources


class _CruxEval(BaseModel):
    """A record of CRUXEval."""

    id: str
    code: str
    input: str
    output: str


def crux_eval(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record of CRUXEval, of which the output is asked.

    A completion is that value as an expression; a whole program defines an `f` that gives it.

    Raises:
        errors.InvalidInput: code, input or output are no Python.
        pydantic.ValidationError: a field is wrong.
    """
    record = _CruxEval.model_validate(fields)
    if not any(node.name == "f" for node in sources.definitions(_tree(record.code, "code"))):
        raise errors.InvalidInput("code: it defines no function `f`")
    _tree(f"f({record.input})", "input")
    _tree(f"({record.output})", "output")
    return Problem(
        slug=f"CRUXEval/{record.id}",
        prompt=(
            f"{record.code.rstrip()}\n\n"
            f"# What completes this, so that it holds?\nassert f({record.input}) == "
        ),
        entry_point="f",
        tests=(AssertTest(source=f"assert f({record.input}) == {record.output}"),),
        reference_program=record.code,
        metadata={
            "source": "CRUXEval",
            **Frame(before="def f(*args, **kwargs):\n    return (", after="\n)\n").metadata(),
        },
    )


def _tree(source: str, where: str) -> Any:
    return sources.tree_of(source, where)


_HAS_TYPE: Final = """

def _has_type(value, kind):
    if kind.startswith("List["):
        return type(value) is list and all(_has_type(item, kind[5:-1]) for item in value)
    return type(value).__name__ == kind


_answer = sol()
"""
_KIND: Final = re.compile(r"(List\[)*(bool|float|int|str)(\])*")


class _Puzzle(BaseModel):
    """A puzzle, as far as it is used."""

    name: str
    sat: str
    ans_type: str | None = None
    sol_header: str = "def sol():"
    sol_docstring: str = ""
    sol_bodies: list[str] = []


def puzzle(fields: dict[str, Any]) -> Problem:
    """Make a problem of a puzzle: `sol()` is to return a value of the type for which `sat` is True.

    Raises:
        errors.InvalidInput: the puzzle is no Python, or asks for a value of an unknown type.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Puzzle.model_validate(fields)
    header = "from typing import Dict, List, Set, Tuple\n\n" + record.sat.rstrip() + "\n"
    if not any(n.name == "sat" for n in sources.definitions(sources.tree_of(header, "sat"))):
        raise errors.InvalidInput("sat: it defines no function `sat`")
    judged = "sat(_answer) is True"
    if record.ans_type is not None:
        if not _KIND.fullmatch(record.ans_type):
            raise errors.InvalidInput(f"ans_type: {record.ans_type!r} is not known")
        judged = f"_has_type(_answer, {record.ans_type!r}) and {judged}"
    opening = f"{record.sol_header.rstrip()}\n{record.sol_docstring.rstrip()}".rstrip() + "\n"
    return Problem(
        slug="P3/" + re.sub(r"[^A-Za-z0-9_.-]", "_", record.name),
        prompt=f"{record.sat.rstrip()}\n\n\n# Return what `sat` is True of.\n{opening}",
        entry_point="sol",
        tests=(AssertTest(source=f"{header}{_HAS_TYPE}assert {judged}\n"),),
        prelude=header,
        reference_program=opening + record.sol_bodies[0] + "\n" if record.sol_bodies else None,
        metadata={"source": "PythonProgrammingPuzzles", **Frame(before=opening).metadata()},
    )
