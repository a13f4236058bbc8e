"""Whose a module is that test code imports: the candidate's, or one that is there without it."""

import ast
import importlib.util
import sys
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from typing import Any

OF_THE_CANDIDATE = ("solution", "candidate", "submission")
"""Modules that are the candidate's whatever it defines."""


def candidate_modules(
    imports: Sequence[Sequence[Any]], program: str, files: Collection[str]
) -> list[str]:
    """Return the modules that tests import and that can only be the candidate, in order.

    They are those of the usual names, and those that nobody else brings and of which the tests take
    something that the program defines. `imports` is what `imports_of` has found.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the program does not compile.
    """
    defined = set(_defined(ast.parse(program).body))
    found: dict[str, None] = {}
    for module, names in imports:
        usual = module in OF_THE_CANDIDATE and f"{module}.py" not in files
        taken = defined.intersection(names)
        if usual or (taken and not _is_brought(module.partition(".")[0], files)):
            found[module] = None
    return list(found)


def imports_of(source: str) -> list[tuple[str, list[str]]]:
    """Return the modules that are imported, each with the names that are taken from it.

    Those of the standard library that are imported whole are left out.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = ast.parse(source)
    found: list[tuple[str, list[str]]] = []
    attributes: dict[str, list[str]] | None = None
    for node in _statements(tree):
        match node:
            case ast.Import(names):
                for alias in names:
                    if not _is_standard(alias.name):
                        attributes = _attributes(tree) if attributes is None else attributes
                        taken = attributes.get(alias.asname or alias.name, [])
                        found.append((alias.name, taken))
            case ast.ImportFrom(str(module), names, 0):
                found.append((module, [alias.name for alias in names]))
    return found


def _statements(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield statements from the outermost on: what most nodes are, expressions, imports nothing."""
    waiting: deque[ast.AST] = deque([tree])
    while waiting:
        node = waiting.popleft()
        yield node
        for field in ("body", "handlers", "orelse", "finalbody", "cases"):
            inner = getattr(node, field, None)
            if isinstance(inner, list):
                waiting += inner


def _attributes(tree: ast.Module) -> dict[str, list[str]]:
    """Return the attributes that are taken from each expression, by its text."""
    found: dict[str, list[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found.setdefault(ast.unparse(node.value), []).append(node.attr)
    return found


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.If() | ast.Try() | ast.With():
                inner = [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
                yield from _defined(inner)
            case ast.Assign() | ast.AnnAssign() | ast.Import() | ast.ImportFrom():
                for name in ast.walk(node):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        yield name.id


def _is_brought(module: str, files: Collection[str]) -> bool:
    """Tell whether a module is there without the candidate."""
    folder = f"{module}/"
    beside = f"{module}.py" in files or any(name.startswith(folder) for name in files)
    return beside or is_library(module)


def is_library(module: str) -> bool:
    """Tell whether a module is of the standard library, pytest's, or of an installed package."""
    first = module.partition(".")[0]
    return _is_standard(first) or (first != "" and importlib.util.find_spec(first) is not None)


def _is_standard(module: str) -> bool:
    first = module.partition(".")[0]
    return first in sys.stdlib_module_names or first == "pytest"
