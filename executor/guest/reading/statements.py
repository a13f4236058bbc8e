"""Statements of test code that check something outside of any test function: a test each."""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from executor.guest.reading.failures import as_asserts
from executor.guest.reading.unrolling import unroll

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_IMPORTS = (ast.Import, ast.ImportFrom, ast.Expr)
SITE = "__rrtf_site__"
"""Name of what is entered around each of them, with its name."""


class Statement(NamedTuple):
    """One of them, and where it stands."""

    node: ast.stmt
    body: list[ast.stmt]
    scope: ast.FunctionDef | None
    """The function `check`, for one of its statements."""
    name: str


def marked(source: str, check: str | None) -> tuple[str, list[str], bool]:
    """Return test code in which each such statement is entered by name, and their names.

    The third is whether some of them are in `check`. One that fails does not keep the next from
    its turn.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    return _entered(*statements(source, check))


def marked_apart(source: str, check: str | None) -> tuple[str, list[str], bool]:
    """Return the same for test code that runs apart from the candidate.

    There each round of a loop that is written out is a statement, those of functions that the
    module calls once count too, and each assertion tells that it is come to.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = _parsed(source)
    tree = _Reached().visit(unroll(tree, _asserting(tree) - {check}))
    text, names, _ = _entered(tree, found := _found(tree, check, _called_once(tree, check)))
    return text, names, any(item.scope and item.scope.name == check for item in found)


def _entered(tree: ast.Module, found: list["Statement"]) -> tuple[str, list[str], bool]:
    for node, body, _, name in found:
        body[body.index(node)] = entered(node, ast.Constant(name))
    text = ast.unparse(ast.fix_missing_locations(tree))
    return text, [item.name for item in found], any(item.scope for item in found)


def statements(source: str, check: str | None) -> tuple[ast.Module, list[Statement]]:
    """Read test code and find them: statements of the module, and of the function `check`.

    They assert something themselves, at whatever depth but not in a function, or call a function
    of the test code that asserts. Code with no test at all is a script: one test, which an
    exception or an exit status fails.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = _parsed(source)
    return tree, _found(tree, check, set())


def _parsed(source: str) -> ast.Module:
    tree = ast.parse(source)
    tree.body = [node for node in tree.body if not _runs_itself(node)]
    return as_asserts(tree)


def _asserting(tree: ast.Module) -> set[str]:
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if any(_asserts(node.body))}


def _found(tree: ast.Module, check: str | None, called: set[str]) -> list["Statement"]:
    """Find the statements of the module, of `check`, and of functions that are called."""
    if check is None and not has_tests(tree):
        return _script(tree)
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    asserting = _asserting(tree) - {check} - called
    places: list[tuple[list[ast.stmt], ast.FunctionDef | None]] = [(tree.body, None)]
    places += [(node.body, node) for node in functions if node.name in {check} | called]
    found = [
        (node, body, scope) for body, scope in places for node in body if _is_test(node, asserting)
    ]
    return [
        Statement(node, body, scope, f"statement {number}, line {node.lineno}")
        for number, (node, body, scope) in enumerate(found, 1)
    ]


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


def entered(node: ast.stmt, name: ast.expr) -> ast.With:
    """Return the statement within what tells of it by a name."""
    call = ast.Call(ast.Name(SITE, ast.Load()), [name], [])
    return ast.With([ast.withitem(call)], [node])


def _script(tree: ast.Module) -> list[Statement]:
    """Make one statement of all that a script does after its first imports."""
    first = 0
    while first < len(tree.body) and isinstance(tree.body[first], _IMPORTS):
        first += 1
    if not tree.body[first:]:
        return []
    whole = ast.If(ast.Constant(True), tree.body[first:], [])
    tree.body[first:] = [ast.copy_location(whole, tree.body[first])]
    return [Statement(whole, tree.body, None, "the script")]


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


def _is_test(node: ast.stmt, asserting: set[str]) -> bool:
    if any(_asserts([node])):
        return not isinstance(node, ast.If) or not _is_main_guard(node)
    match node:
        case ast.Expr(ast.Call(ast.Name(name))):
            return name in asserting
        case ast.Expr(ast.Call(ast.Attribute(attr=name))):
            return name.startswith("assert")
    return False


def _is_main_guard(node: ast.If) -> bool:
    return any(isinstance(n, ast.Name) and n.id == "__name__" for n in ast.walk(node.test))


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
