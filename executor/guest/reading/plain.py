"""Sites that need no test code to run: one call with constants, one comparison with a constant.

Most tests of the well-known problem sets are `assert f(1, 2) == 3`. Such a site is told to the
supervisor as data, who then calls the candidate and compares by itself; nothing but the calls
remains to be run. Whatever is not of this form stays test code.
"""

import ast
import copy
import importlib.util
import sys
from typing import Any

from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import encode

Plain = dict[str, Any]
"""`relation`, `function`, `args`, `kwargs`; mostly `expected`; for `near` also `tolerance`.

The relations are `equal` (`==`), `is` (with True, False or None), `true`, `false`, and `near`
(`abs(call - expected) < tolerance`)."""

_MAX_NODES = 20_000


def plain_sites(
    source: str, check: str | None, entry_point: str | None, count: int
) -> list[Plain] | None:
    """Describe the `count` sites of test code, in order; None if any must be run as code."""
    tree = ast.parse(source)
    if sum(1 for _ in ast.walk(tree)) > _MAX_NODES:
        return None
    called = entry_point
    body = tree.body
    parameter = None
    if check is not None:
        checks = [i for i in body if isinstance(i, ast.FunctionDef) and i.name == check]
        if len(checks) != 1 or not _takes_one(checks[0]):
            return None
        if not all(item in checks or _is_inert(item) for item in body):
            return None
        body = checks[0].body
        parameter = checks[0].args.args[0].arg
    found = []
    for statement in body:
        if _is_inert(statement):
            continue
        site = _site(statement, parameter, called)
        if site is None:
            return None
        if site:
            found.append(site)
    # A helper with asserts of its own, or a function that a test runner would call.
    return found if found and len(found) == count else None


def _takes_one(function: ast.FunctionDef) -> bool:
    arguments = function.args
    return (
        not function.decorator_list
        and len(arguments.args) == 1
        and not (arguments.posonlyargs or arguments.kwonlyargs or arguments.defaults)
        and arguments.vararg is None
        and arguments.kwarg is None
    )


def _is_inert(statement: ast.stmt) -> bool:
    """Tell whether a statement has no effect on the sites."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assign):
        # Of names in capitals only, as for metadata: another name might be one that is called.
        names = all(isinstance(t, ast.Name) and t.id.isupper() for t in statement.targets)
        return names and is_literal(statement.value)
    if isinstance(statement, ast.Import):
        return all(_is_standard(alias.name) and alias.asname is None for alias in statement.names)
    if isinstance(statement, ast.FunctionDef):
        # A helper: no plain site calls it.
        arguments = statement.args
        return not (statement.decorator_list or arguments.defaults or arguments.kw_defaults)
    return isinstance(statement, ast.Pass)


def _is_standard(name: str) -> bool:
    return "." not in name and importlib.util.find_spec(name) is not None


def is_literal(node: ast.expr) -> bool:
    """Tell whether an expression is a constant, written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False
    return True


def _site(
    statement: ast.stmt, parameter: str | None, entry_point: str | None
) -> Plain | dict[str, Any] | None:
    """Describe an assert; an empty description if it does not count, None if it is not plain."""
    if not isinstance(statement, ast.Assert):
        return None
    if statement.msg is not None and not isinstance(statement.msg, ast.Constant):
        return None
    test = statement.test
    if isinstance(test, ast.Constant):
        return {} if test.value else None
    try:
        return _Reader(parameter, entry_point).read(test)
    except (ValueError, TypeError, ArithmeticError, MemoryError, RecursionError, NotPlain):
        return None


class _Reader:
    """Reads one assert's expression; a ValueError says that it is not plain."""

    def __init__(self, parameter: str | None, entry_point: str | None) -> None:
        self._parameter = parameter
        self._entry_point = entry_point

    def read(self, test: ast.expr) -> Plain:
        if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
            return {"relation": "false", **self._call(test.operand)}
        if isinstance(test, ast.Call):
            return {"relation": "true", **self._call(test)}
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            raise ValueError("not plain")
        left, operator, right = test.left, test.ops[0], test.comparators[0]
        if isinstance(operator, ast.Lt):
            return self._near(left, right)
        if isinstance(operator, ast.Is):
            if not isinstance(right, ast.Constant) or not _is_singleton(right.value):
                raise ValueError("not plain")
            return {"relation": "is", **self._call(left), "expected": right.value}
        if not isinstance(operator, ast.Eq):
            raise ValueError("not plain")
        if not _has_call(left):
            left, right = right, left
        return {"relation": "equal", **self._call(left), "expected": _constant(right)}

    def _near(self, left: ast.expr, right: ast.expr) -> Plain:
        match left:
            case ast.Call(
                func=ast.Name(id="abs"),
                args=[ast.BinOp(left=call, op=ast.Sub(), right=expected)],
                keywords=[],
            ):
                return {
                    "relation": "near",
                    **self._call(call),
                    "expected": _number(expected),
                    "tolerance": _number(right),
                }
        raise ValueError("not plain")

    def _call(self, node: ast.expr) -> Plain:
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            raise ValueError("not plain")
        name = node.func.id
        if self._parameter is not None:
            if name != self._parameter or self._entry_point is None:
                raise ValueError("not plain")
            name = self._entry_point
        elif name != self._entry_point or "." in name:
            # Any other name may be a built-in, a module's, or one of the candidate's.
            raise ValueError("not plain")
        if any(keyword.arg is None for keyword in node.keywords):
            raise ValueError("not plain")
        return {
            "function": name,
            "args": [_constant(item) for item in node.args],
            "kwargs": {str(item.arg): _constant(item.value) for item in node.keywords},
        }


def _is_singleton(value: object) -> bool:
    return value is None or value is True or value is False


def _has_call(node: ast.expr) -> bool:
    return isinstance(node, ast.Call)


_ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)
_MAX_NUMBER = 10**30


def _constant(node: ast.expr) -> Any:
    return encode(_value(node))


def _value(node: ast.expr) -> Any:
    """Evaluate a literal, in which numbers may be written as arithmetic."""
    folded = ast.fix_missing_locations(_Folder().visit(copy.deepcopy(node)))
    value = ast.literal_eval(folded)
    if not any(isinstance(inner, ast.Set) for inner in ast.walk(folded)):
        return value
    # A set's order depends on how it was built.
    built = ast.fix_missing_locations(ast.Expression(_Builder().visit(folded)))
    names = {_Builder.NAME: _as_compiled, "set": set}
    return eval(compile(built, "<literal>", "eval"), names)  # noqa: S307 - a literal, as was found


class _Builder(ast.NodeTransformer):
    """Has sets built by a call, one by one, where the compiler makes constants of them."""

    NAME = "__rrtf_set__"

    def visit_Set(self, node: ast.Set) -> ast.expr:
        items = ast.Tuple(node.elts, ast.Load())
        return ast.Call(ast.Name(self.NAME, ast.Load()), [items], [])


def _as_compiled(items: tuple[Any, ...]) -> set[Any]:
    """Build a set as code does in which it is written out: of three and more from a constant.

    Not by compiling it here, where its texts have been seen: the compiler makes such a constant
    once more, of which the order may be another.
    """
    if len(items) < 3:
        return {*items}
    constant = frozenset(items)
    # Until Python 3.14 an optimizer made the constant, and the compiler made it anew.
    return {*constant} if sys.version_info >= (3, 14) else {*frozenset([*constant])}


class _Folder(ast.NodeTransformer):
    """Replaces arithmetic on numbers and sums of strings by their results."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        left, right = (ast.literal_eval(side) for side in (node.left, node.right))
        text = isinstance(node.op, ast.Add) and type(left) is type(right) is str
        numbers = all(type(i) in (int, float) and abs(i) < _MAX_NUMBER for i in (left, right))
        if not text and not (numbers and isinstance(node.op, _ARITHMETIC)):
            raise ValueError("not plain")
        value = eval(  # noqa: S307 - two constants and one operator of those above
            compile(ast.fix_missing_locations(ast.Expression(node)), "<constant>", "eval")
        )
        return ast.copy_location(ast.Constant(value), node)


def _number(node: ast.expr) -> Any:
    value = _value(node)
    if type(value) not in (int, float):
        raise ValueError("not plain")
    return encode(value)
