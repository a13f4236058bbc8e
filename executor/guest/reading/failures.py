"""Checks that are written as `if` and a failure, read as the asserts that they are."""

import ast


def as_asserts(tree: ast.Module) -> ast.Module:
    """Write each `if x: raise AssertionError(y)` as `assert not x, y`; the tree itself is changed.

    The same goes for `self.fail(y)`, and for `pytest.fail(y)` where nothing catches it, which would
    be another exception. What is raised in a `try` in any case is `assert False`.
    """
    written: ast.Module = _Written().visit(tree)
    return ast.fix_missing_locations(written)


class _Written(ast.NodeTransformer):
    def __init__(self) -> None:
        self._is_tried = False

    def visit_Try(self, node: ast.Try | ast.TryStar) -> ast.stmt:
        outer, self._is_tried = self._is_tried, True
        self.generic_visit(node)
        self._is_tried = outer
        return node

    visit_TryStar = visit_Try  # noqa: N815 - the name of the node

    def visit_If(self, node: ast.If) -> ast.stmt:
        match node:
            case ast.If(test, [failure], []):
                message = self._message(failure)
                if message is not None:
                    return _check(node, ast.UnaryOp(ast.Not(), test), message)
        self.generic_visit(node)
        return node

    def visit_Raise(self, node: ast.Raise) -> ast.stmt:
        message = self._message(node) if self._is_tried else None
        return node if message is None else _check(node, ast.Constant(False), message)

    def _message(self, node: ast.stmt) -> list[ast.expr] | None:
        """Return what a statement says when it fails the test, None if it does not fail it so."""
        match node:
            case ast.Raise(ast.Name("AssertionError"), None):
                return []
            case ast.Raise(ast.Call(ast.Name("AssertionError"), [] | [_] as said, []), None):
                return said
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("self"), "fail"), [] | [_] as said, [])):
                return said
            case ast.Expr(
                ast.Call(ast.Attribute(ast.Name("pytest"), "fail"), [] | [_] as said, [])
            ) if not self._is_tried:
                return said
        return None


def _check(node: ast.stmt, test: ast.expr, message: list[ast.expr]) -> ast.stmt:
    return ast.copy_location(ast.Assert(test, *message), node)
