"""Copies of syntax trees in which some nodes are others."""

import ast
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
