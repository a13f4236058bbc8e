"""What names in test code are given, and what decides how often."""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from executor.guest.guards.text.bindings import prepares
from executor.guest.guards.text.sites import FUNCTIONS, Function, last_name

_READ_ONCE: Final = ("enumerate", "filter", "map", "reversed", "zip")
CHANGING: Final = {
    *("now", "today", "utcnow", "random", "getcontext", "setcontext", "localcontext", "urandom"),
    *("default_rng", "shuffle", "cache", "lru_cache", "count", "cycle", "empty", "fromtimestamp"),
}
"""What has another value another time, or in another place."""
_STEERING: Final = (
    *(ast.While, ast.Try, ast.TryStar, ast.Match, ast.ClassDef, ast.Lambda, ast.comprehension),
    *FUNCTIONS,
)
_EXPECTING: Final = {
    *("suppress", "raises", "warns", "assertRaises", "assertRaisesRegex", "assertWarns"),
    *("assertWarnsRegex", "assertLogs"),
}


def count_given(tree: ast.Module) -> Counter[str]:
    """Count how often an attribute of each name is given a value, of whatever object."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store() | ast.Del()):
                found[name] += 1
            case ast.ClassDef(body=body):
                found.update(
                    n for item in body if not isinstance(item, FUNCTIONS) for n in stored(item)
                )
    return found


def once(functions: Iterator[Function]) -> dict[str, Function]:
    """Return the functions whose name is given once and which prepare nothing, by that name."""
    found: dict[str, list[Function]] = {}
    for one in functions:
        found.setdefault(one.name, []).append(one)
    return {name: ones[0] for name, ones in found.items() if len(ones) == 1 and not _setup(ones[0])}


def _setup(function: Function) -> bool:
    is_fixture = "fixture" in {last_name(mark) for mark in function.decorator_list}
    return prepares(function) and not is_fixture


def imported(tree: ast.AST, is_known: Callable[[str], bool]) -> dict[str, bool]:
    """Names of what is imported, and whether it is only of modules that are known."""
    found: dict[str, bool] = {}
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    name = alias.asname or alias.name.partition(".")[0]
                    found[name] = is_known(alias.name) and found.get(name, True)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                for alias in aliases:
                    name = alias.asname or alias.name
                    pure = not level and is_known(module or "") and alias.name not in CHANGING
                    found[name] = pure and found.get(name, True)
    return found


def stored(node: ast.AST) -> set[str]:
    """Names that are given a value somewhere in a part of the tests."""
    found = {
        inner.id
        for inner in ast.walk(node)
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store | ast.Del)
    }
    for inner in ast.walk(node):
        match inner:
            case ast.alias(name=name, asname=asname):
                found.add(asname or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.ClassDef(name=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
    return found - ({node.name} if isinstance(node, FUNCTIONS) else set())


def arguments(node: ast.AST) -> list[ast.arg]:
    """Return the arguments that a function takes; none of what is no function."""
    if not isinstance(node, (*FUNCTIONS, ast.Lambda)):
        return []
    given = node.args
    more = [one for one in (given.vararg, given.kwarg) if one is not None]
    return [*given.posonlyargs, *given.args, *given.kwonlyargs, *more]


def changes(node: ast.AST) -> bool:
    """Tell whether it reads an attribute that has another value another time."""
    return isinstance(node, ast.Attribute) and (node.attr in CHANGING or node.attr.startswith("__"))


def is_read_once(value: ast.expr) -> bool:
    """Tell whether a value can be gone through only once."""
    return isinstance(value, ast.GeneratorExp) or (
        isinstance(value, ast.Call) and last_name(value) in (*_READ_ONCE, "iter")
    )


def bare(expr: ast.AST) -> Iterator[ast.AST]:
    """Parts of an expression without those of which an attribute is read."""
    yield expr
    for child in ast.iter_child_nodes(expr):
        if not (isinstance(expr, ast.Attribute) and isinstance(child, ast.Name)):
            yield from bare(child)


def is_bare_self(node: ast.AST) -> bool:
    """Tell whether a part is the test case itself."""
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def read(expr: ast.expr) -> Iterator[ast.expr]:
    """Yield the names that an expression reads, and attributes of the test case."""
    own = stored(expr) | {item.arg for node in ast.walk(expr) for item in arguments(node)}
    for node in ast.walk(expr):
        match node:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                yield node
            case ast.Name(id=name) if name not in ("self", "cls", *own):
                yield node


def targets(node: ast.AST) -> set[str]:
    """Names that a statement gives a value, or an object behind one a part."""
    given = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", node)]
    return {n.id for target in given for n in ast.walk(target) if isinstance(n, ast.Name)}


def steers(node: ast.AST) -> bool:
    """Tell whether it depends on what goes wrong in a part of the tests how it goes on."""
    if isinstance(node, ast.With | ast.AsyncWith):
        return any(last_name(item.context_expr) in _EXPECTING for item in node.items)
    return isinstance(node, _STEERING)
