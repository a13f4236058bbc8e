"""Checks that are written as `if` and a failure, read as the asserts that they are."""

import ast


def as_asserts(tree: ast.Module) -> ast.Module:
    """Write each `if x: raise AssertionError(y)` as `assert not x, y`; the tree itself is changed.

    The same goes for `self.fail(y)`, and for `pytest.fail(y)` where nothing catches it, which would
    be another exception.
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
        self.generic_visit(node)
        match node:
            case ast.If(test, [failure], []):
                arguments = self._failure(failure)
                if arguments is not None and len(arguments) < 2:
                    check = ast.Assert(ast.UnaryOp(ast.Not(), test), *arguments)
                    return ast.copy_location(check, node)
        return node

    def _failure(self, node: ast.stmt) -> list[ast.expr] | None:
        """Return with which arguments a statement fails the test, None if it does not."""
        match node:
            case ast.Raise(ast.Name("AssertionError"), None):
                return []
            case ast.Raise(ast.Call(ast.Name("AssertionError"), arguments, []), None):
                return arguments
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("self"), "fail"), arguments, [])):
                return arguments
            case ast.Expr(ast.Call(ast.Attribute(ast.Name("pytest"), "fail"), arguments, [])):
                return None if self._is_tried else arguments
        return None
