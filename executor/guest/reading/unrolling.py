"""Loops over lists that are written out, with nothing in them but one check, written out too.

So EvalPlus has its inputs and results, a thousand for a problem: each is a test of its own then,
counted before anything runs, as if there were an assert for each.
"""

import ast
import copy
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Final

_MOST: Final = 5_000
"""Longest loop that is written out."""
_ROWS: Final = "__rrtf_rows__"
"""Name of what such a loop goes over."""


def unroll(tree: ast.Module, asserting: Collection[str]) -> ast.Module:
    """Write out what can be; the tree itself is changed.

    `asserting` are the functions of the test code that check something.
    """
    unrolled: ast.Module = _Unroller(tree, asserting).visit(tree)
    return unrolled


class _Unroller(ast.NodeTransformer):
    def __init__(self, tree: ast.Module, asserting: Collection[str]) -> None:
        self._asserting = asserting
        self._bound = Counter(_bound(tree))
        nodes = list(ast.walk(tree))
        loops = [node.iter for node in nodes if isinstance(node, ast.For)]
        looped = {id(inner) for over in loops for inner in ast.walk(over)}
        # Whoever has a list elsewhere might change it.
        elsewhere = {
            node.id
            for node in nodes
            if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)
            and id(node) not in looped
        }
        self._lists: dict[str, int] = {}
        """Lengths of lists that are written out, by names that stand for nothing else."""
        for node in nodes:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    length = _written(value)
                    if length is not None and self._bound[name] == 1 and name not in elsewhere:
                        self._lists[name] = length

    def visit_For(self, node: ast.For) -> ast.stmt | list[ast.stmt]:
        self.generic_visit(node)
        length = self._length(node.iter)
        if length is None or not 1 < length <= _MOST or node.orelse or len(node.body) != 1:
            return node
        (check,) = node.body
        if not self._is_check(check):
            return node
        all_rows = ast.Tuple([ast.Starred(node.iter, ast.Load())], ast.Load())
        rows = ast.Assign([ast.Name(_ROWS, ast.Store())], all_rows)
        written: list[ast.stmt] = [ast.copy_location(rows, node)]
        for number in range(length):
            row = ast.Subscript(ast.Name(_ROWS, ast.Load()), ast.Constant(number), ast.Load())
            taken = ast.Assign([copy.deepcopy(node.target)], row)
            written += [ast.copy_location(taken, node), copy.deepcopy(check)]
        return [ast.fix_missing_locations(item) for item in written]

    def _is_check(self, node: ast.stmt) -> bool:
        match node:
            case ast.Expr(ast.Call(ast.Name(name))):
                return name in self._asserting
        return isinstance(node, ast.Assert)

    def _length(self, node: ast.expr) -> int | None:
        match node:
            case ast.Name(id=name):
                return self._lists.get(name)
            case ast.List() | ast.Tuple():
                return _written(node)
            case ast.Call(func=ast.Name(id="enumerate"), args=[over], keywords=[]):
                return None if "enumerate" in self._bound else self._length(over)
            case ast.Call(func=ast.Name(id="zip"), args=[_, *_] as args, keywords=[]):
                lengths = [self._length(item) for item in args]
                known = [length for length in lengths if length is not None]
                is_known = len(known) == len(lengths) and "zip" not in self._bound
                return min(known) if is_known else None
        return None


def _written(node: ast.expr) -> int | None:
    """Count the elements of a list that is written out."""
    if not isinstance(node, (ast.List, ast.Tuple)):
        return None
    if any(isinstance(item, ast.Starred) for item in node.elts):
        return None
    return len(node.elts)


def _bound(tree: ast.AST) -> Iterator[str]:
    """Go through the names that are bound anywhere, as often as they are."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                yield name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str() as name):
                yield name
            case ast.MatchAs(name=str() as name) | ast.MatchStar(name=str() as name):
                yield name
            case ast.MatchMapping(rest=str() as name):
                yield name
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                yield from ((item.asname or item.name).partition(".")[0] for item in names)
            case ast.Global(names=declared) | ast.Nonlocal(names=declared):
                yield from declared
