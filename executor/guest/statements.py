"""Statements of test code that check something outside of any test function: a test each."""

import ast
from collections import Counter
from collections.abc import Iterator

from executor.guest.unrolling import unroll

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom, ast.Expr)
SITE = "__rrtf_site__"
"""Name of what is entered around each of them, with its number."""


def marked(source: str, check: str | None) -> tuple[str, list[str], bool]:
    """Return test code in which each such statement is entered by number, and their names.

    The third is whether some of them are in `check`.

    They are statements of the module, of the function `check`, and of functions that the module
    calls once, that assert something themselves, at whatever depth but not in a function, or call a
    function of the test code that asserts. One that fails does not keep the next from its turn.
    Code with no test at all is a script: one test, which an exception or an exit status fails.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _runs_itself(node)]
    asserting = {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and any(_asserts(node.body))
    }
    tree = _Reached().visit(unroll(tree, asserting - {check}))
    called = _called_once(tree, check)
    marker = _Marker(asserting - {check} - called)
    if check is None and not has_tests(tree):
        marker.mark_whole(tree)
    marker.mark(tree.body)
    outside = len(marker.names)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == check:
            marker.mark(node.body)
    within = len(marker.names) > outside
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in called:
            marker.mark(node.body)
    text = ast.unparse(ast.fix_missing_locations(tree))
    return text, marker.names, within


def _called_once(tree: ast.Module, check: str | None) -> set[str]:
    """Name the functions that one statement of the module calls, and nobody else names.

    Their statements are tests as those of the module are.
    """
    read = Counter(n.id for n in ast.walk(tree) if isinstance(n, ast.Name))
    called = set()
    for node in tree.body:
        match node:
            case ast.Expr(ast.Call(ast.Name(name))) if read[name] == 1 and name != check:
                called.add(name)
    defined = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {name for name in called if defined.count(name) == 1 and not name.startswith("test")}


def has_tests(tree: ast.Module) -> bool:
    """Tell whether there is anything in test code that checks, or is named as a test."""
    for node in ast.walk(tree):
        named = node.name if isinstance(node, _FUNCTIONS) else ""
        if "test" in named.lower() or _is_assert(node):
            return True
    return False


def _runs_itself(node: ast.stmt) -> bool:
    """Tell whether a statement has a framework run the module that is being run by it."""
    match node:
        case ast.Expr(ast.Call(ast.Attribute(ast.Name("unittest" | "pytest"), "main"))):
            return True
    return False


def _is_assert(node: ast.AST) -> bool:
    match node:
        case ast.Assert(ast.Constant(value)) if value:
            return False  # It judges nobody.
        case ast.Assert():
            return True
        case ast.Raise(exc=ast.Name("AssertionError") | ast.Call(ast.Name("AssertionError"))):
            return True
    return False


def _asserts(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Find the asserts of statements that are in none of their functions and classes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if _is_assert(node):
            yield node
        elif not isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            waiting.extend(ast.iter_child_nodes(node))


class _Reached(ast.NodeTransformer):
    """Has each assertion, wherever it is, say that it is come to."""

    def __init__(self) -> None:
        self._count = 0

    def visit_Assert(self, node: ast.Assert) -> ast.stmt | list[ast.stmt]:
        return self._marked(node) if _is_assert(node) else node

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        match node.value:
            case ast.Call(ast.Attribute(attr=name)) if name.startswith("assert"):
                return self._marked(node)
        return node

    def _marked(self, node: ast.stmt) -> list[ast.stmt]:
        reach = ast.Attribute(ast.Name(SITE, ast.Load()), "reach", ast.Load())
        mark = ast.Expr(ast.Call(reach, [ast.Constant(self._count)], []))
        self._count += 1
        return [ast.copy_location(mark, node), node]


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

    def mark_whole(self, tree: ast.Module) -> None:
        """Put one `with` around all that a script does after its first imports."""
        first = 0
        while first < len(tree.body) and isinstance(tree.body[first], _IMPORTS):
            first += 1
        if tree.body[first:]:
            entered = ast.Call(ast.Name(SITE, ast.Load()), [ast.Constant(0)], [])
            tree.body[first:] = [ast.With([ast.withitem(entered)], tree.body[first:])]
            self.names.append("the script")

    def _is_test(self, node: ast.stmt) -> bool:
        if any(_asserts([node])):
            return not isinstance(node, ast.If) or not _is_main_guard(node)
        match node:
            case ast.Expr(ast.Call(ast.Name(name))):
                return name in self._asserting
            case ast.Expr(ast.Call(ast.Attribute(attr=name))):
                return name.startswith("assert")
        return False


def _is_main_guard(node: ast.If) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))
