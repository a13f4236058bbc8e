"""The places of a program where a small change may be made, and the changes."""

import ast
import itertools
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_OPERATORS: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
_COMPARISONS: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_LARGEST: Final = 10**100
"""A larger constant is left as it is."""
_LEFT_ALONE = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Assert)
"""Python 3.11 does not say where the parts of an f-string are."""


class Change(NamedTuple):
    """A node of the program, and what takes its place."""

    kind: str
    old: ast.AST
    new: ast.AST


class _Place(NamedTuple):
    """Where a node hangs in the tree."""

    parent: ast.AST
    field: str
    position: int | None


class Program:
    """A program that is to be changed."""

    def __init__(self, source: str, runs_main: bool) -> None:
        """Read it.

        Raises:
            SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
        """
        self.tree = ast.parse(source)
        self._runs_main = runs_main
        lines = source.encode().split(b"\n")
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in lines)]
        self._places: dict[int, _Place] = {}
        for parent in ast.walk(self.tree):
            for field, value in ast.iter_fields(parent):
                for index, child in enumerate(value if isinstance(value, list) else [value]):
                    if isinstance(child, ast.AST):
                        number = index if isinstance(value, list) else None
                        self._places[id(child)] = _Place(parent, field, number)

    def place(self, node: Any) -> tuple[int, int]:
        """Return where the text of a node begins and ends, in bytes of UTF-8."""
        start = self._starts[node.lineno - 1] + node.col_offset
        return start, self._starts[node.end_lineno - 1] + node.end_col_offset

    def changes(self) -> Iterator[Change]:
        """Yield all changes that may be made, from top to bottom."""
        waiting: list[ast.AST] = [self.tree]
        while waiting:
            node = waiting.pop()
            if isinstance(node, _LEFT_ALONE) or self._is_unused(node):
                continue
            yield from self._of(node)
            waiting += reversed(list(ast.iter_child_nodes(node)))

    def _is_unused(self, node: ast.AST) -> bool:
        """Tell whether a node says nothing of what the program does, or does not run."""
        place = self._places.get(id(node))
        if place is not None and place.field in ("annotation", "returns", "decorator_list"):
            return True
        match node:
            case ast.If(ast.Compare(ast.Name("__name__"))):
                return not self._runs_main
            case ast.Expr(ast.Constant()):
                return True
        return False

    def _of(self, node: ast.AST) -> Iterator[Change]:
        yield from _of_values(node)
        yield from _of_bounds(node)
        yield from _of_conditions(node)
        yield from _of_statements(node)
        if isinstance(node, ast.Return) and node.value is not None:
            yield from self._returns(node, node.value)

    def _returns(self, node: ast.Return, value: ast.expr) -> Iterator[Change]:
        if not (isinstance(value, ast.Constant) and value.value is None):
            yield Change("return none", node, ast.Return(ast.Constant(None)))
        function = self._function_of(node)
        if function is None:
            return
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        for name in [name for name in names if name not in ("self", "cls")][:1]:
            if ast.unparse(value) != name:
                yield Change("return argument", node, ast.Return(ast.Name(name, ast.Load())))

    def _function_of(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        place = self._places.get(id(node))
        while place is not None and not isinstance(place.parent, _FUNCTIONS):
            place = self._places.get(id(place.parent))
        if place is not None and isinstance(place.parent, _FUNCTIONS):
            return place.parent
        return None

    def shown(self, change: Change) -> tuple[str, str]:
        """Return the statement before and after, or the part that changes, each on one line.

        Raises:
            ValueError, RecursionError: Python does not write it.
        """
        statement = change.old
        while not isinstance(statement, ast.stmt):
            place = self._places.get(id(statement))
            if place is None:
                break
            statement = place.parent
        if statement is change.old:
            return _line(change.old), _line(change.new)
        before = _line(statement)
        self._put(self._places[id(change.old)], change.new)
        after = _line(statement)
        self._put(self._places[id(change.old)], change.old)
        if before == after:  # It is below the first line.
            return _line(change.old), _line(change.new)
        return before, after

    @staticmethod
    def _put(place: _Place, node: ast.AST) -> None:
        if place.position is None:
            setattr(place.parent, place.field, node)
        else:
            getattr(place.parent, place.field)[place.position] = node


def _line(node: ast.AST) -> str:
    """Write a node on one line; of a statement with a body, its head."""
    first, _, rest = ast.unparse(node).partition("\n")
    return f"{first} ..." if rest else first


def _is_text(node: ast.expr) -> bool:
    """Tell whether an operand is one that other operators do not take."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, (str, bytes))
    return isinstance(node, (ast.JoinedStr, ast.List, ast.ListComp, ast.Tuple))


def _of_values(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Constant(bool() as value):
            yield Change("constant", node, ast.Constant(not value))
        case ast.Constant(int() | float() as value) if abs(value) < _LARGEST:
            yield Change("constant", node, ast.Constant(value + 1))
            yield Change("constant", node, ast.Constant(value - 1))
        case ast.BinOp(left, op, right) if type(op) in _OPERATORS:
            if not (_is_text(left) or _is_text(right)):
                other = ast.BinOp(left, _OPERATORS[type(op)](), right)
                yield Change("arithmetic", node, other)
        case ast.AugAssign(target, op, value) if type(op) in _OPERATORS and not _is_text(value):
            changed = ast.AugAssign(target, _OPERATORS[type(op)](), value)
            yield Change("arithmetic", node, changed)
        case ast.UnaryOp(ast.USub(), operand) if not isinstance(operand, ast.Constant):
            yield Change("arithmetic", node, operand)


def _of_bounds(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Call(ast.Name("range"), [_, *_] as args, []):
            yield from _by_one(args[0 if len(args) == 1 else 1])
        case ast.Slice(lower, upper):
            yield from _by_one(lower)
            yield from _by_one(upper)


def _of_conditions(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.Compare():
            yield from _comparisons(node)
        case ast.BoolOp(op, values):
            swapped = ast.Or() if isinstance(op, ast.And) else ast.And()
            yield Change("boolean", node, ast.BoolOp(swapped, values))
        case ast.UnaryOp(ast.Not(), operand):
            yield Change("condition", node, operand)
        case ast.If(test) | ast.While(test) | ast.IfExp(test):
            yield from _negated(test)
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield from _negated(test)


def _of_statements(node: ast.AST) -> Iterator[Change]:
    match node:
        case ast.If(orelse=[]) | ast.AugAssign() | ast.Break() | ast.Continue():
            yield Change("deletion", node, ast.Pass())
        case ast.Expr(ast.Call() | ast.Await()):
            yield Change("deletion", node, ast.Pass())
        # Without the first value of a name a program fails whatever the tests are.
        case ast.Assign([ast.Attribute() | ast.Subscript()]):
            yield Change("deletion", node, ast.Pass())


def _comparisons(node: ast.Compare) -> Iterator[Change]:
    for position, op in enumerate(node.ops):
        ops = list(node.ops)
        ops[position] = _COMPARISONS[type(op)]()
        yield Change("comparison", node, ast.Compare(node.left, ops, node.comparators))


def _negated(test: ast.expr) -> Iterator[Change]:
    is_negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    # The other comparison says the same as a negated `==`.
    if not (is_negated or isinstance(test, ast.Constant) or _is_equality(test)):
        yield Change("condition", test, ast.UnaryOp(ast.Not(), test))


def _is_equality(test: ast.expr) -> bool:
    kinds = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
    return isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], kinds)


def _by_one(bound: ast.expr | None) -> Iterator[Change]:
    """Move a bound that is no constant, which is one more or less anyway."""
    if bound is not None and not isinstance(bound, ast.Constant):
        for op in (ast.Sub(), ast.Add()):
            yield Change("bound", bound, ast.BinOp(bound, op, ast.Constant(1)))
