"""A test with the checks of the functions that it calls: so they can be changed for it alone."""

import ast
from collections import Counter
from collections.abc import Collection

from executor.guest.guards.text.copying import copied
from executor.guest.guards.text.sites import FUNCTIONS, NAME, Function

_BOUND_TO_CLASS = ("super", "__class__")


class Inlining:
    """Puts the functions of a module that check something into the tests that call them."""

    def __init__(self, tree: ast.Module, asserting: Collection[str]) -> None:
        functions = [node for node in ast.walk(tree) if isinstance(node, FUNCTIONS)]
        count = Counter(item.name for item in functions)
        self._plain = {
            item.name: item
            for item in tree.body
            if isinstance(item, FUNCTIONS) and item.name in asserting and _can_move(item)
        }
        self._methods = {
            item.name: item
            for owner in tree.body
            if isinstance(owner, ast.ClassDef)
            for item in owner.body
            if isinstance(item, FUNCTIONS) and item.name in asserting and _can_move(item)
        }
        for known in (self._plain, self._methods):
            for name in [name for name in known if count[name] > 1]:
                del known[name]

    def of(self, test: ast.stmt) -> ast.stmt:
        """Return a test, or a statement, that has within it what it calls."""
        change: dict[ast.AST, ast.AST] = {}
        moved: dict[str, Function] = {}
        waiting = [test]
        while waiting:
            for node in ast.walk(waiting.pop()):
                match node:
                    case ast.Call(func=ast.Name(id=name)) if name in self._plain:
                        function, own = self._plain[name], []
                    case ast.Call(func=ast.Attribute(value=ast.Name(id="self") as this, attr=name)):
                        if name not in self._methods:
                            continue
                        function, own = self._methods[name], [this]
                    case _:
                        continue
                change[node] = ast.Call(_renamed(name), [*own, *node.args], node.keywords)
                if name not in moved:
                    moved[name] = function
                    waiting.append(function)
        if not moved:
            return test
        definitions: list[ast.stmt] = [
            type(function)(**{**dict(ast.iter_fields(function)), "name": _renamed(name).id})
            for name, function in moved.items()
        ]
        definitions = [
            ast.copy_location(copied(new, change), old)
            for new, old in zip(definitions, moved.values(), strict=True)
        ]
        new = copied(test, change)
        if isinstance(new, FUNCTIONS):
            new.body[:0] = definitions
            return new
        return ast.copy_location(ast.If(ast.Constant(True), [*definitions, new], []), test)


def _renamed(name: str) -> ast.Name:
    return ast.Name(f"{name}_{NAME}", ast.Load())


def _can_move(function: Function) -> bool:
    """Whether a function does the same where it is defined in another."""
    if function.decorator_list:
        return False
    for node in ast.walk(function):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                if name in _BOUND_TO_CLASS or (name[:2] == "__" and name[-2:] != "__"):
                    return False
            case ast.Global() | ast.Nonlocal():
                return False
    return True
