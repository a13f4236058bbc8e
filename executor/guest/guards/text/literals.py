"""The literals in what a test expects, and the expression with one of them changed."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from executor.guest.guards.text.copying import Change, copied
from executor.guest.guards.text.names import Names
from executor.guest.guards.text.sites import Site, last_name
from executor.guest.guards.text.values import Draws, Scalar, another

TYPES = ("int", "str", "list", "dict", "float", "tuple", "set", "bytes")
_EMPTY = {"set", "list", "tuple", "frozenset", "deque", "Counter", "dict", "OrderedDict"}
_PLAIN = {
    *_EMPTY,
    *("sorted", "reversed", "len", "range", "sum", "min", "max", "abs", "round", "sqrt", "pow"),
    *("int", "str", "float", "bool", "bytes", "bytearray", "complex", "Decimal", "Fraction"),
    *("defaultdict", "date", "datetime", "time", "timedelta", "approx", "array", "call"),
    *("join", "dumps", "UUID", "Path", "PurePath", "Series", "DataFrame", "asarray"),
}
"""Functions of which the arguments are part of the value that a test expects."""
_NUMBERS = {"int", "float", "complex", "Decimal", "Fraction"}
_DATES = {"date", "datetime", "time"}
_DEPTH = 3
"""Names behind names that are followed."""


class Spot(NamedTuple):
    """A literal of an expression."""

    node: ast.expr
    name: ast.expr | None
    """The name in whose place the changed expression stands, where only that can be changed."""
    value: ast.expr
    """The expression behind that name."""
    within: str
    """The function that the literal is an argument of."""


def becoming(others: Mapping[Spot, ast.expr]) -> Change:
    """The change that puts other literals where some are."""
    change: dict[ast.AST, ast.AST] = {}
    behind: dict[ast.expr, dict[ast.AST, ast.AST]] = {}
    values: dict[ast.expr, ast.expr] = {}
    for spot, other in others.items():
        if spot.name is None:
            change[spot.node] = other
        else:
            behind.setdefault(spot.name, {})[spot.node] = other
            values[spot.name] = spot.value
    return change | {name: copied(values[name], inner) for name, inner in behind.items()}


class Literals:
    """Finds the literals that make up a value."""

    def __init__(self, names: Names, site: Site, entry_point: str | None) -> None:
        self._names, self._site, self._entry_point = names, site, entry_point

    def spots(self, expr: ast.expr) -> list[Spot]:
        """Literals of which each is a part of the expression's value."""
        return list(self._spots(expr, None, expr, "", _DEPTH))

    def written(self, expr: ast.expr) -> list[ast.expr]:
        """The test's own expressions behind a name, or else the expression itself."""
        found = self._names.values(expr, self._site)
        return [one.expr for one in found if one.here] or [expr]

    def rank(self, expr: ast.expr) -> int:
        """How surely an operand is what is expected, rather than what is checked; 0 is surest."""
        spots = self.spots(expr)
        if not spots:
            return 3
        if isinstance(expr, ast.Name | ast.Attribute) and last_name(expr) not in TYPES:
            return 1
        named = any(isinstance(node, ast.Name) and not _is_plain(node) for node in ast.walk(expr))
        return 2 if named else 0

    def _spots(
        self, expr: ast.expr, name: ast.expr | None, value: ast.expr, within: str, depth: int
    ) -> Iterator[Spot]:
        if _is_whole(expr):
            yield Spot(expr, name, value, within)
        elif isinstance(expr, ast.Name | ast.Attribute) and depth and name is None:
            for found in self._names.values(expr, self._site):
                root = None if found.here else expr
                yield from self._spots(found.expr, root, found.expr, within, depth - 1)
        elif isinstance(expr, ast.Call):
            for part in self._arguments(expr):
                yield from self._spots(part, name, value, last_name(expr.func), depth)
        else:
            for item in self._parts(expr):
                if item is not None:
                    yield from self._spots(item, name, value, within, depth)

    def _parts(self, expr: ast.expr) -> Sequence[ast.expr | None]:
        match expr:
            case ast.List(elts=parts) | ast.Tuple(elts=parts) | ast.Set(elts=parts):
                return parts
            case ast.JoinedStr(values=parts):
                return [item for item in parts if isinstance(item, ast.Constant)]
            case ast.Dict(keys=keys, values=values):
                return [*values, *([] if any(self._has(item) for item in values) else keys)]
            case ast.UnaryOp(operand=operand, op=ast.USub() | ast.UAdd()):
                return [operand]
            case ast.BinOp(left=left, right=right):
                return [left, right]
            case ast.Starred(value=inner):
                return [inner]
            case ast.ListComp(elt=part, generators=loops) | ast.SetComp(elt=part, generators=loops):
                return [part, *(loop.iter for loop in loops)]
        return []

    def _has(self, expr: ast.expr) -> bool:
        return next(self._spots(expr, None, expr, "", 0), None) is not None

    def _arguments(self, call: ast.Call) -> list[ast.expr]:
        """What a call passes on into its value, as far as its name tells."""
        text = last_name(call.func)
        given = [*call.args, *(item.value for item in call.keywords)]
        if text == self._entry_point:
            return []
        if isinstance(call.func, ast.Attribute) and self._is_literal(call.func.value):
            return [call.func.value, *given]
        constructs = text[:1].isupper() and isinstance(call.func, ast.Name)
        return given[: 1 if text == "approx" else None] if text in _PLAIN or constructs else []

    def _is_literal(self, expr: ast.expr) -> bool:
        return isinstance(expr, ast.Constant | ast.List | ast.Tuple | ast.Dict)


def _is_whole(expr: ast.expr) -> bool:
    """Whether an expression is changed as one."""
    match expr:
        case ast.Constant() | ast.List(elts=[]) | ast.Tuple(elts=[]) | ast.Dict(keys=[]):
            return True
        case ast.Name(id=text):
            return text in TYPES
        case ast.Call(args=[], keywords=[]):
            return last_name(expr.func) in _EMPTY
    return False


def changed(spot: Spot, draws: Draws, pool: Sequence[Scalar], apart: float = 0) -> ast.expr | None:
    """Another expression for a literal; None where there is none that looks like it."""
    match spot.node:
        case ast.Constant(value=value) if spot.within in _DATES and isinstance(value, int):
            return ast.Constant(_near_in_calendar(value, draws))
        case ast.Constant(value=str(text)) if spot.within in _NUMBERS:
            if not any(sign.isdigit() for sign in text):
                return None
            return _constant(another(text, draws), text)
        case ast.Constant(value=value) if value is not ...:
            return _constant(another(value, draws, pool, apart), value)
        case ast.Name(id=name):
            return ast.Name(draws.pick([item for item in TYPES if item != name]), ast.Load())
        case ast.List():
            return ast.List([_filling(draws, pool)], ast.Load())
        case ast.Tuple():
            return ast.Tuple([_filling(draws, pool)], ast.Load())
        case ast.Dict():
            return ast.Dict([_filling(draws, pool)], [_filling(draws, pool)])
        case ast.Call(func=function):
            filling = _filling(draws, pool)
            is_map = last_name(function) in ("dict", "OrderedDict")
            full = ast.Dict([filling], [filling]) if is_map else ast.List([filling], ast.Load())
            return ast.Call(function, [full], [])
    return None


def _near_in_calendar(value: int, draws: Draws) -> int:
    """A number for a year, month, day or time of day that is in its range if the given one is."""
    if 28 < value < 32:
        return 21 + draws.below(8)  # A day that every month has.
    if 1 < value < 10 or value > 99:
        return value + draws.pick((-1, 1))
    return value - 1 if value > 1 else value + 1


def _constant(new: Scalar, old: Scalar) -> ast.expr | None:
    return None if new is None and old is not None else ast.Constant(new)


def _filling(draws: Draws, pool: Sequence[Scalar]) -> ast.expr:
    return ast.Constant(draws.pick([item for item in pool if isinstance(item, str | int)] or [0]))


def _is_plain(node: ast.Name) -> bool:
    return node.id in _PLAIN or node.id in TYPES
