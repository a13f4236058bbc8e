"""Test code of EvalPlus's editions, where it does not say what it means: pure."""

import ast
from typing import Final

from infra.parsing import parse

_CLOSE: Final = ("allclose", "assert_allclose")


def with_equal_shapes(test: str) -> str:
    """Have the tests' own `assertion` refuse what has another shape than expected, or no numbers.

    Numpy stretches both to one shape before it compares: nothing is close to anything then, one
    number to a list of it; and of what is no number it raises, as if the program had. EvalPlus's
    own runner compares types and lengths since.
    """
    try:
        tree = parse(test)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return test
    lines = test.encode("utf-8", "surrogatepass").split(b"\n")
    for function in tree.body:
        if isinstance(function, ast.FunctionDef) and function.name == "assertion":
            # From the end, so that what is before keeps its place.
            for node in sorted(ast.walk(function), key=_place, reverse=True):
                if isinstance(node, ast.Assert | ast.Expr) and (guard := _guard(node)):
                    line, column = node.lineno - 1, node.col_offset
                    lines[line] = lines[line][:column] + guard + lines[line][column:]
    return b"\n".join(lines).decode("utf-8", "surrogatepass")


def _place(node: ast.AST) -> tuple[int, int]:
    return getattr(node, "lineno", 0), getattr(node, "col_offset", 0)


def _guard(statement: ast.stmt) -> bytes:
    """Write what is to stand before a statement that compares by numpy; nothing for others."""
    for node in ast.walk(statement):
        match node:
            case ast.Call(func=ast.Attribute(attr=name) as function, args=[out, expected, *_]):
                if name in _CLOSE:
                    numpy = ast.unparse(function).partition(".")[0]
                    given, wanted = ast.unparse(out), ast.unparse(expected)
                    alike = f"{numpy}.shape({given}) == {numpy}.shape({wanted})"
                    numbers = f"{numpy}.asarray({given}).dtype.kind in 'biufc'"
                    return f"assert {alike} and {numbers}, 'not alike'; ".encode()
    return b""
