"""Checks that take numbers for equal which are near to each other, and how near."""

import ast
import math

from executor.guest.guards.text.sites import last_name

_SIMILAR = ("isclose", "allclose", "array_equal", "equals", "compare_digest", "samefile")
_TOLERANT = ("Almost", "almost", "close", "approx")
_ABSOLUTE = ("delta", "atol", "abs_tol", "abs")
_RELATIVE = {"rel", "rel_tol", "rtol", "places", "decimal"}
"""Tolerances beside which no other number is surely another."""
DISTANCES = ("abs", "fabs")
_LIKE = ("close", "near", "approx", "almost")
"""Parts of the names of functions that tell whether two numbers are alike."""


def apart(call: ast.Call) -> float:
    """How far numbers may be apart that a check takes for equal."""
    name = last_name(call.func)
    if not any(word in name for word in (*_TOLERANT, *_LIKE)):
        return 0
    if name not in _SIMILAR and not name.startswith("assert") and name != "approx":
        return math.inf  # Of the suite's own, with a tolerance of its own.
    given = {item.arg: item.value for item in call.keywords}
    if given.keys() & _RELATIVE or (len(call.args) > 2 and "close" in name):
        return math.inf
    # Nothing may be near to both.
    return 2 * max([1.0, *(number(given[name]) for name in _ABSOLUTE if name in given)])


def is_told_by(expr: ast.expr) -> bool:
    """Whether an expression is a call of a function that tells whether two values are alike."""
    name = last_name(expr) if isinstance(expr, ast.Call) else ""
    return name in _SIMILAR or any(word in name.lower() for word in _LIKE)


def is_distance(expr: ast.expr) -> bool:
    """Whether a difference is made positive somewhere in an expression."""
    parts = list(ast.walk(expr))
    is_positive = any(
        isinstance(part, ast.Pow) or (isinstance(part, ast.Call) and last_name(part) in DISTANCES)
        for part in parts
    )
    return is_positive and any(isinstance(part, ast.Sub) for part in parts)


def is_number(expr: ast.expr) -> bool:
    """Whether an expression is one number, so that another literal is another by as much."""
    inner = expr.operand if isinstance(expr, ast.UnaryOp) else expr
    return isinstance(inner, ast.Constant) and isinstance(inner.value, int | float)


def is_small(expr: ast.expr) -> bool:
    """Whether an expression is a number that hardly any distance of other numbers is below."""
    return isinstance(expr, ast.Constant) and number(expr) <= 1


def number(expr: ast.expr) -> float:
    """The number that an expression is; 0 for any other."""
    value = expr.value if isinstance(expr, ast.Constant) else None
    return float(value) if isinstance(value, int | float) else 0.0
