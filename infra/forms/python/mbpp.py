"""MBPP, its sanitized edition, and MBPP+: a task in words and asserts."""

import ast
from typing import Any

from pydantic import AliasChoices, BaseModel, Field

from infra.composing import WHOLE
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources
from infra.forms.python import evalplus
from infra.parsing import parse


class _Record(BaseModel):
    """A record of MBPP, as far as it is used; its sanitized edition calls `text` `prompt`."""

    task_id: int | str
    text: str = Field(validation_alias=AliasChoices("text", "prompt"))
    test_list: tuple[str, ...] = Field(min_length=1)
    code: str | None = None
    test_setup_code: str | None = None
    test_imports: tuple[str, ...] = ()
    challenge_test_list: tuple[str, ...] = ()
    test: str | None = None
    """All tests of EvalPlus's edition, in which `test_list` only shows what is asked."""


def slug_of(task_id: object) -> str:
    """Name a problem as we do; a bare number is one of MBPP, which EvalPlus writes `Mbpp`."""
    text = str(task_id)
    number = text.removeprefix("Mbpp/")
    return f"MBPP/{number}" if number.isdecimal() else text


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record.

    Raises:
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    asserts = [line.replace("\r\n", "\n") for line in record.test_list]
    setup = (record.test_setup_code or "").replace("\r\n", "\n")
    tests = [record.test.replace("\r\n", "\n")] if record.test else asserts
    source = "\n".join(part for part in (*record.test_imports, setup, *tests) if part)
    source = evalplus.with_equal_shapes(source)
    sources.tree_of(source, "the test")
    return Problem(
        slug=slug_of(record.task_id),
        prompt=record.text + "\nYour code should pass these tests:\n" + "\n".join(asserts) + "\n",
        entry_point=_called(asserts, record.code),
        tests=(AssertTest(source=source),),
        reference_program=record.code,
        metadata={
            "source": "MBPP",
            "challenge_test_list": list(record.challenge_test_list),
            **WHOLE.metadata(),
        },
    )


def _called(asserts: list[str], code: str | None) -> str | None:
    """Find the function under test: called by the first assert, defined by the reference."""
    try:
        defined = {
            node.name
            for node in parse(code or "").body
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        calls = [
            node.func.id
            for node in ast.walk(parse(asserts[0]))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        ]
    except (SyntaxError, ValueError, IndexError):
        return None
    return next((name for name in calls if name in defined), None)
