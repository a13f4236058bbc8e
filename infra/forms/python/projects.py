"""CoderEval, and what is in its form: a function is put back into a file of a project."""

import ast
import textwrap
from typing import Any

from pydantic import BaseModel, Field

from infra import errors
from infra.composing import Frame
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources


class _Record(BaseModel):
    """A record of CoderEval, with what its project's environment adds: `test` and `files`."""

    id: str = Field(validation_alias="_id")
    name: str
    code: str | None = None
    docstring: str | None = None
    human_label: str | None = None
    level: str | None = None
    project: str | None = None
    file_path: str
    file_content: str
    lineno: int = Field(ge=1)
    """First line of the function in the file, from 1."""
    end_lineno: int = Field(ge=1)
    """Last line of the function in the file."""
    test: str | None = None
    """Test code; it imports the file as a module, or is of one module with it."""
    files: dict[str, str] = {}
    """What else of the project is needed, by path."""


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record; a program is the whole file, a completion the function in it.

    Raises:
        errors.InvalidInput: there is no test, code is no Python, or the lines are not in the file.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    if record.test is None:
        raise errors.InvalidInput(
            "a record of CoderEval has no tests, which are in the environment of its projects: add"
            " them as the field `test`, and further files of the project as `files`"
        )
    frame = _frame(record)
    tree = sources.tree_of(record.test, "the test")
    module = record.file_path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
    imports_it = any(f"{name}.".startswith(f"{module}.") for name in sources.imported(tree))
    imports_it = imports_it or _imports_from_package(tree, module)
    return Problem(
        slug=f"CoderEval/{record.id}",
        prompt=_asked(record, frame),
        entry_point=record.name if record.name.isidentifier() else None,
        tests=(
            AssertTest(
                source=record.test, module=module if imports_it else None, files=record.files
            ),
        ),
        reference_program=record.file_content,
        metadata={
            "source": "CoderEval",
            "project": record.project,
            "file_path": record.file_path,
            "level": record.level,
            **frame.metadata(),
        },
    )


def _frame(record: _Record) -> Frame:
    """Return the file around the function."""
    lines = record.file_content.splitlines(keepends=True)
    if not record.lineno <= record.end_lineno <= len(lines):
        raise errors.InvalidInput(
            f"lineno, end_lineno: the file has {len(lines)} lines, and not"
            f" {record.lineno} to {record.end_lineno}"
        )
    function = "".join(lines[record.lineno - 1 : record.end_lineno])
    tree = sources.tree_of(textwrap.dedent(function), "the function in the file")
    found = sources.definitions(tree)
    if [node.name for node in found] != [record.name] or sources.first_line(found[0]) != 1:
        raise errors.InvalidInput(f"lineno: no function `{record.name}` is there")
    first = lines[record.lineno - 1]
    return Frame(
        before="".join(lines[: record.lineno - 1]),
        after="\n" + "".join(lines[record.end_lineno :]),
        indent=first[: len(first) - len(first.lstrip())],
    )


def _imports_from_package(tree: ast.Module, module: str) -> bool:
    """Tell whether the module is imported by `from package import module`."""
    package, _, name = module.rpartition(".")
    return any(
        isinstance(node, ast.ImportFrom)
        and node.module == package
        and any(alias.name == name for alias in node.names)
        for node in ast.walk(tree)
    )


def _asked(record: _Record, frame: Frame) -> str:
    said = record.human_label or record.docstring or ""
    where = f"`{record.name}` in `{record.file_path}`"
    around = f"{frame.before}{frame.indent}# Here.{frame.after}"
    return f"Write the function {where}: {said.strip()}\n\n```python\n{around}```\n"


def prompt_alone(fields: dict[str, Any]) -> Problem:
    """Refuse a record of CoderEval's prompts.

    Raises:
        errors.InvalidInput: always.
    """
    del fields
    raise errors.InvalidInput(
        "CoderEval's prompts have no tests: join them with its task file (name, file_path,"
        " file_content, lineno, end_lineno) and a field `test`"
    )
