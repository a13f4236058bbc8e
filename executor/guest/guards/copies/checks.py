"""How a check is changed so that what passes it fails.

No right program may pass both: the reference program is one of many, and another may answer with
what the check allows as well.
"""

import ast
import math
from collections.abc import Iterator, Sequence
from typing import Any

from executor.guest.guards.copies import likeness
from executor.guest.guards.copies.opposites import (
    EXCEPTIONS,
    WARNINGS,
    computed_other,
    opposite,
    opposite_call,
    others,
)
from executor.guest.guards.copies.uneventful import (
    RAISING,
    WARNING,
    Calls,
    on_another,
    without_it,
)
from executor.guest.guards.text.copying import Change, together
from executor.guest.guards.text.examples import other_output
from executor.guest.guards.text.literals import TYPES, Literals, Spot, becoming, changed
from executor.guest.guards.text.sites import Site, last_name
from executor.guest.guards.text.values import Draws, Scalar, unlikely

_CONTAINED = ("match", "search", "fullmatch", "startswith", "endswith", "find", "count")
_PAIRING = ("zip", "enumerate")
_ONE = ast.Constant(1)
_ROUNDS = 3
"""Times that the literals of a check are changed for others; as many more where there are more."""


class Changes:
    """The ways to change the checks of one test."""

    def __init__(
        self, literals: Literals, pool: Sequence[Scalar], draws: Draws, returning: Calls
    ) -> None:
        """`returning` are calls that neither raise nor stand where that is expected."""
        self._returning = returning
        self._literals = literals
        self._pool = pool
        self._draws = draws

    def of(self, site: Site) -> Iterator[Change]:
        """Changes of a check: first of what it expects, from those that look most like it.

        Then the same where that does not happen, first with what the test itself expects: among
        all copies that is as often as what any of them expects.
        """
        expecting = list(self._expecting(site))
        yield from expecting
        for change in (
            *without_it(site, self._returning, self._draws),
            *on_another(site.node),
        ):
            yield change
            yield from map(change.with_other, expecting[:_ROUNDS])

    def _expecting(self, site: Site) -> Iterator[Change]:
        """Change what a check expects; the last change is its negation."""
        if site.handlers:
            yield from self._of_handlers(site.handlers)
            return
        yield from self._of_examples(site.node)
        match site.node:
            case ast.Assert(test=test):
                yield from self._of_truth(test)
            case ast.Call() as call:
                yield from self._of_call(call)

    def _of_handlers(self, handlers: Sequence[ast.ExceptHandler]) -> Iterator[Change]:
        kinds = [handler.type for handler in handlers if handler.type is not None]
        if len(kinds) != len(handlers):
            return
        for name in self._shuffled(others(kinds, EXCEPTIONS)):
            yield {kind: ast.Name(name, ast.Load()) for kind in kinds}

    def _of_examples(self, node: ast.AST) -> Iterator[Change]:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                for _ in range(_ROUNDS):
                    text = other_output(part.value, self._draws)
                    if text is not None:
                        yield {part: ast.Constant(text)}

    # What is asserted to be true.

    def _of_truth(self, test: ast.expr) -> Iterator[Change]:
        yield from self._within_truth(test)
        yield {test: opposite(test)}

    def _within_truth(self, test: ast.expr) -> Iterator[Change]:
        match test:
            case ast.Compare(left=left, ops=[op], comparators=[right]):
                yield from self._of_comparison(left, op, right)
            case ast.Compare(ops=ops, comparators=[*_, last]) if isinstance(ops[-1], ast.Eq):
                yield from self._of_equality(test.comparators[-2], last)
            case ast.UnaryOp(op=ast.Not(), operand=ast.Compare(ops=[op]) as far) if isinstance(
                op, ast.Gt | ast.GtE
            ):
                yield from self._of_distance(far.left, far.comparators[0])
            case ast.BoolOp(op=ast.And(), values=parts):
                yield from together(*(self._within_truth(part) for part in parts))
            case ast.Call(args=[one, other, *_]) if likeness.is_told_by(test):
                yield from self._of_equality(one, other, likeness.apart(test))
            case ast.Call(
                func=ast.Name(id="all"), args=[ast.GeneratorExp() | ast.ListComp() as every]
            ):
                yield from self._of_elements(every)
            case ast.Call(func=func, args=[_, kind]) if last_name(func) in (
                *("isinstance", "issubclass"),
            ):
                yield from self._of_class(kind)
            case ast.Call(func=ast.Attribute(), args=[part, *_]) if last_name(test) in _CONTAINED:
                yield from self._of_contents(part)

    def _of_comparison(self, left: ast.expr, op: ast.cmpop, right: ast.expr) -> Iterator[Change]:
        match op:
            case ast.Is():
                yield from self._of_identity(left, right)
            case ast.Eq():
                if _is_type_of(left):
                    yield from self._of_class(right)
                elif _is_type_of(right):
                    yield from self._of_class(left)
                calls = [side for side in (left, right) if isinstance(side, ast.Call)]
                apart = max([0, *(likeness.apart(call) for call in calls)])
                yield from self._of_equality(left, right, apart)
            case ast.In():
                yield from self._of_contents(left)
            case ast.Lt() | ast.LtE():
                yield from self._of_distance(left, right)
            case ast.Gt() | ast.GtE():
                yield from self._of_distance(right, left)

    def _of_distance(self, distance: ast.expr, most: ast.expr) -> Iterator[Change]:
        """Have another number expected in a difference; nothing may be near to both."""
        match distance:
            case ast.Call(args=[ast.BinOp(left=one, op=ast.Sub(), right=other)]) if (
                last_name(distance) in likeness.DISTANCES
            ):
                expected = min((other, one), key=self._literals.rank)
                spots = self._literals.spots(expected)
                if isinstance(most, ast.Constant):
                    whole = [spot for spot in spots if likeness.is_number(spot.value)]
                    yield from self._of_literals(whole, 2 * max(1.0, likeness.number(most)))
                step = ast.BinOp(ast.BinOp(ast.Constant(3), ast.Mult(), most), ast.Add(), _ONE)
                yield {expected: ast.BinOp(expected, ast.Add(), step)}
            case ast.Call(args=[ast.GeneratorExp() | ast.ListComp() as every]):
                yield from self._of_elements(every)
            case _ if likeness.is_distance(distance) and likeness.is_small(most):
                for part in ast.walk(distance):
                    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Sub):
                        yield from self._of_literals(self._literals.spots(part.right), math.inf)
                        yield from self._of_literals(self._literals.spots(part.left), math.inf)

    def _of_elements(self, every: ast.GeneratorExp | ast.ListComp) -> Iterator[Change]:
        """Have another value expected where elements are compared with those of a literal."""
        match every.elt:
            case ast.Compare(ops=[ast.Eq()]):
                apart = 0.0
            case elt if likeness.is_told_by(elt) or likeness.is_distance(elt):
                apart = math.inf
            case _:
                return
        spots: list[Spot] = []
        for loop in every.generators:
            match loop.iter:
                case ast.Call(func=func, args=parts) if last_name(func) in _PAIRING:
                    pass
                case _:
                    parts = [loop.iter]
            for part in parts:
                spots += self._literals.spots(part)
        yield from self._of_literals(spots, apart)

    def _of_identity(self, left: ast.expr, right: ast.expr) -> Iterator[Change]:
        for side in (right, left):
            if isinstance(side, ast.Constant):
                left_over = [value for value in (None, True, False) if value is not side.value]
                for value in self._shuffled(left_over):
                    yield {side: ast.Constant(value)}
        if _is_type_of(left):
            yield from self._of_class(right)

    def _of_class(self, kind: ast.expr) -> Iterator[Change]:
        """Have another builtin class expected, where nothing is an instance of both."""
        known = {node.id for node in ast.walk(kind) if isinstance(node, ast.Name)}
        if known and known <= {*TYPES}:
            for name in self._shuffled([item for item in TYPES if item not in known]):
                yield {kind: ast.Name(name, ast.Load())}

    def _of_equality(self, one: ast.expr, other: ast.expr, apart: float = 0) -> Iterator[Change]:
        expected = min((other, one), key=self._literals.rank)
        if self._literals.rank(expected) < 3:
            yield from self._of_literals(self._literals.spots(expected), apart)
        yield {expected: computed_other(expected, apart)}
        # A value alone and one in a list are never equal, whatever they are.
        yield {expected: ast.List([expected], ast.Load())}
        yield {expected: ast.Tuple([expected], ast.Load())}

    def _of_literals(self, spots: Sequence[Spot], apart: float = 0) -> Iterator[Change]:
        """Change the literals together.

        Were one left as it is in most copies, what most of them say would be what the test says.
        """
        if math.isinf(apart):
            numbers = [spot for spot in spots if likeness.is_number(spot.node)]
            for _ in range(_ROUNDS if numbers else 0):
                new = {
                    spot: ast.Constant(unlikely(likeness.number(spot.node), self._draws))
                    for spot in numbers
                }
                yield becoming(new)
            return
        for _ in range(_ROUNDS * min(_ROUNDS, len(spots))):
            others = {
                spot: other
                for spot in spots
                if (other := changed(spot, self._draws, self._pool, apart)) is not None
            }
            # The only other truth would be in every copy, and the test's own in none.
            kept = [spot for spot in others if _is_truth(spot.node) and self._draws.below(2)]
            for spot in kept[: len(others) - 1]:
                del others[spot]
            if others:
                yield becoming(others)

    def _of_contents(self, part: ast.expr) -> Iterator[Change]:
        """Change what something contains, begins with or matches."""
        spots = {
            spot: spot.node.value
            for spot in self._literals.spots(part)
            if isinstance(spot.node, ast.Constant) and spot.node.value is not ...
        }
        for _ in range(_ROUNDS if spots else 0):
            others = {spot: unlikely(value, self._draws) for spot, value in spots.items()}
            new = {spot: ast.Constant(one) for spot, one in others.items() if one is not None}
            if new:
                yield becoming(new)

    def _shuffled(self, items: Sequence[Any]) -> list[Any]:
        left = list(items)
        return [left.pop(self._draws.below(len(left))) for _ in items]

    # Calls that check.

    def _of_call(self, call: ast.Call) -> Iterator[Change]:
        name, args = last_name(call.func), call.args
        if name in (*RAISING, *WARNING):
            yield from self._of_expected(call, WARNINGS if name in WARNING else EXCEPTIONS)
            return
        if name in ("assertTrue", "assert_") and args:
            yield from self._within_truth(args[0])
        elif name in ("assertLess", "assertLessEqual") and len(args) > 1:
            yield from self._of_distance(args[0], args[1])
        elif name == "assertFalse" and args:
            yield from self._of_falsehood(args[0])
        elif name in ("assertIn", "assert_any_call", "assertLogs") and args:
            yield from self._of_contents(args[0])
        elif name == "assertRegex" and len(args) > 1:
            yield from self._of_contents(args[1])
        elif name == "assertIsInstance" and len(args) > 1:
            yield from self._of_class(args[1])
        elif name.startswith("assert_") and name.endswith("_with"):
            yield from self._of_arguments(call)
        elif len(args) > 1 and name.startswith("assert") and not _is_one_sided(name):
            yield from self._of_equality(args[0], args[1], likeness.apart(call))
        other = opposite_call(call)
        if other is not None:
            yield {call: other}

    def _of_falsehood(self, test: ast.expr) -> Iterator[Change]:
        match test:
            case ast.Compare(ops=[ast.NotEq()], left=left, comparators=[right]):
                yield from self._of_equality(left, right)
            case ast.Compare(ops=[ast.Gt() | ast.GtE()], left=left, comparators=[right]):
                yield from self._of_distance(left, right)

    def _of_expected(self, call: ast.Call, kinds: Sequence[str]) -> Iterator[Change]:
        """Have another exception or warning expected, or another text of it."""
        if not call.args:
            return
        kind = call.args[0]
        patterns = [*call.args[1:2]] if last_name(call.func).endswith("Regex") else []
        patterns += [item.value for item in call.keywords if item.arg == "match"]
        yield from together(
            *(self._of_exception(one, kinds) for one in self._literals.written(kind)),
            *(self._of_contents(pattern) for pattern in patterns),
        )

    def _of_exception(self, kind: ast.expr, known: Sequence[str]) -> Iterator[Change]:
        for name in self._shuffled(others([kind], known)):
            yield {kind: ast.Name(name, ast.Load())}

    def _of_arguments(self, call: ast.Call) -> Iterator[Change]:
        given = [*call.args, *(item.value for item in call.keywords)]
        spots = [spot for part in given for spot in self._literals.spots(part)]
        yield from self._of_literals(spots, likeness.apart(call))
        for part in given:
            if not isinstance(part, ast.Starred):
                yield {part: computed_other(part, 0)}
                yield {part: ast.List([part], ast.Load())}


def _is_truth(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Constant) and isinstance(expr.value, bool)


def _is_one_sided(name: str) -> bool:
    """Whether a check holds for more than one value, so that another may hold as well."""
    return any(word in name for word in ("Not", "Greater", "Less", "Contains", "Subset", "Raises"))


def _is_type_of(expr: ast.expr) -> bool:
    return isinstance(expr, ast.Call) and last_name(expr.func) == "type"
