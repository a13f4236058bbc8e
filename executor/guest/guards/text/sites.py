"""The places in a function of test code where something is checked."""

import ast
from collections.abc import Collection, Iterator
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NAME = "\0"
"""Stands where the name of a test is to be put, as in the names of functions that have been put
into it; no other text of Python code contains it."""
_EXPECTING = {"raises", "warns", "deprecated_call"}


class Site(NamedTuple):
    """A place where something is checked."""

    node: ast.Assert | ast.Call
    handlers: tuple[ast.ExceptHandler, ...] = ()
    """Of a check that always fails: what catches the exception that is expected before it."""
    under: tuple[ast.stmt, ...] = ()
    """What runs while that, or what a check before a block expects, is to happen."""


def sites(test: ast.stmt, helpers: Collection[str]) -> list[Site]:
    """Check sites of a test in the order of its text; `helpers` check something when called."""
    body = test.body if isinstance(test, FUNCTIONS) else [test]
    found = [site for item in body for site in _within(item, helpers, None)]
    blocks = _blocks(test)
    return [_over_block(site, blocks) for site in found] if blocks else found


_Blocks = list[tuple[set[int], tuple[ast.stmt, ...]]]
"""Nodes of each function put into a test that makes contexts, and what runs in these."""


def _blocks(test: ast.stmt) -> _Blocks:
    contexts: dict[str, list[ast.stmt]] = {}
    for block in ast.walk(test):
        if not isinstance(block, ast.With):
            continue
        for item in block.items:
            match item.context_expr:
                case ast.Call(func=ast.Name(id=name)) if NAME in name:
                    contexts.setdefault(name, []).extend(block.body)
    if not contexts:
        return []
    return [
        ({id(node) for node in ast.walk(function)}, tuple(contexts[function.name]))
        for function in ast.walk(test)
        if isinstance(function, FUNCTIONS) and function.name in contexts
    ]


def _over_block(site: Site, blocks: _Blocks) -> Site:
    if site.under or site.handlers:
        return site
    under = next((block for nodes, block in blocks if id(site.node) in nodes), ())
    return site._replace(under=under)


def _within(
    node: ast.AST, helpers: Collection[str], expecting: ast.Try | ast.TryStar | None
) -> Iterator[Site]:
    """`expecting` is the innermost `try` in the body of which it is, if that has handlers."""
    match node:
        case ast.Assert(test=ast.Constant(value=value)):
            if not value:
                yield _always_fails(node, expecting)
            return
        case ast.Assert():
            yield Site(node)
            return
        case ast.Call() if last_name(node.func) == "fail" and expecting:
            yield _always_fails(node, expecting)
            return
        case ast.Call() if _checks(node, helpers):
            yield Site(node)
            return
        case ast.With() | ast.AsyncWith():
            yield from _with(node, helpers, expecting)
            return
        case ast.Try() | ast.TryStar():
            for item in (*node.body, *node.orelse):
                yield from _within(item, helpers, node if node.handlers else expecting)
            for child in (*node.handlers, *node.finalbody):
                yield from _within(child, helpers, None)
            return
    inner = None if isinstance(node, FUNCTIONS) else expecting
    for child in ast.iter_child_nodes(node):
        yield from _within(child, helpers, inner)


def _with(
    block: ast.With | ast.AsyncWith,
    helpers: Collection[str],
    expecting: ast.Try | ast.TryStar | None,
) -> Iterator[Site]:
    for context in block.items:
        for site in _within(context, helpers, expecting):
            yield site._replace(under=tuple(block.body))
    for statement in block.body:
        yield from _within(statement, helpers, expecting)


def _always_fails(node: ast.Assert | ast.Call, expecting: ast.Try | ast.TryStar | None) -> Site:
    if expecting is None:
        return Site(node)
    return Site(node, tuple(expecting.handlers), tuple(expecting.body))


def _checks(node: ast.Call, helpers: Collection[str]) -> bool:
    match node.func:
        case ast.Name(id=name) if NAME in name:
            return False  # What it checks is in the test.
        case ast.Name(id=name):
            return name.startswith("assert") or name in helpers or name in _EXPECTING
        case ast.Attribute(value=ast.Name(id="self" | "cls" | "pytest"), attr=name):
            return name.startswith("assert") or name in helpers or name in _EXPECTING
        case ast.Attribute(attr=name):
            return name.startswith("assert")
    return False


def last_name(node: ast.AST) -> str:
    """The last name of a dotted one."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=called):
            return last_name(called)
    return ""
