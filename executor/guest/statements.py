"""Statements of test code that check something outside of any test function: a test each."""

import ast
from collections.abc import Iterator

SITE = "__rrtf_site__"
"""Name of what is entered around each of them, with its number."""


def marked(source: str, check: str | None) -> tuple[str, list[str], bool]:
    """Return test code in which each such statement is entered by number, and their names.

    The third is whether some of them are in `check`.

    They are statements of the module, and of the function `check`, that assert something
    themselves, at whatever depth but not in a function, or call a function of the test code that
    asserts. One that fails does not keep the next from its turn.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = ast.parse(source)
    asserting = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(_asserts(node.body))
    }
    marker = _Marker(asserting - {check})
    marker.mark(tree.body)
    outside = len(marker.names)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == check:
            marker.mark(node.body)
    if not marker.names:
        return source, [], False
    text = ast.unparse(ast.fix_missing_locations(tree))
    return text, marker.names, len(marker.names) > outside


def _asserts(body: list[ast.stmt]) -> Iterator[ast.Assert]:
    """Find the asserts of statements that are in none of their functions and classes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assert):
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))


class _Marker:
    """Numbers the statements that check something."""

    def __init__(self, asserting: set[str]) -> None:
        self._asserting = asserting
        self.names: list[str] = []

    def mark(self, body: list[ast.stmt]) -> None:
        """Put a `with` around each statement of a body that is a test."""
        for position, node in enumerate(body):
            if self._is_test(node):
                entered = ast.Call(ast.Name(SITE, ast.Load()), [ast.Constant(len(self.names))], [])
                body[position] = ast.With([ast.withitem(entered)], [node])
                self.names.append(f"statement {len(self.names) + 1}, line {node.lineno}")

    def _is_test(self, node: ast.stmt) -> bool:
        if any(_asserts([node])):
            return not isinstance(node, ast.If) or not _is_main_guard(node)
        called = node.value if isinstance(node, ast.Expr) else None
        return (
            isinstance(called, ast.Call)
            and isinstance(called.func, ast.Name)
            and called.func.id in self._asserting
        )


def _is_main_guard(node: ast.If) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))
