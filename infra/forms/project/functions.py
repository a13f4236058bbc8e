"""The functions of a file, each to be put back into it, and what is shown of a file."""

import ast
import io
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from infra import errors
from infra.composing import Frame
from infra.forms import sources

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Place(NamedTuple):
    """A function in a file, without what it does."""

    name: str
    """`function`, or `Class.method`."""
    frame: Frame
    """What stands before and behind it."""
    head: str
    """Its decorators, its declaration and its docstring, as they stand in the file."""


def place_of(source: str, tree: ast.Module, name: str) -> Place:
    """Return the place of a function of a module or a class.

    Raises:
        errors.InvalidInput: there is none of that name, or several.
    """
    found = [node for known, node in functions(tree.body) if known == name]
    if len(found) != 1:
        count = "no" if not found else "more than one"
        raise errors.InvalidInput(f"there is {count} function `{name}`")
    node = found[0]
    lines = _lines(source)
    first, last = sources.first_line(node), node.end_lineno or node.lineno
    if _is_shared(lines, node):
        raise errors.InvalidInput(f"`{name}` shares a line with other code")
    frame = Frame(
        before="".join(lines[: first - 1]),
        after="\n" + "".join(lines[last:]),
        indent=" " * node.col_offset,
    )
    return Place(name, frame, "".join(lines[first - 1 : _first_of_body(node) - 1]))


def functions(body: Iterable[ast.stmt], prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield the functions of a module and of its classes, by their names."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield prefix + node.name, node
            case ast.ClassDef():
                yield from functions(node.body, f"{prefix}{node.name}.")
            case ast.If() | ast.Try() | ast.With():
                inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
                yield from functions(inner, prefix)


def without_bodies(source: str, tree: ast.Module) -> str:
    """Return a file of which the functions do nothing, their docstrings kept."""
    lines = _lines(source)
    for _, node in sorted(functions(tree.body), key=lambda one: -one[1].lineno):
        first = _first_of_body(node)
        if not _is_shared(lines, node):
            indent = " " * node.body[0].col_offset
            lines[first - 1 : node.end_lineno] = [f"{indent}...\n"]
    return "".join(lines)


def _lines(source: str) -> list[str]:
    """Return a file's lines as Python counts them, with their ends."""
    return io.StringIO(source, newline="").readlines()


def _is_shared(lines: list[str], node: Function) -> bool:
    """Tell whether a function has not got its lines for itself."""
    first, last = sources.first_line(node), node.end_lineno or node.lineno
    before = lines[first - 1][: len(lines[first - 1]) - len(lines[first - 1].lstrip())]
    rest = lines[last - 1].encode()[node.end_col_offset or 0 :].strip()
    on_one_line = node.body[0].lineno == node.lineno
    return on_one_line or len(before) != node.col_offset or rest[:1] not in (b"", b"#")


def _first_of_body(node: Function) -> int:
    """Return the first line of what a function does behind its docstring."""
    rest = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not rest:
        return (node.end_lineno or node.lineno) + 1
    first = rest[0]
    return sources.first_line(first) if isinstance(first, sources.Definition) else first.lineno
