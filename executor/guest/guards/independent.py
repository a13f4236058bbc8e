"""Expressions of test code in which the candidate has no part, and whose values nothing changes.

Such a value is the same whatever program is tested, so that the reference program's run can tell
it, and nothing of it need be computed beside a candidate. Where that is not plain to see, an
expression is taken for one that depends on the candidate.
"""

import ast
import builtins
from collections import Counter
from collections.abc import Collection
from typing import Final

from executor.guest.guards.text.bindings import attributes, bindings
from executor.guest.guards.text.given import (
    CHANGING,
    arguments,
    bare,
    changes,
    count_given,
    imported,
    is_bare_self,
    is_read_once,
    once,
    read,
    steers,
    stored,
    targets,
)
from executor.guest.guards.text.names import parameters, parametrized
from executor.guest.guards.text.reading import Test
from executor.guest.guards.text.sites import FUNCTIONS, Function, Site, last_name
from executor.guest.reading.imported import is_library

_PURE: Final = (
    *("abs", "all", "any", "ascii", "bin", "bool", "bytes", "chr", "complex", "dict", "divmod"),
    *("enumerate", "filter", "float", "format", "frozenset", "hex", "int", "len", "list", "map"),
    *("max", "min", "oct", "ord", "pow", "range", "repr", "reversed", "round", "set", "slice"),
    *("sorted", "str", "sum", "tuple", "zip", "True", "False", "None"),
)
_LIBRARIES: Final = {
    *("math", "cmath", "datetime", "decimal", "fractions", "collections", "itertools", "operator"),
    *("string", "json", "statistics", "textwrap", "hashlib", "base64", "re", "calendar", "numpy"),
    *("urllib.parse", "html", "unicodedata", "functools", "copy"),
}
_UNCLEAR: Final = (ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred)
_LEAVING: Final = (ast.Break, ast.Continue, ast.Return)


class Independent:
    """Finds such expressions in one test."""

    def __init__(self, test: Test, tree: ast.Module) -> None:
        self._test, self._tree = test, tree
        self._module = bindings(tree)
        self._functions = once(node for node in tree.body if isinstance(node, FUNCTIONS))
        self._imported = imported(tree, lambda module: module in _LIBRARIES)
        self._is_standard = imported(tree, is_library)
        self._module_functions = {node.name for node in tree.body if isinstance(node, FUNCTIONS)}
        self._attributes = attributes(test.owner) if test.owner else {}
        self._given_to_objects = count_given(tree) if test.owner else Counter[str]()
        self._given = parameters(test.written)
        self._scope = bindings(test.scope) if test.scope is not None else {}
        self._foreign = {item.arg for item in arguments(test.scope)} if test.scope else set[str]()
        self._is_indirect = any(
            isinstance(node, ast.keyword) and node.arg == "indirect"
            for mark in getattr(test.written, "decorator_list", ())
            for node in ast.walk(mark)
        )
        self._known: dict[str, bool] = {}
        self._local = stored(test.written)
        self._around = {id(c): n for n in ast.walk(test.written) for c in ast.iter_child_nodes(n)}
        self._tainted = self._spread()
        self._handed = {
            ast.unparse(part)
            for call in ast.walk(test.written)
            if isinstance(call, ast.Call) and self._is_of_candidate(call.func)
            for given in [*call.args, *(item.value for item in call.keywords)]
            for part in read(given)
        }
        """What the candidate is called with."""

    def variables(self, expr: ast.expr, site: Site) -> list[ast.expr] | None:
        """Return what a check's expression reads that must be nothing which can be changed.

        None where the candidate may have a part in it, or in how often the check is made, or where
        something that is read is no argument of what it is called with.
        """
        if not self._is_always_come_to(site.node) or self._depends(expr, self._tainted):
            return None
        found = [node for node in read(expr) if not self._is_lasting(node)]
        # What nobody hands the candidate is there to be compared with, and could be read.
        return found if all(ast.unparse(node) in self._handed for node in found) else None

    def _is_of_candidate(self, function: ast.expr) -> bool:
        """Tell whether a call is one of the candidate, as far as the text tells."""
        match function:
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                return False
            case ast.Name(id=name) if name not in self._local:
                is_brought = hasattr(builtins, name) or self._is_standard.get(name, False)
                return not is_brought and name not in self._module_functions
        roots = [node.id for node in ast.walk(function) if isinstance(node, ast.Name)]
        is_brought = any(self._is_standard.get(name, False) for name in roots)
        return not is_brought and self._depends(function, self._tainted)

    def stored_between(self, expr: ast.expr, site: Site) -> bool:
        """Tell whether what an expression reads is given another value before a check."""
        names = {node.id for node in ast.walk(expr) if isinstance(node, ast.Name)}
        return any(
            isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Store)
            and node.id in names
            and (expr.end_lineno or 0) < node.lineno <= site.node.lineno
            for node in ast.walk(self._test.written)
        )

    def depends(self, expr: ast.expr) -> bool:
        """Tell whether the candidate may have a part in an expression."""
        return self._depends(expr, self._tainted)

    def _is_lasting(self, node: ast.expr) -> bool:
        """Tell whether a name stands for a function or a module."""
        if not isinstance(node, ast.Name) or node.id in self._local or node.id in self._given:
            return False
        return node.id in self._functions or node.id in self._imported or node.id in _PURE

    # Where a check is made as often, and in the same order, whatever the candidate.

    def _is_always_come_to(self, node: ast.AST) -> bool:
        while (around := self._around.get(id(node))) is not None:
            if not self._is_whole(around) and steers(around):
                return False
            if isinstance(around, ast.If | ast.IfExp) and self.depends(around.test):
                return False
            if isinstance(around, ast.For | ast.AsyncFor):
                leaves = any(isinstance(part, _LEAVING) for part in ast.walk(around))
                if leaves or self.depends(around.iter):
                    return False
            node = around
        return True

    def _is_whole(self, node: ast.AST) -> bool:
        return node is self._test.written and isinstance(node, FUNCTIONS)

    # What is given to names within the test.

    def _spread(self) -> set[str]:
        """Find the local names that depend on the candidate."""
        tainted: set[str] = set()
        while True:
            found = set(tainted)
            self._follow(self._test.written, False, found)
            if found == tainted:
                return tainted
            tainted = found

    def _follow(self, node: ast.AST, steered: bool, tainted: set[str]) -> None:
        """Go through a statement; `steered` says whether the candidate decides if it is run."""
        given: ast.expr | None = None
        match node:
            case ast.Assign(value=value) | ast.NamedExpr(value=value):
                given = value
            case ast.AnnAssign(value=ast.expr() as value) | ast.AugAssign(value=value):
                given = value
            case ast.For(iter=value) | ast.AsyncFor(iter=value) | ast.comprehension(iter=value):
                given = value
        if given is not None:
            depends = self._depends(given, tainted)
            if steered or depends or is_read_once(given):
                tainted |= targets(node)
            steered = steered or (depends and isinstance(node, ast.For | ast.AsyncFor))
        match node:
            case ast.With(items=items) | ast.AsyncWith(items=items):
                tainted |= {name for item in items for name in stored(item)}
            case ast.If(test=test):
                steered = steered or self._depends(test, tainted)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                tainted |= {*names}
            case ast.Import() | ast.ImportFrom():
                tainted |= {name for name in stored(node) if name not in self._imported}
        if not self._is_whole(node) and steers(node):
            # What is given in there is given when, and as often, as the candidate may say.
            tainted |= stored(node)
        for child in ast.iter_child_nodes(node):
            self._follow(child, steered, tainted)

    # What an expression depends on.

    def _depends(self, expr: ast.AST, tainted: Collection[str]) -> bool:
        own = {item.arg for node in ast.walk(expr) for item in arguments(node)}
        own |= stored(expr)
        for node in ast.walk(expr):
            match node:
                case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                    if not self._is_attribute(name):
                        return True
                case ast.Attribute(attr=name) if name in CHANGING or name.startswith("__"):
                    return True
                case ast.Name(id="self" | "cls"):
                    continue
                case ast.Name(id=name) if name not in own and self._is_foreign(name, tainted):
                    return True
                case _ if isinstance(node, _UNCLEAR):
                    return True
        return any(is_bare_self(node) for node in bare(expr))

    def _is_foreign(self, name: str, tainted: Collection[str]) -> bool:
        if name in self._given:
            return name in tainted or not self._is_given_steadily(name)
        if name in self._local:
            return name in tainted
        return not self._is_of_module(name)

    def _is_given_steadily(self, name: str) -> bool:
        """Tell whether an argument of the test comes from a row, or from a plain fixture."""
        rows = parametrized(self._test.written, name)
        if rows and not self._is_indirect:
            return not any(self._depends(row, ()) for row in rows)
        fixture = self._functions.get(name)
        return (
            fixture is not None
            and "fixture" in {last_name(mark) for mark in fixture.decorator_list}
            and self._is_closed(fixture)
        )

    def _is_attribute(self, name: str) -> bool:
        found = self._attributes.get(name, [])
        is_only = len(found) == 1 and self._given_to_objects[name] == 1
        return is_only and self._is_of_constants(found[0])

    def _is_of_module(self, name: str) -> bool:
        """Tell whether a name of the module has one meaning, which is the tests' own."""
        if name in self._foreign:
            return False
        if name not in self._known:
            self._known[name] = False  # Whatever is behind itself.
            self._known[name] = self._found(name)
        return self._known[name]

    def _found(self, name: str) -> bool:
        for scope in (self._scope, self._module):
            if len(scope.get(name, [])) == 1:
                return not is_read_once(scope[name][0]) and self._is_of_constants(scope[name][0])
        if name in self._functions and name not in self._scope:
            function = self._functions[name]
            return not function.decorator_list and self._is_closed(function)
        if name in self._module or name in self._scope:
            return self._is_library(name)
        return name in _PURE

    def _is_library(self, name: str) -> bool:
        return self._imported.get(name, False)

    def _is_of_constants(self, expr: ast.expr) -> bool:
        """Tell whether nothing is in an expression but what is written out, or of a library."""
        own = stored(expr) | {item.arg for node in ast.walk(expr) for item in arguments(node)}
        names = {node.id for node in ast.walk(expr) if isinstance(node, ast.Name)} - own
        clear = not any(isinstance(node, _UNCLEAR) or changes(node) for node in ast.walk(expr))
        return clear and all(map(self._is_of_module, names))

    def _is_closed(self, function: Function) -> bool:
        """Tell whether a function has a part in nothing but its arguments, and changes nothing."""
        own = stored(function) | {item.arg for item in arguments(function)} | {function.name}
        for node in ast.walk(function):
            match node:
                case ast.Global() | ast.Nonlocal() | ast.Import() | ast.ImportFrom():
                    return False
                case ast.Attribute(value=ast.Name(id="request" | "pytest")):
                    continue
                case ast.Name(id="request" | "pytest"):
                    continue
                case ast.Name(id=name) if name not in own and not self._is_fixed(name):
                    return False
                case _ if changes(node) or isinstance(node, ast.Await):
                    return False
        taken = {item.arg for item in arguments(function)}
        is_fixture = bool(function.decorator_list)
        return not is_fixture or taken <= {"request"}

    def _is_fixed(self, name: str) -> bool:
        """Tell whether a name of the module stands for what nobody can change."""
        found = self._module.get(name, [])
        if len(found) == 1:
            return isinstance(found[0], ast.Constant)
        return self._is_of_module(name)
