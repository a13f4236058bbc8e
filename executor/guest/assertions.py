"""Assertions that test code defines for itself: `assertion(out, exp, 0)`, `self.assertNear(...)`.

A call of one is a site, and what is in it is not: it judges what it is given, and a failure in it
is the call's. One that is called otherwise, or judges what it finds by itself, is a function like
others: then its own asserts are sites, and its calls are not.
"""

import ast
from collections.abc import Iterable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class Assertions:
    """The assertions that one test's code defines."""

    def __init__(self, tree: ast.Module) -> None:
        nodes = list(ast.walk(tree))
        defined: dict[str, list[_Function]] = {}
        for node in nodes:
            if isinstance(node, _Function):
                defined.setdefault(node.name, []).append(node)
        mentions: dict[str, list[ast.AST]] = {}
        called = {id(_callee(node)) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if (name := _name_read(node)) in defined:
                mentions.setdefault(name, []).append(node)
        self._parts = {
            name
            for name, functions in defined.items()
            if is_assertion(name)
            and all(map(_is_given, functions))
            and all(id(node) in called for node in mentions.get(name, ()))
            and not _all_within(mentions.get(name, ()), functions)
        }
        self._add_what_they_call(defined, mentions)
        self._busy = {
            name
            for name, functions in defined.items()
            if name not in self._parts and any(map(_judges, functions))
        }

    def _add_what_they_call(
        self, defined: dict[str, list[_Function]], mentions: dict[str, list[ast.AST]]
    ) -> None:
        """Add functions that nothing but these assertions names."""
        inside = self._inside(defined)
        while True:
            found = {
                name
                for name in defined.keys() - self._parts
                if name in mentions and all(id(node) in inside for node in mentions[name])
            }
            if not found:
                return
            self._parts |= found
            inside = self._inside(defined)

    def _inside(self, defined: dict[str, list[_Function]]) -> set[int]:
        functions = [node for name in self._parts for node in defined[name]]
        return {id(node) for function in functions for node in ast.walk(function)}

    def are_within(self, function: _Function) -> bool:
        """Tell whether what a function judges is judged by the sites that call it."""
        return function.name in self._parts

    def is_call(self, node: ast.expr) -> bool:
        """Tell whether an expression calls an assertion, its own or another's."""
        call = node.value if isinstance(node, ast.Await) else node
        name = name_called(call)
        return is_assertion(name) and name not in self._busy


def is_assertion(name: str) -> bool:
    """Tell by its name whether a function asserts."""
    return name.startswith("assert") or name in ("fail", "raises")


def name_called(node: ast.expr) -> str:
    """Return the last part of the name that an expression calls; empty if it is no such call."""
    return (_name_read(node.func) or "") if isinstance(node, ast.Call) else ""


def _name_read(node: ast.AST) -> str | None:
    match node:
        case ast.Attribute(attr=name, ctx=ast.Load()) | ast.Name(id=name, ctx=ast.Load()):
            return name
    return None


def _callee(node: ast.Expr) -> ast.expr | None:
    call = node.value.value if isinstance(node.value, ast.Await) else node.value
    return call.func if isinstance(call, ast.Call) else None


def _is_given(function: _Function) -> bool:
    """Tell whether a function takes something to judge, beside the object it belongs to."""
    arguments = function.args
    names = [item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    return names not in ([], ["self"], ["cls"]) or arguments.vararg is not None


def _all_within(mentions: Iterable[ast.AST], functions: Iterable[_Function]) -> bool:
    """Tell whether functions are named by nobody but themselves."""
    inside = {id(node) for function in functions for node in ast.walk(function)}
    return all(id(node) in inside for node in mentions)


def _judges(function: _Function) -> bool:
    return any(map(_is_judgment, _statements(function)))


def _statements(function: _Function) -> Iterator[ast.AST]:
    return (node for node in ast.walk(function) if isinstance(node, ast.stmt))


def _is_judgment(node: ast.AST) -> bool:
    match node:
        case ast.Assert(test=ast.Constant(value=value)):
            return not value
        case ast.Assert():
            return True
        case ast.Expr(value=ast.Await(value=call)) | ast.Expr(value=call):
            return is_assertion(name_called(call))
        case ast.Try(handlers=handlers):
            return bool(handlers)
    return False
