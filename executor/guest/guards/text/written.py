"""Values that checks read by a name, put in the place of that name.

A check that compares with a name would keep the name, and with it what is expected, in the process.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final, NamedTuple

from executor.guest.guards.text.bindings import attributes, bindings
from executor.guest.guards.text.constants import Constants
from executor.guest.guards.text.copying import copied
from executor.guest.guards.text.sites import last_name

_MOST_NODES: Final = 20_000
"""Parts of all that is put anywhere, together."""
_WALKED: Final = ("zip", "enumerate")
_SELF: Final = ("self", "cls")


class _Held(NamedTuple):
    """A value that has one name."""

    value: ast.expr
    loads: list[ast.expr]
    """Where the name is read."""


class _Index:
    """Where names are read in test code, and how often each is given a meaning."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.loads: dict[str, list[ast.expr]] = {}
        self.attributes: dict[str, list[ast.Attribute]] = {}
        """Those that are read of any object."""
        self.stored: Counter[str] = Counter()
        """Names and attributes, wherever they are."""
        self.defined: Counter[str] = Counter()
        """Functions."""
        self.arguments: set[str] = set()
        self.mentioned: set[str] = set()
        """Names in texts, by which something may be looked up, or patched."""
        for node in ast.walk(tree):
            self._add(node)

    def _add(self, node: ast.AST) -> None:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                self.loads.setdefault(name, []).append(node)
            case ast.Attribute(attr=name, ctx=ast.Load()):
                self.attributes.setdefault(name, []).append(node)
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.ClassDef(name=name):
                self.stored[name] += 1
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                self.defined[name] += 1
            case ast.arg(arg=name):
                self.arguments.add(name)
            case ast.ExceptHandler(name=str(name)) | ast.alias(name=name, asname=None):
                self.stored[name] += 1
            case ast.alias(asname=str(name)):
                self.stored[name] += 1
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self.stored.update(names * 2)
            case ast.Constant(value=str(text)):
                parts = (part for one in text.split(",") for part in one.split("."))
                self.mentioned.update(part.strip() for part in parts)

    def held(self) -> Iterator[_Held]:
        """Yield what has one name, in the module, a class, its set-up or a fixture."""
        for name, values in bindings(self.tree).items():
            is_only = self.stored[name] == 1 and not self._is_known(name)
            if len(values) == 1 and is_only and name not in self.arguments:
                yield _Held(values[0], self.loads.get(name, []))
        for node in ast.walk(self.tree):
            if isinstance(node, ast.ClassDef):
                yield from self._of_class(node)
        for node in self.tree.body:
            if isinstance(node, ast.FunctionDef):
                yield from self._of_fixture(node)

    def _is_known(self, name: str) -> bool:
        return self.defined[name] > 0 or name in self.mentioned

    def _of_class(self, owner: ast.ClassDef) -> Iterator[_Held]:
        within = {id(node) for node in ast.walk(owner)}
        for name, values in attributes(owner).items():
            loads = self.attributes.get(name, [])
            is_own = all(
                id(load) in within and isinstance(load.value, ast.Name) and load.value.id in _SELF
                for load in loads
            )
            is_only = self.stored[name] == 1 and not self._is_known(name)
            if len(values) == 1 and is_only and is_own:
                yield _Held(values[0], [*loads])

    def _of_fixture(self, fixture: ast.FunctionDef) -> Iterator[_Held]:
        match fixture:
            case ast.FunctionDef(
                name=name,
                body=[*rest, ast.Return(value=ast.expr() as value)],
                decorator_list=[mark],
            ) if last_name(mark) == "fixture":
                pass
            case _:
                return
        is_plain = all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant) for s in rest)
        is_marked = isinstance(mark, ast.Call) and bool(mark.args or mark.keywords)
        is_only = self.defined[name] == 1 and not self.stored[name] and name not in self.mentioned
        if is_plain and not is_marked and is_only and not fixture.args.args:
            yield _Held(value, self.loads.get(name, []))


def put_in_place(tree: ast.Module) -> None:
    """Write constants of a module, a class, its set-up or a fixture where they are only compared.

    What can be changed in place stays where it is if anything but a check or a loop reads it.
    """
    parents = {id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    constants, left = Constants(tree), _MOST_NODES
    for held in list(_Index(tree).held()):
        taken = [load for load in held.loads if _only_reads(load, parents)]
        if not taken or (len(taken) < len(held.loads) and not _is_fixed(held.value)):
            continue
        if len(held.loads) > 1 and any(map(_can_change, _inner(held.value))):
            continue  # What one of them does to a part, the others see.
        left -= len(taken) * sum(1 for _ in ast.walk(held.value))
        if left < 0 or not constants.is_one(held.value):
            continue
        for load in taken:
            _replace(parents[id(load)], load, copied(held.value, {}))
        if len(taken) == len(held.loads):
            _replace(parents[id(held.value)], held.value, ast.Constant(None))


def _only_reads(load: ast.expr, parents: dict[int, ast.AST]) -> bool:
    """Whether a value is only compared, or gone through, where a name of it is read."""
    match parents[id(load)]:
        case ast.Compare():
            return True
        case ast.For(iter=rows) | ast.comprehension(iter=rows):
            return rows is load
        case ast.Attribute(attr="items") as reading:
            call = parents[id(reading)]
            return isinstance(call, ast.Call) and not call.args and _is_walked(call, parents)
        case ast.Call(func=func) as call if func is not load:
            name = last_name(func)
            if name in _WALKED:
                return _is_walked(call, parents)
            return name.startswith("assert") or name in ("approx", "parametrize")
    return False


def _is_walked(call: ast.Call, parents: dict[int, ast.AST]) -> bool:
    match parents[id(call)]:
        case ast.For(iter=rows) | ast.comprehension(iter=rows):
            return rows is call
        case ast.Call(func=func):
            return last_name(func) == "parametrize"
    return False


def _is_fixed(value: ast.expr) -> bool:
    """Whether nothing can change a value in place."""
    return not any(map(_can_change, ast.walk(value)))


def _can_change(node: ast.AST) -> bool:
    return isinstance(node, ast.List | ast.Dict | ast.Set | ast.Call)


def _inner(value: ast.expr) -> Iterator[ast.AST]:
    return (node for node in ast.walk(value) if node is not value)


def _replace(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for name, field in ast.iter_fields(parent):
        if field is old:
            setattr(parent, name, new)
        elif isinstance(field, list):
            field[:] = [new if item is old else item for item in field]
