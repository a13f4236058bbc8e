"""What stands behind a name that a test compares with: a value written elsewhere in the tests."""

import ast
from typing import NamedTuple

from executor.guest.guards.text.bindings import attributes, bindings, items_of
from executor.guest.guards.text.reading import Test
from executor.guest.guards.text.sites import FUNCTIONS, Site, last_name

_SELF = {"self", "cls"}


class Value(NamedTuple):
    """An expression behind a name."""

    expr: ast.expr
    here: bool
    """Whether it is the test's own, so that a sibling may have another there."""


class Names:
    """The names of one test."""

    def __init__(self, test: Test, tree: ast.Module) -> None:
        self._test = test
        self._own = bindings(test.written)
        self._module = bindings(tree)
        if test.scope is not None:
            self._module |= bindings(test.scope)
        self._attributes = attributes(test.owner) if test.owner else {}
        self._parameters = parameters(test.written)
        self._loads = [
            node
            for node in ast.walk(test.written)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        ]

    def values(self, name: ast.expr, site: Site) -> list[Value]:
        """Expressions of which each gives a value that the name has at the site."""
        match name:
            case ast.Name(id=text) if text in self._parameters and text not in self._own:
                rows = parametrized(self._test.written, text)
                return [Value(row, True) for row in rows] if self._is_fresh(text, site) else []
            case ast.Name(id=text) if text in self._own:
                if self._is_fresh(text, site):
                    return [Value(item, True) for item in self._own[text]]
                found = self._own[text]
            case ast.Name(id=text):
                found = self._module.get(text, [])
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=text):
                found = self._attributes.get(text, [])
            case _:
                return []
        return [Value(found[0], False)] if len(found) == 1 else []

    def taken(self, name: ast.expr, site: Site) -> list[ast.expr]:
        """Expressions of the test's own that a name has at the site, if nothing else reads it."""
        inside = {id(node) for node in ast.walk(site.node)}
        match name:
            case ast.Name(id=text) if text in self._own and text not in self._parameters:
                reads = [node for node in self._loads if node.id == text]
                return self._own[text] if all(id(node) in inside for node in reads) else []
        return []

    def others(self, name: ast.expr, site: Site) -> list[str]:
        """Other names that have a value at the site which the program has no part in."""
        taken = {node.id for node in ast.walk(site.node) if isinstance(node, ast.Name)}
        before = [
            text
            for text, values in self._own.items()
            for value in values
            if len(values) == 1
            and getattr(value, "end_lineno", 0) < site.node.lineno
            and not any(isinstance(node, ast.Call) for node in ast.walk(value))
        ]
        return sorted({*self._parameters, *before} - taken)

    def _is_fresh(self, text: str, site: Site) -> bool:
        """Whether the site is the first to read a name, and reads it once."""
        end = (site.node.end_lineno or 0, site.node.end_col_offset or 0)
        reads = [node for node in self._loads if node.id == text]
        return sum((node.lineno, node.col_offset) < end for node in reads) == 1


def parameters(node: ast.stmt) -> list[str]:
    """Return the names of a test's arguments."""
    if not isinstance(node, FUNCTIONS):
        return []
    given = node.args
    arguments = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    return [item.arg for item in arguments if item.arg not in _SELF]


def parametrized(function: ast.stmt, name: str) -> list[ast.expr]:
    """Return what the rows of `parametrize` give an argument."""
    for mark in getattr(function, "decorator_list", ()):
        match mark:
            case ast.Call(args=[names, ast.List(elts=rows) | ast.Tuple(elts=rows), *_]):
                if last_name(mark.func) != "parametrize":
                    continue
            case _:
                continue
        match names:
            case ast.Constant(value=str(text)):
                arguments = [item.strip() for item in text.split(",") if item.strip()]
            case ast.List(elts=items) | ast.Tuple(elts=items):
                arguments = [str(item.value) for item in items if isinstance(item, ast.Constant)]
            case _:
                continue
        if name not in arguments:
            continue
        if len(arguments) == 1:
            return [_only(row) for row in rows]
        at = arguments.index(name)
        return [items_of(row)[at] for row in rows if len(items_of(row)) == len(arguments)]
    return []


def _only(row: ast.expr) -> ast.expr:
    return row.args[0] if isinstance(row, ast.Call) and items_of(row) else row
