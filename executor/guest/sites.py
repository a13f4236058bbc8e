"""Test code made countable: each assert site becomes one test, known before anything runs.

An assert, an `assertX` call of a test case, and a whole `try` with handlers (or a `with` that
expects an exception) around asserts are sites. A failing site does not stop the next. An assert of
a constant truth checks nothing and does not count.
"""

import ast
import builtins
import symtable

GUARD = "__rrtf_site__"
"""Name under which the driver puts the context manager that records a site."""


class _Sites(ast.NodeTransformer):
    def __init__(self) -> None:
        self.count = 0

    def _site(self, node: ast.stmt) -> ast.stmt:
        guard = ast.Call(
            func=ast.Name(GUARD, ast.Load()), args=[ast.Constant(self.count)], keywords=[]
        )
        self.count += 1
        guarded = ast.With(items=[ast.withitem(context_expr=guard)], body=[node])
        return ast.copy_location(guarded, node)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        if isinstance(node.test, ast.Constant) and node.test.value:
            return ast.copy_location(ast.Pass(), node)
        return self._site(node)

    def visit_Expr(self, node: ast.Expr) -> ast.stmt:
        return self._site(node) if _is_assert_call(node.value) else node

    def visit_Try(self, node: ast.Try) -> ast.stmt:
        if node.handlers:
            return self._site(node)
        self.generic_visit(node)
        return node

    def visit_With(self, node: ast.With) -> ast.stmt:
        if any(_expects_exception(item.context_expr) for item in node.items):
            return self._site(node)
        self.generic_visit(node)
        return node


def _name_called(node: ast.expr) -> str:
    if not isinstance(node, ast.Call):
        return ""
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


def _is_assert_call(node: ast.expr) -> bool:
    name = _name_called(node)
    return name.startswith("assert") or name == "fail"


def _expects_exception(node: ast.expr) -> bool:
    return _name_called(node) in ("raises", "assertRaises", "assertRaisesRegex")


def instrument(source: str) -> tuple[ast.Module, int]:
    """Guard every site of test code; return the tree and the number of sites.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: the test code does not parse.
    """
    tree = ast.parse(source)
    sites = _Sites()
    tree = ast.fix_missing_locations(sites.visit(tree))
    return tree, sites.count


def free_names(source: str) -> set[str]:
    """Names that test code reads and neither defines nor finds among the built-ins."""
    found: set[str] = set()
    defined: set[str] = set()

    def walk(table: symtable.SymbolTable, top: bool) -> None:
        for symbol in table.get_symbols():
            binds = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if binds and (top or symbol.is_global()):
                defined.add(symbol.get_name())
            elif symbol.is_global() or (top and symbol.is_referenced()):
                found.add(symbol.get_name())
        for child in table.get_children():
            walk(child, top=False)

    walk(symtable.symtable(source, "<tests>", "exec"), top=True)
    return {name for name in found - defined if not hasattr(builtins, name)}
