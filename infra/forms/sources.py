"""Reads the Python inside of records, and never runs it."""

import ast
import re
import sys
from collections.abc import Iterator
from typing import Final

from infra import errors
from infra.parsing import parse

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# What a line of the language begins with, and no line of Python.
_LOOKS: Final = (
    ("PHP", r"<\?php"),
    ("C++", r"#include\b|#undef\b|using namespace\b|std::"),
    ("Java", r"import java|public (static |final )*(class|void|interface)\b|class \w+ \{"),
    ("Kotlin", r"fun \w+\("),
    ("Rust", r"#\[|use std\b|(pub )?fn \w+"),
    ("Go", r"package \w+$|func \w*\(?|import \("),
    ("TypeScript", r"import \* as\b|let \w+ ?:|const \w+ ?:"),
    ("JavaScript", r"(const|let|var) \w+ ?=|function \w+\(|console\."),
)


def tree_of(source: str, where: str) -> ast.Module:
    """Parse Python.

    Raises:
        errors.InvalidInput: it is none; `where` names it, and the language is named if it shows.
    """
    try:
        return parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        looks = looks_like(source)
        if looks is not None:
            raise errors.InvalidInput(f"the row is in {looks}: {where} is not Python") from None
        raise errors.InvalidInput(f"{where} is not Python: {error}") from None


def looks_like(source: str) -> str | None:
    """Name the language that a source which is not Python shows, None if it shows none."""
    lines = [line.strip() for line in source.splitlines()]
    return next(
        (name for name, start in _LOOKS if any(re.match(start, line) for line in lines)), None
    )


def definitions(tree: ast.Module) -> list[Definition]:
    """Return the functions and classes of a module."""
    return [node for node in tree.body if isinstance(node, Definition)]


def first_line(node: Definition) -> int:
    """Return the line that a function or class begins in, decorators included."""
    return min([node.lineno, *(one.lineno for one in node.decorator_list)])


def names_read(tree: ast.AST) -> set[str]:
    """Return the names that a program uses, wherever it does."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that a program imports, wherever it does."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""


def imports(tree: ast.Module, optional: bool = False) -> str:
    """Return the import statements of a module; those of packages may fail if `optional`."""
    return "".join(
        _import(node, optional)
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom)
    )


def with_optional_packages(source: str, where: str) -> str:
    """Return a set's header, in which the import of a package that is not installed is passed over.

    Such a header serves all problems of a set, and few need all of it.

    Raises:
        errors.InvalidInput: it is no Python; `where` names it.
    """
    lines = source.split("\n")
    for node in reversed(tree_of(source, where).body):
        if isinstance(node, ast.Import | ast.ImportFrom) and not _is_standard(node):
            lines[node.lineno - 1 : node.end_lineno] = _import(node, True).rstrip("\n").split("\n")
    return "\n".join(lines)


def _import(node: ast.Import | ast.ImportFrom, optional: bool) -> str:
    line = ast.unparse(node)
    if not optional or _is_standard(node):
        return line + "\n"
    return f"try:\n    {line}\nexcept ImportError:\n    pass\n"


def _is_standard(node: ast.Import | ast.ImportFrom) -> bool:
    modules = (
        [alias.name for alias in node.names]
        if isinstance(node, ast.Import)
        else [node.module or ""]
    )
    return all(name.partition(".")[0] in sys.stdlib_module_names for name in modules)
