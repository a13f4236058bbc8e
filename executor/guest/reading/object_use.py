"""What test code does with objects of the candidate, and what it hands over, as its text tells."""

import ast
import builtins
from collections.abc import Iterator

from executor.guest.reading.imported import is_library
from executor.guest.reading.plain import is_literal

_MAKERS = frozenset(["iter", "map", "filter", "zip", "enumerate", "reversed", "object", "type"])
"""Builtin functions that return what is no plain data."""


class Objects:
    """The names of one module of tests, and what is known of each."""

    def __init__(self, tree: ast.Module) -> None:
        """Read the module: what it defines, and what it makes of classes of the candidate."""
        self._parents = {
            id(child): node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_store(n)}
        self._own = {
            node.name
            for node in ast.walk(tree)
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
        }
        libraries = set(_of_libraries(tree))
        self._known = bound | self._own | libraries | set(dir(builtins))
        self._objects = {
            ast.unparse(target)
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and self.is_made(node.value)
            for target in node.targets
        }

    def uses(self, node: ast.AST) -> Iterator[str]:
        """Say what a node does with objects that cannot be done from another process."""
        match node:
            case ast.Call() if self.is_made(node) and not self._is_plain_use(node):
                yield f"it uses an object of `{ast.unparse(node.func)}` itself"
            case ast.Name() | ast.Attribute() if self._is_object(node):
                yield f"it uses the object `{ast.unparse(node)}` itself"
        if isinstance(node, ast.Call) and self._is_of_the_candidate(node.func):
            for argument in (*node.args, *(word.value for word in node.keywords)):
                if self._is_no_data(argument):
                    yield f"it hands over `{ast.unparse(argument)[:60]}`"

    def is_asked(self, node: ast.AST) -> bool:
        """Tell whether an expression calls the candidate, or reads an attribute of an object."""
        match node:
            case ast.Call(function):
                return self._is_of_the_candidate(function)
            case ast.Attribute(value, _, ast.Load()):
                return ast.unparse(value) in self._objects
        return False

    def is_made(self, node: ast.AST) -> bool:
        """Tell whether an expression makes an object of a class of the candidate."""
        name = (
            node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        )
        return name[:1].isupper() and name not in self._known

    def _is_object(self, node: ast.Name | ast.Attribute) -> bool:
        return (
            isinstance(node.ctx, ast.Load)
            and ast.unparse(node) in self._objects
            and not self._is_plain_use(node)
        )

    def _is_plain_use(self, node: ast.expr) -> bool:
        """Tell whether an object is only kept, or asked for an attribute."""
        parent = self._parents.get(id(node))
        match parent:
            case ast.Attribute():
                return isinstance(parent.ctx, ast.Load)
            case ast.Assign() | ast.AnnAssign() | ast.Expr():
                return True
            case ast.Compare():
                # A function, then, whatever its name looks like.
                others = {parent.left, *parent.comparators} - {node}
                return all(map(is_literal, others))
        return False

    def _is_of_the_candidate(self, function: ast.expr) -> bool:
        """Tell whether a call may be one of the candidate's functions or methods."""
        match function:
            case ast.Name(name):
                return name not in self._known
            case ast.Attribute(value):
                return ast.unparse(value) in self._objects or self.is_made(value)
        return False

    def _is_no_data(self, node: ast.expr) -> bool:
        match node:
            case ast.Lambda() | ast.GeneratorExp():
                return True
            case ast.Name(name):
                return name in self._own
            case ast.Attribute(ast.Name(name)) | ast.Call(ast.Name(name)):
                return name in self._own | _MAKERS
        return False


def _is_store(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _of_libraries(tree: ast.Module) -> Iterator[str]:
    """Find the names that are imported from elsewhere than the candidate."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names):
                pairs = [(alias.name, alias.asname or alias.name) for alias in names]
            case ast.ImportFrom(str(module), names):
                pairs = [(module, alias.asname or alias.name) for alias in names]
            case _:
                continue
        yield from (name for module, name in pairs if is_library(module))
