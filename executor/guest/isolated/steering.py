"""Exceptions that steer whoever meets them: they reach tests only where tests ask for them by name.

The end of an iteration would end a loop of the tests, an exit the run of them.
"""

import ast
import sys
from typing import NamedTuple

_ASKING = ("raises", "assertRaises", "assertRaisesRegex")


class _Asked(NamedTuple):
    """Lines of test code in which exceptions of these names are asked for."""

    first: int
    last: int
    names: frozenset[str]


class Asked:
    """Where test code asks for which exceptions."""

    def __init__(self, source: str, file: str) -> None:
        """Read the test code, as it is run under this name."""
        self._file = file
        self._places = [
            _Asked(node.lineno, node.end_lineno or node.lineno, names)
            for node in ast.walk(ast.parse(source))
            if isinstance(node, (ast.With, ast.AsyncWith, ast.Expr))
            and (names := _names_asked(node))
        ]

    def allows(self, error: BaseException) -> bool:
        """Tell whether this may be raised in the function of the tests that is being run."""
        is_end = isinstance(error, (StopIteration, StopAsyncIteration))
        if isinstance(error, Exception) and not is_end:
            return True
        kinds = {kind.__name__ for kind in type(error).__mro__}
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename == self._file:
                for place in self._places:
                    if place.first <= frame.f_lineno <= place.last and kinds & place.names:
                        return True
            frame = frame.f_back  # type: ignore[assignment] # None of the first
        return False


def _names_asked(node: ast.With | ast.AsyncWith | ast.Expr) -> frozenset[str]:
    found: set[str] = set()
    calls = [node.value] if isinstance(node, ast.Expr) else [i.context_expr for i in node.items]
    for call in calls:
        match call:
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in _ASKING:
                found |= {
                    n.id for a in call.args[:1] for n in ast.walk(a) if isinstance(n, ast.Name)
                }
    return frozenset(found)
