"""Copies of syntax trees in which some nodes are others."""

import ast
import operator
from collections.abc import Iterator, Mapping
from typing import TypeVar

Change = Mapping[ast.AST, ast.AST]
"""Nodes of the tests, and what a sibling has in their place."""
_Node = TypeVar("_Node", bound=ast.AST)


def copied(node: _Node, change: Change) -> _Node:
    """A copy of a tree with some nodes replaced; a replacement may hold what it replaces."""
    if (new := change.get(node)) is not None:
        return copied(new, {old: item for old, item in change.items() if old is not node})  # type: ignore[return-value] # Of a kind that can stand there.
    fields = {name: _copied_field(value, change) for name, value in ast.iter_fields(node)}
    return ast.copy_location(type(node)(**fields), node)


def changed(node: _Node, change: Change) -> _Node:
    """A tree with some nodes replaced, of which everything else is that of the first one.

    It is only to be read.
    """
    if (new := change.get(node)) is not None:
        return changed(new, {old: item for old, item in change.items() if old is not node})  # type: ignore[return-value] # Of a kind that can stand there.
    fields = dict(ast.iter_fields(node))
    others = {name: _changed_field(value, change) for name, value in fields.items()}
    if all(others[name] is value for name, value in fields.items()):
        return node
    return ast.copy_location(type(node)(**others), node)


def _changed_field(value: object, change: Change) -> object:
    if isinstance(value, list):
        items = [_changed_field(item, change) for item in value]
        return value if all(map(operator.is_, items, value)) else items
    return changed(value, change) if isinstance(value, ast.AST) else value


def _copied_field(value: object, change: Change) -> object:
    if isinstance(value, list):
        return [_copied_field(item, change) for item in value]
    return copied(value, change) if isinstance(value, ast.AST) else value


def together(*ways: Iterator[Change]) -> Iterator[Change]:
    """Make one change of each way at once; a way of fewer begins anew."""
    known = [changes for way in ways if (changes := [*way])]
    for number in range(max(map(len, known), default=0)):
        merged: dict[ast.AST, ast.AST] = {}
        for changes in known:
            merged |= changes[number % len(changes)]
        yield merged
