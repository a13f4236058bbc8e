"""DS-1000: snippets that are put into a given context, and judged by running it."""

import ast
from typing import Any, Final

from pydantic import BaseModel

from infra import errors
from infra.composing import Frame
from infra.contracts.base import IntegrityRule
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources

_HOLE: Final = "[insert]"
_TEST: Final = '''

# Both take an argument that pytest would look for a fixture for.
_execution = test_execution
del test_execution


def _snippet():
    """Return the program's text without the context that it was completed with."""
    import pathlib

    path = pathlib.Path(__file__).with_name("solution.py")
    text = path.read_text(encoding="utf-8", errors="surrogatepass").strip("\\n")
    before, _, after = exec_context.strip("\\n").partition("[insert]")
    if text.startswith(before) and text.endswith(after):
        return text[len(before) : len(text) - len(after)]
    return text


def test_what_it_does():
    _execution(_snippet())
'''
_TEST_STRING: Final = """

_string = test_string
del test_string


def test_how_it_is_written():
    _string(_snippet())
"""


class _Record(BaseModel):
    """A record of the simplified edition, as far as it is used."""

    prompt: str
    reference_code: str
    code_context: str
    metadata: dict[str, Any] = {}


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record; a program is the context with the snippet in it.

    Raises:
        errors.InvalidInput: its code is no Python, or lacks the context or the test.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    tree = sources.tree_of(record.code_context, "code_context")
    context = _context(tree)
    named = {node.name for node in sources.definitions(tree)}
    if context is None or context.count(_HOLE) != 1 or "test_execution" not in named:
        raise errors.InvalidInput(
            f"code_context: expected `test_execution`, and `exec_context` with one {_HOLE}"
        )
    before, _, after = context.partition(_HOLE)
    number = record.metadata.get("problem_id")
    if not isinstance(number, int | str):
        raise errors.InvalidInput("metadata: `problem_id` is missing")
    tests = _TEST + (_TEST_STRING if "test_string" in named else "")
    return Problem(
        slug=f"DS-1000/{number}",
        prompt=record.prompt,
        tests=(AssertTest(source=record.code_context + tests, module="solution"),),
        # What is judged is the text of a program, which no other process sees.
        integrity=IntegrityRule.SHARED,
        reference_program=before + record.reference_code + after,
        metadata={
            "source": "DS-1000",
            **{key: record.metadata[key] for key in ("library",) if key in record.metadata},
            **Frame(before=before, after=after).metadata(),
        },
    )


def _context(tree: ast.Module) -> str | None:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "exec_context":
            text = node.value.value if isinstance(node.value, ast.Constant) else None
            return text if isinstance(text, str) else None
    return None
