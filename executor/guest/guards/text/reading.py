"""The tests of a module of tests: what can have siblings, and what must stay as it is."""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from executor.guest.guards.text.bindings import prepares
from executor.guest.guards.text.inlining import Inlining
from executor.guest.guards.text.sites import FUNCTIONS, Function, Site, last_name, sites
from executor.guest.guards.text.written import put_in_place
from executor.guest.reading.statements import Statement, statements

_SCOPES = (*FUNCTIONS, ast.Lambda, ast.ClassDef)
_NOT_TESTS = {"fixture", "property", "staticmethod", "classmethod"}
_UNEQUAL = {"expectedFailure", "xfail", "skip", "order", "run", "dependency", "incremental"}
"""Decorators under which a failing test is no failure, or its name or its place counts."""
_OWN_NAME = {
    *("_testMethodName", "_getframe", "currentframe", "extract_stack"),
    *("__code__", "__qualname__", "getsource", "getsourcelines", "PYTEST_CURRENT_TEST"),
}
"""What tells a test its own name or text."""


class Test(NamedTuple):
    """A function, or a statement outside of one, whose failure counts."""

    node: ast.stmt
    body: list[ast.stmt]
    """Where it stands."""
    written: ast.stmt
    """The same with the functions that it calls for checks."""
    owner: ast.ClassDef | None
    sites: list[Site]
    kept: bool
    """Whether it must keep its name and place, and have no siblings."""
    scope: ast.AST | None
    """Of a statement: the function that it stands in, if any."""
    name: str
    """What it is called."""


class Suite(NamedTuple):
    """A module of tests, read."""

    tree: ast.Module
    tests: list[Test]
    shadowed: list[Statement]
    """Tests that never run: another of the same name follows."""
    outside: int
    """Check sites that stand in no test, nor in a function that tests call."""


class _Found(NamedTuple):
    function: Function
    body: list[ast.stmt]
    owner: ast.ClassDef | None


def read(source: str, check: str | None) -> Suite:
    """Find the tests; `check` is the function of which each statement is one.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the source cannot be read.
    """
    tree, outside = statements(source, check)
    put_in_place(tree)
    found = list(_tests(tree.body, None, _test_classes(tree)))
    if check is not None:
        found = [item for item in found if item.function.name != check]
    asserting = _asserting(tree, [*(item.function for item in found)], check)
    last = {(item.owner, item.function.name): item for item in found}
    reader = _Reader(tree, found)
    inlining = Inlining(tree, asserting)

    def test(found: Statement, owner: ast.ClassDef | None, kept: bool) -> Test:
        written = found.node if kept else inlining.of(found.node)
        return Test(
            found.node, found.body, written, owner, sites(written, asserting), kept,
            found.scope, found.name,
        )  # fmt: skip

    tests = [
        test(Statement(i.function, i.body, None, i.function.name), i.owner, reader.must_keep(i))
        for i in last.values()
    ]
    tests += [test(statement, None, False) for statement in outside]
    shadowed = [
        Statement(item.function, item.body, None, item.function.name)
        for item in found
        if (final := last[item.owner, item.function.name]) is not item and final.body is item.body
    ]
    return Suite(tree, tests, shadowed, _outside(tree, tests, asserting))


def bodies(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements that run when a statement does."""
    for name in ("body", "orelse", "finalbody"):
        if block := getattr(node, name, None):
            yield block
    for handler in getattr(node, "handlers", ()):
        yield handler.body


def _tests(body: list[ast.stmt], owner: ast.ClassDef | None, classes: set[str]) -> Iterator[_Found]:
    for item in body:
        if isinstance(item, FUNCTIONS):
            if item.name.startswith("test") and not _decorators(item) & _NOT_TESTS:
                yield _Found(item, body, owner)
        elif isinstance(item, ast.ClassDef):
            if item.name in classes:
                yield from _tests(item.body, item, classes)
        elif isinstance(item, ast.If | ast.Try | ast.With):
            for block in bodies(item):
                yield from _tests(block, owner, classes)


def _test_classes(tree: ast.Module) -> set[str]:
    """Classes that hold tests: by name, by base, or because such a class takes tests from them."""
    classes = _classes(tree)
    found = {
        item.name
        for item in classes
        if item.name.startswith("Test") or any("Test" in last_name(base) for base in item.bases)
    }
    while True:
        above = {name for item in classes if item.name in found for name in _bases(item)}
        below = {item.name for item in classes if _bases(item) & found}
        more = (above | below) & {item.name for item in classes} - found
        if not more:
            return found
        found |= more


def _classes(tree: ast.Module) -> list[ast.ClassDef]:
    return [item for item in ast.walk(tree) if isinstance(item, ast.ClassDef)]


def _bases(item: ast.ClassDef) -> set[str]:
    return {last_name(base) for base in item.bases}


def _decorators(function: Function | ast.ClassDef) -> set[str]:
    return {last_name(item) for item in function.decorator_list}


def _functions(tree: ast.AST) -> list[Function]:
    return [item for item in ast.walk(tree) if isinstance(item, FUNCTIONS)]


def _asserting(tree: ast.Module, tests: list[Function], check: str | None) -> frozenset[str]:
    """Names of the module's own functions that check something when they are called."""
    inside = {id(item) for test in tests for item in ast.walk(test)}
    others = [
        item
        for item in _functions(tree)
        if id(item) not in inside and item.name != check and not prepares(item)
    ]
    found: frozenset[str] = frozenset()
    while True:
        more = {item.name for item in others if sites(item, found)}
        if more <= found:
            return found
        found |= more


def _outside(tree: ast.Module, tests: list[Test], asserting: frozenset[str]) -> int:
    known = {id(test.node) for test in tests}
    counted = [item for item in _functions(tree) if prepares(item) and id(item) not in known]
    top = [item for item in tree.body if not isinstance(item, _SCOPES) and id(item) not in known]
    return sum(len(sites(item, asserting)) for item in (*counted, *top))


class _Reader:
    """Decides which tests must keep name and place."""

    def __init__(self, tree: ast.Module, found: list[_Found]) -> None:
        self._classes = {item.name: item for item in _classes(tree)}
        self._mentions = _mentions(tree)
        self._places: dict[tuple[ast.ClassDef | None, str], list[_Found]] = {}
        for item in found:
            self._places.setdefault((item.owner, item.function.name), []).append(item)
        self._globals = {
            name
            for item in found
            for node in ast.walk(item.function)
            if isinstance(node, ast.Global)
            for name in node.names
        }
        owners = {id(item.owner): item.owner for item in found if item.owner is not None}
        self._stateful = {
            key
            for key, owner in owners.items()
            if any(self._changes_class(item, owner) for item in found if item.owner is owner)
        }

    def must_keep(self, item: _Found) -> bool:
        """Whether something depends on the name, the place or the failing of a test."""
        named = self._mentions[item.function.name] or len(self._bindings(item)) > 1
        return bool(
            named
            or self._inherits_name(item)
            or self._unequal(item)
            or self._knows_its_name(item)
            or id(item.owner) in self._stateful
            or self._globals & {n.id for n in ast.walk(item.function) if isinstance(n, ast.Name)}
        )

    def _bindings(self, item: _Found) -> set[int]:
        """The blocks in which tests of one name in one scope stand."""
        return {id(place.body) for place in self._places[item.owner, item.function.name]}

    def _inherits_name(self, item: _Found) -> bool:
        """Whether a class above or below has a test of the same name."""
        if item.owner is None:
            return False
        return any(
            owner is not None
            and owner is not item.owner
            and name == item.function.name
            and (self._is_below(owner, item.owner) or self._is_below(item.owner, owner))
            for owner, name in self._places
        )

    def _is_below(self, one: ast.ClassDef, other: ast.ClassDef) -> bool:
        seen: set[str] = set()
        above = _bases(one)
        while above - seen:
            name = (above - seen).pop()
            seen.add(name)
            above |= _bases(self._classes[name]) if name in self._classes else set()
        return other.name in seen

    def _unequal(self, item: _Found) -> bool:
        marks = _decorators(item.function) | (_decorators(item.owner) if item.owner else set())
        return bool(marks & _UNEQUAL)

    def _knows_its_name(self, item: _Found) -> bool:
        around = [item.function]
        if item.owner is not None:
            around += [part for part in _functions(item.owner) if prepares(part)]
        return any(_tells_name(node) for part in around for node in ast.walk(part))

    def _changes_class(self, item: _Found, owner: ast.ClassDef) -> bool:
        """Whether a test leaves something in its class for the next."""
        for node in ast.walk(item.function):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store | ast.Del):
                match node.value:
                    case ast.Name(id=name) if name in (owner.name, "cls"):
                        return True
                    case ast.Attribute(value=ast.Name(id="self"), attr="__class__"):
                        return True
                    case ast.Call(func=ast.Name(id="type"), args=[ast.Name(id="self")]):
                        return True
        return False


def _mentions(tree: ast.Module) -> Counter[str]:
    """How often each name stands anywhere but where a function is defined."""
    found: Counter[str] = Counter()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
                found[name] += 1
            case ast.ClassDef(name=name) | ast.alias(name=name):
                found[name] += 1
    return found


def _tells_name(node: ast.AST) -> bool:
    match node:
        case ast.Attribute(value=ast.Name(id="self"), attr="id" | "shortDescription"):
            return True
        case ast.Attribute(value=ast.Name(id="request"), attr="node"):
            return True
        case ast.Attribute(value=ast.Name(id="inspect"), attr="stack"):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Constant(value=str(name)):
            return name in _OWN_NAME
    return False
