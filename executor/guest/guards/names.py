"""What stands behind a name that a test compares with: a value written elsewhere in the tests."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

from executor.guest.guards.reading import Test, prepares
from executor.guest.guards.sites import FUNCTIONS, Site, last_name

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
        self._own = _bindings(test.written)
        self._module = _bindings(tree)
        if test.scope is not None:
            self._module |= _bindings(test.scope)
        self._attributes = _attributes(test.owner) if test.owner else {}
        self._parameters = _parameters(test.written)
        self._loads = [
            node
            for node in ast.walk(test.written)
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        ]

    def values(self, name: ast.expr, site: Site) -> list[Value]:
        """Expressions of which each gives a value that the name has at the site."""
        match name:
            case ast.Name(id=text) if text in self._parameters and text not in self._own:
                rows = _parametrized(self._test.written, text)
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


def _parameters(node: ast.stmt) -> list[str]:
    if not isinstance(node, FUNCTIONS):
        return []
    given = node.args
    arguments = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    return [item.arg for item in arguments if item.arg not in _SELF]


def _bindings(scope: ast.AST) -> dict[str, list[ast.expr]]:
    """Of each name that a scope binds, the values it has; none where that is not plain to see."""
    found: dict[str, list[ast.expr]] = {}
    seen: set[int] = set()
    for node in _nodes(scope):
        for target, values in _bound(node, found):
            seen.add(id(target))
            found[target.id] = [] if target.id in found else values
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) if id(node) not in seen:
                found[name] = []
            case ast.ExceptHandler(name=str(name)) | ast.FunctionDef(name=name):
                found[name] = []
            case ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                found[name] = []
            case ast.alias(name=name, asname=asname):
                found[asname or name] = []
    return found


def _nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Nodes of a scope, parents first; of a module none that are in functions or classes."""
    for child in ast.iter_child_nodes(scope):
        if child is getattr(scope, "args", None) and isinstance(scope, FUNCTIONS):
            continue
        yield child
        if isinstance(scope, ast.Module) and isinstance(child, (*FUNCTIONS, ast.ClassDef)):
            continue
        yield from _nodes(child)


def _bound(
    node: ast.AST, known: dict[str, list[ast.expr]]
) -> Iterator[tuple[ast.Name, list[ast.expr]]]:
    match node:
        case ast.Assign(targets=[target], value=value):
            yield from _unpacked(target, [value])
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            yield from _unpacked(target, [value])
        case ast.For(target=target, iter=rows) | ast.comprehension(target=target, iter=rows):
            yield from _unpacked(target, _rows(rows, known))


def _unpacked(target: ast.expr, rows: list[ast.expr]) -> Iterator[tuple[ast.Name, list[ast.expr]]]:
    """Names of a target with what each is given by the rows in turn."""
    match target:
        case ast.Name():
            yield target, rows
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            fits = all(len(_items(row)) == len(parts) for row in rows)
            for number, part in enumerate(parts):
                yield from _unpacked(part, [_items(row)[number] for row in rows] if fits else [])


def _rows(rows: ast.expr, known: dict[str, list[ast.expr]]) -> list[ast.expr]:
    """The expressions that a loop goes through."""
    match rows:
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return items
        case ast.Name(id=name) if len(known.get(name, [])) == 1:
            return _rows(known[name][0], {})
        case ast.Call(func=ast.Attribute(value=table, attr="items"), args=[]):
            if isinstance(table, ast.Name) and len(known.get(table.id, [])) == 1:
                table = known[table.id][0]
            if isinstance(table, ast.Dict):
                pairs = zip(table.keys, table.values, strict=True)
                return [ast.Tuple([key, value]) for key, value in pairs if key is not None]
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner, *_]):
            return [ast.Tuple([ast.Constant(0), row]) for row in _rows(inner, known)]
        case ast.Call(func=ast.Name(id="zip"), args=columns):
            every = zip(*(_rows(column, known) for column in columns), strict=False)
            return [ast.Tuple(list(row)) for row in every]
    return []


def _items(row: ast.expr) -> list[ast.expr]:
    match row:
        case ast.Tuple(elts=items) | ast.List(elts=items):
            return [] if any(isinstance(item, ast.Starred) for item in items) else items
        case ast.Call(args=items) if last_name(row.func) == "param":
            return items
    return []


def _parametrized(function: ast.stmt, name: str) -> list[ast.expr]:
    """What the rows of `parametrize` give an argument."""
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
        return [_items(row)[at] for row in rows if len(_items(row)) == len(arguments)]
    return []


def _only(row: ast.expr) -> ast.expr:
    return row.args[0] if isinstance(row, ast.Call) and _items(row) else row


def _attributes(owner: ast.ClassDef) -> dict[str, list[ast.expr]]:
    """Attributes that a class, or what prepares its tests, gives one value."""
    found = _bindings(ast.Module([*owner.body], []))
    for function in owner.body:
        if not isinstance(function, FUNCTIONS):
            continue
        given: dict[int, ast.expr] = {}
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[target], value=value) if prepares(function):
                    given[id(target)] = value
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                    only = id(node) in given and name not in found
                    found[name] = [given[id(node)]] if only else []
    return found
