"""The check that holds where a given one does not, and exceptions that one may be mistaken for."""

import ast
import builtins
from collections.abc import Sequence
from typing import Any

from executor.guest.reading.statements import SITE

_OPERATORS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.Lt: ast.GtE,
    ast.LtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.Is: ast.IsNot,
}
_OPERATORS |= {other: one for one, other in _OPERATORS.items()}
_NAMES = {
    "assertTrue": "assertFalse",
    "assertIn": "assertNotIn",
    "assertIs": "assertIsNot",
    "assertIsNone": "assertIsNotNone",
    "assertIsInstance": "assertNotIsInstance",
    "assertGreater": "assertLessEqual",
    "assertLess": "assertGreaterEqual",
    "assertRegex": "assertNotRegex",
    "assertAlmostEqual": "assertNotAlmostEqual",
    "assertLogs": "assertNoLogs",
    "assertEqual": "assertNotEqual",
    "assert_not_called": "assert_called",
    "assert_not_awaited": "assert_awaited",
}
_NAMES |= {other: one for one, other in _NAMES.items()}
_NAMES |= {
    "assert_": "assertFalse",
    "assert_called_once": "assert_not_called",
    "assert_awaited_once": "assert_not_awaited",
}
_EQUALITY = {
    "List": "Equal",
    "Dict": "Equal",
    "Tuple": "Equal",
    "Set": "Equal",
    "MultiLine": "Equal",
    "Sequence": "Equal",
}
_BROAD = (BaseException, Exception, Warning)
EXCEPTIONS = (
    *("ValueError", "TypeError", "KeyError", "IndexError", "AttributeError"),
    *("ZeroDivisionError", "RuntimeError", "OSError", "NameError", "NotImplementedError"),
)
_RARE = ("BufferError", "FloatingPointError", "ReferenceError", "UnboundLocalError", "EOFError")
_RARE_WARNINGS = ("BytesWarning", "UnicodeWarning", "ImportWarning")
WARNINGS = ("UserWarning", "DeprecationWarning", "RuntimeWarning", "FutureWarning")


def opposite_call(call: ast.Call) -> ast.Call | None:
    """Return the same check of the opposite; None where none is known."""
    if not isinstance(call.func, ast.Attribute):
        return None
    name = call.func.attr
    for part in _EQUALITY:
        name = name.replace(f"assert{part}Equal", "assertEqual")
    other = _NAMES.get(name)
    if other is None:
        return None
    return ast.Call(ast.Attribute(call.func.value, other, ast.Load()), call.args, call.keywords)


def opposite(test: ast.expr) -> ast.expr:
    """Return an expression that is true where another is false."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return operand
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            return ast.Compare(left, [_OPERATORS[type(op)]()], [right])
    return ast.UnaryOp(ast.Not(), test)


def computed_other(expected: ast.expr, apart: float) -> ast.expr:
    """Write a call for another value than one that a test computes."""
    function = ast.Attribute(ast.Name(SITE, ast.Load()), "other", ast.Load())
    return ast.Call(function, [expected, ast.Constant(apart > 0)], [])


def others(kinds: Sequence[ast.expr], known: Sequence[str]) -> list[str]:
    """Return names of exceptions that are none of those expected, nor can well be one as well.

    They are `known` ones where a few builtin ones are expected, and else, as a program's own may be
    a kind of any, such as nobody raises.
    """
    names = {node.id for kind in kinds for node in ast.walk(kind) if isinstance(node, ast.Name)}
    expected = [getattr(builtins, name, None) for name in names]
    if all(isinstance(one, type) and one not in _BROAD for one in expected) and len(names) < 3:
        return [name for name in known if not any(_are_related(one, name) for one in expected)]
    rare = _RARE_WARNINGS if known is WARNINGS else _RARE
    return [name for name in rare if name not in names]


def _are_related(one: Any, name: str) -> bool:
    other = getattr(builtins, name)
    return issubclass(one, other) or issubclass(other, one)
