"""Whose a module is that test code imports: the candidate's, or one that is there without it."""

import ast
import importlib.util
import sys
from collections.abc import Collection, Iterator

OF_THE_CANDIDATE = ("solution", "candidate", "submission")
"""Modules that are the candidate's whatever it defines."""


def candidate_modules(source: str, program: str, files: Collection[str]) -> list[str]:
    """Return the modules that tests import and that can only be the candidate, in order.

    They are those of the usual names, and those that nobody else brings and of which the tests take
    something that the program defines.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: one of them does not compile.
    """
    tree = ast.parse(source)
    defined = set(_defined(ast.parse(program).body))
    found: dict[str, None] = {}
    for module, names in _imports(tree):
        usual = module in OF_THE_CANDIDATE and f"{module}.py" not in files
        if usual or (names & defined and not _is_brought(module.partition(".")[0], files)):
            found[module] = None
    return list(found)


def _imports(tree: ast.Module) -> Iterator[tuple[str, set[str]]]:
    """Yield the modules that are imported, each with the names that are taken from it."""
    attributes: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            attributes.setdefault(ast.unparse(node.value), set()).add(node.attr)
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                for alias in names:
                    yield alias.name, attributes.get(alias.asname or alias.name, set())
            case ast.ImportFrom(str(module), names, 0):
                yield module, {alias.name for alias in names}


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
    return (
        first in sys.stdlib_module_names
        or first == "pytest"
        or (first != "" and importlib.util.find_spec(first) is not None)
    )
