"""Values that test code writes out: literals, and calls of what makes plain data of literals.

They are of untrusted tests, so they are made in a jail.
"""

import ast
import builtins
import importlib
from typing import Any, Final

from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import encode
from infra.contracts.values.scalars import Json

_BUILTINS: Final = (
    *("set", "frozenset", "list", "tuple", "dict", "float", "int", "str", "bytes", "bytearray"),
    *("complex", "bool", "range", "sorted", "len", "sum", "min", "max", "abs", "round", "ord"),
    "chr",
)
_IMPORTED: Final = {
    "datetime": ("date", "datetime", "time", "timedelta", "timezone"),
    "decimal": ("Decimal",),
    "fractions": ("Fraction",),
    "collections": ("Counter", "OrderedDict", "deque"),
    "math": ("sqrt", "pi", "e", "inf", "nan"),
}
_NODES: Final = (
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.keyword),
    *(ast.unaryop, ast.operator, ast.expr_context, ast.Call, ast.Attribute, ast.Name),
)
_ERRORS: Final = (
    *(ValueError, TypeError, ArithmeticError, LookupError, AttributeError, MemoryError),
    *(RecursionError, SyntaxError),
)


class Constants:
    """Reads the values of one module of test code."""

    def __init__(self, tree: ast.Module) -> None:
        self._names: dict[str, Any] = {name: getattr(builtins, name) for name in _BUILTINS}
        self._modules: dict[str, str] = {}
        for name in _bound(tree):
            self._names.pop(name, None)
        for node in ast.walk(tree):
            match node:
                case ast.Import(names=aliases):
                    for alias in aliases:
                        if alias.name in _IMPORTED:
                            self._modules[alias.asname or alias.name] = alias.name
                case ast.ImportFrom(module=str(module), names=aliases, level=0):
                    for alias in aliases:
                        if alias.name in _IMPORTED.get(module, ()):
                            found = getattr(importlib.import_module(module), alias.name)
                            self._names[alias.asname or alias.name] = found

    def is_one(self, expr: ast.expr) -> bool:
        """Tell whether an expression is such a value."""
        try:
            self.value(expr)
        except ValueError:
            return False
        return True

    def value(self, expr: ast.expr) -> Json:
        """Return the value of an expression, as tagged plain data.

        Raises:
            ValueError: it is none.
        """
        if not self._is_written_out(expr):
            raise ValueError("it is not written out")
        names = {name: importlib.import_module(module) for name, module in self._modules.items()}
        whole = ast.fix_missing_locations(ast.Expression(expr))
        try:
            code = compile(whole, "<constant>", "eval")
            return encode(eval(code, {**names, **self._names}))  # noqa: S307 - of what is above
        except (*_ERRORS, NotPlain) as error:
            raise ValueError(str(error)) from None

    def _is_written_out(self, expr: ast.expr) -> bool:
        called = {id(node.func) for node in ast.walk(expr) if isinstance(node, ast.Call)}
        known = {id(n.value) for n in ast.walk(expr) if isinstance(n, ast.Attribute)}
        for node in ast.walk(expr):
            match node:
                case ast.Attribute(value=ast.Constant(value=str() | bytes())):
                    is_known = id(node) in called
                case ast.Attribute(value=ast.Name(id=name), attr=attr):
                    is_known = attr in _IMPORTED.get(self._modules.get(name, ""), ())
                    # So is a constructor that such a class has beside itself.
                    is_known |= name in self._names and id(node) in called
                case ast.Attribute(value=ast.Attribute()):
                    is_known = id(node) in called
                case ast.Name(id=name):
                    is_known = id(node) in known or (name in self._names)
                case _:
                    is_known = isinstance(node, _NODES)
            if not is_known:
                return False
        return not isinstance(expr, ast.Name)


def _bound(tree: ast.Module) -> set[str]:
    """Names that the test code gives a meaning of its own."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                found.add(name)
            case ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=asname):
                found.add(asname or name)
    return found
