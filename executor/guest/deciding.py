"""What the text of test code tells about its own decisions.

A site that was not reached may be left out if it was not an exception of the candidate that led the
test code round it. Two things are told here: of which conditions the candidate has no part in, and
of which exceptions, taken by the test code itself, nothing is left but what sites judge.
"""

import ast
import enum
import itertools
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

End = tuple[int | None, int | None]
"""Line and column at which an expression ends."""


class Quiet(enum.Enum):
    """What is left of an exception that the candidate raises in a site, and that the site takes."""

    NO = enum.auto()
    """What may decide what the test code does next."""
    YES = enum.auto()
    """Nothing but what sites judge."""
    RETURNS = enum.auto()
    """Nothing but what the function returns."""


_FIXED: Final = {
    "sys": {"version_info", "version", "hexversion", "platform", "maxsize", "implementation"},
    "os": {"name", "sep", "environ", "getenv", "cpu_count"},
    "typing": {"TYPE_CHECKING"},
    "platform": None,
    "math": None,
}
"""What of which modules is the same throughout a run; None: all."""
_LOOKING: Final = frozenset(
    {
        "abs", "all", "any", "bool", "bytes", "bytearray", "callable", "complex", "dict",
        "enumerate", "float", "frozenset", "getattr", "hasattr", "hash", "int", "isinstance",
        "issubclass", "iter", "len", "list", "max", "min", "next", "object", "print", "range",
        "repr", "reversed", "round", "set", "sorted", "str", "sum", "tuple", "type", "zip",
    }
)  # fmt: skip
"""Built-in functions that change nothing."""
_MANY: Final = 1_000
"""As many calls as are counted where it cannot be told how many there are."""
LOOKING_UP: Final = frozenset({"globals", "locals", "vars", "dir", "eval", "exec", "inspect"})
"""With these a value is found whose name is nowhere."""
_SOON: Final = 20
"""Within how many statements a name gets another value, if it does."""
_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVING: Final = (ast.Return, ast.Continue, ast.Break, ast.Raise)


class Decisions:
    """The decisions in one test's code; asked before the code is changed."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._parents = {
            child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)
        }
        self._bound = Counter(bound(tree))
        self._named: dict[str, list[ast.Name]] = {}
        self._declared: set[str] = set()
        self._known_reads: dict[tuple[str, ast.AST], list[ast.Name]] = {}
        self._busy: dict[ast.AST, list[ast.stmt]] = {}
        self._looks_up = False
        self._blocks: dict[ast.AST, tuple[list[ast.stmt], int]] = {}
        """The blocks that statements are in, as they were, with their places there."""
        for node in [tree, *self._parents]:
            for field in ("body", "orelse", "finalbody"):
                block = getattr(node, field, None)
                if isinstance(block, list):
                    block = list(block)
                    self._blocks.update((item, (block, i)) for i, item in enumerate(block))
            match node:
                case ast.Name(id=name):
                    self._named.setdefault(name, []).append(node)
                    self._looks_up = self._looks_up or name in LOOKING_UP
                case ast.Global(names=names) | ast.Nonlocal(names=names):
                    self._declared.update(names)
        self._modules: set[str] = set()
        self._constants: set[str] = set()
        self._of_unittest: dict[str, str] = {}
        self._find_fixed()
        lambdas = [node.body for node in self._parents if isinstance(node, ast.Lambda)]
        self.lambdas = frozenset(
            _end(body) for body in lambdas if isinstance(body, ast.Call) and self._calls(body) <= 1
        )
        """Where the lambdas end that do nothing beside one call."""

    def _find_fixed(self) -> None:
        for node in self._tree.body:
            match node:
                case ast.Import(names=names):
                    found = {item.name for item in names if item.asname in (None, item.name)}
                    once = {name for name in found if self._bound[name] == 1}
                    self._modules |= once & sys.stdlib_module_names
                case ast.ImportFrom(module="unittest", names=names):
                    named = {item.asname or item.name: item.name for item in names}
                    once = {name for name in named if self._bound[name] == 1}
                    self._of_unittest |= {name: named[name] for name in once}
                case ast.ImportFrom(module=str() as module, names=names) if module in _FIXED:
                    known = _FIXED[module]
                    for item in names:
                        name = item.asname or item.name
                        if self._bound[name] == 1 and (known is None or item.name in known):
                            self._constants.add(name)
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    if self._bound[name] == 1 and self.is_fixed(value):
                        self._constants.add(name)

    def is_fixed(self, node: ast.expr) -> bool:
        """Tell whether an expression has one value throughout, whatever the candidate does."""
        match node:
            case ast.Constant():
                return True
            case ast.Name(id=name):
                return name in self._constants or name in ("__name__", "__debug__")
            case ast.Attribute(value=ast.Name(id=name), attr=attribute) if name in self._modules:
                known = _FIXED.get(name, set())
                return known is None or attribute in known
            case ast.Call(
                func=ast.Name(id="hasattr"), args=[ast.Name(id=name), ast.Constant()]
            ) if name in self._modules:
                return "hasattr" not in self._bound
            case ast.Call(func=ast.Attribute() as function, args=args, keywords=[]):
                return self.is_fixed(function) and all(map(self.is_fixed, args))
        fixed = (
            ast.Attribute, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.BinOp, ast.Subscript,
            ast.Slice, ast.Tuple, ast.IfExp,
        )  # fmt: skip
        parts = [item for item in ast.iter_child_nodes(node) if isinstance(item, ast.expr)]
        return isinstance(node, fixed) and all(map(self.is_fixed, parts))

    def of_unittest(self, node: ast.AST | None) -> str:
        """Tell what of `unittest` an expression, or what it calls, is; empty if it is nothing."""
        match node:
            case ast.Call(func=function):
                return self.of_unittest(function)
            case ast.Attribute(value=ast.Name(id="unittest"), attr=name):
                return name if "unittest" in self._modules else ""
            case ast.Name(id=name):
                return self._of_unittest.get(name, "")
        return ""

    def skips(self, node: ast.stmt) -> bool:
        """Tell whether a statement skips a test, and the candidate has no part in reaching it."""
        match node:
            case ast.Raise(exc=error):
                found = self.of_unittest(error) == "SkipTest"
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(), attr="skipTest"))):
                found = "skipTest" not in self._bound
            case _:
                return False
        outer = self._parents[node]
        while isinstance(outer, ast.If) and self.is_fixed(outer.test):
            outer = self._parents[outer]
        return found and isinstance(outer, (ast.FunctionDef, ast.AsyncFunctionDef))

    def quiet(self, node: ast.stmt) -> Quiet:
        """Tell what may be left of an exception that is raised right in a site and taken there."""
        if isinstance(node, (ast.Assert, ast.Expr)):
            # What it finds is judged.
            return Quiet.YES if self._calls(node, looped=1) <= 1 else Quiet.NO
        if not isinstance(node, ast.Try) or not self._loses_nothing(node):
            return Quiet.NO
        if self._is_inert([node], may_return=False) and all(
            self._is_judged(name, node) for name in _stored(node)
        ):
            return Quiet.YES
        return self._quiet_by_return(node)

    def calls(self, node: ast.stmt) -> frozenset[End]:
        """Tell where calls in the body of a `try`, or in an assert, end that do not only look."""
        return frozenset(
            _end(item)
            for part in (node.body if isinstance(node, ast.Try) else [node])
            for item in ast.walk(part)
            if isinstance(item, ast.Call) and not self._only_looks(item.func)
        )

    def _loses_nothing(self, node: ast.Try) -> bool:
        """Tell whether nothing of a `try` is lost by an exception but the call that raised it."""
        in_body = sum(self._calls(item) for item in node.body)
        others = [*node.handlers, *node.orelse, *node.finalbody]
        return in_body <= 1 and not any(map(self._calls, others))

    def _calls(self, node: ast.AST, looped: int = _MANY) -> int:
        """Count the calls, but those that only look, that come with a node.

        Each of those in a comprehension counts as `looped`.
        """
        if isinstance(node, (ast.NamedExpr, ast.Yield, ast.YieldFrom, *_SCOPES[:2], ast.ClassDef)):
            return _MANY
        if isinstance(node, ast.Lambda):
            return sum(self._calls(item, looped) for item in node.args.defaults)
        inner = sum(self._calls(item, looped) for item in ast.iter_child_nodes(node))
        if isinstance(node, _COMPREHENSIONS):
            return inner * looped
        return inner + (isinstance(node, ast.Call) and not self._only_looks(node.func))

    def _only_looks(self, function: ast.expr) -> bool:
        match function:
            case ast.Name(id=name):
                return name in _LOOKING and name not in self._bound
            case ast.Attribute(value=ast.Name(), attr=name):
                return name.startswith(("assert", "fail")) and name not in self._bound
        return False

    def _is_inert(self, body: Iterable[ast.stmt], may_return: bool) -> bool:
        """Tell whether statements do nothing but call, judge, and give values to names."""
        return all(self._does_little(item, may_return) for item in body)

    def _does_little(self, node: ast.stmt, may_return: bool) -> bool:
        match node:
            case ast.Pass() | ast.Raise() | ast.Assert() | ast.Expr():
                return True
            case ast.Return():
                return may_return
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return not any(
                    isinstance(item, (ast.Attribute, ast.Subscript))
                    and isinstance(item.ctx, ast.Store)
                    for item in ast.walk(node)
                )
            case ast.If():
                return self._is_inert([*node.body, *node.orelse], may_return)
            case ast.Try():
                handled = [item for handler in node.handlers for item in handler.body]
                parts = [*node.body, *handled, *node.orelse, *node.finalbody]
                return self._is_inert(parts, may_return)
        return False

    def _is_judged(self, name: str, node: ast.Try) -> bool:
        """Tell whether what a `try` gives to a name is only ever judged, if it is read at all."""
        scope = self._scope(node)
        if scope is None or self._looks_up or name in self._declared:
            return False
        reads = self._reads(name, scope)
        if all(self._is_within(item, node) for item in reads):
            return True
        return self._is_replaced(name, node) and all(self._scope(item) is scope for item in reads)

    def _reads(self, name: str, scope: ast.AST) -> list[ast.Name]:
        """Find where a name is read in a scope and those within it, and not only judged."""
        if (name, scope) not in self._known_reads:
            self._known_reads[name, scope] = [
                item
                for item in self._named.get(name, ())
                if not isinstance(item.ctx, ast.Store)
                and self._is_within(item, scope)
                and not self._only_judges(item)
            ]
        return self._known_reads[name, scope]

    def _only_judges(self, node: ast.AST) -> bool:
        statement = self._statement(node)
        is_assert = isinstance(statement, ast.Assert) or (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and self._only_looks(statement.value.func)
        )
        return is_assert and not self._calls(statement)

    def _is_replaced(self, name: str, node: ast.Try) -> bool:
        """Tell whether a name gets another value before it is read after a `try`."""
        for following in itertools.islice(self._after(node), _SOON):
            match following:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    return not _mentions(value, name)
            if _mentions(following, name) or any(
                isinstance(item, _LEAVING) for item in ast.walk(following)
            ):
                return False
        return False

    def _quiet_by_return(self, node: ast.Try) -> Quiet:
        """Tell whether the function around a `try` does nothing else that could be missed."""
        function = self._parents[node]
        if not isinstance(function, ast.FunctionDef) or function.decorator_list:
            return Quiet.NO
        if function not in self._busy:
            self._busy[function] = [item for item in function.body if self._is_busy(item)]
        others = any(item is not node for item in self._busy[function])
        if others or not self._does_little(node, may_return=True):
            return Quiet.NO
        returns = [item for item in ast.walk(function) if isinstance(item, ast.Return)]
        told = any(item.value is not None for item in returns)
        return Quiet.RETURNS if told else Quiet.YES

    def _is_busy(self, node: ast.stmt) -> bool:
        """Tell whether a statement of a function may do more than to find what it returns."""
        if self._calls(node) or not self._does_little(node, may_return=True):
            return True
        return any(map(_judges, ast.walk(node)))

    def demands_by_what_follows(self, node: ast.Try) -> bool:
        """Tell whether a `try` whose handlers all leave is followed by what always fails."""
        following = next(self._after(node), None)
        goes_on = not any(
            isinstance(item, _LEAVING) for part in node.body for item in ast.walk(part)
        )
        leaves = all(isinstance(handler.body[-1], _LEAVING) for handler in node.handlers)
        return goes_on and leaves and following is not None and always_fails([following])

    def _after(self, node: ast.stmt) -> Iterator[ast.stmt]:
        """Go through the statements that follow in the same block."""
        block, place = self._blocks[node]
        return (block[i] for i in range(place + 1, len(block)))

    def _scope(self, node: ast.AST) -> ast.AST | None:
        """Return the function around a node, or the module; None if it is a class."""
        while (node := self._parents[node]) is not self._tree and not isinstance(node, _SCOPES):
            if isinstance(node, ast.ClassDef):
                return None
        return node

    def _is_within(self, node: ast.AST | None, outer: ast.AST) -> bool:
        while node is not None and node is not outer:
            node = self._parents.get(node)
        return node is not None

    def _statement(self, node: ast.AST) -> ast.AST:
        while not isinstance(node, ast.stmt):
            node = self._parents[node]
        return node


def always_fails(body: list[ast.stmt]) -> bool:
    """Tell whether a block that runs to its end ends with a failure."""
    match body[-1]:
        case ast.Raise():
            return True
        case ast.Assert(test=ast.Constant(value=value)):
            return not value
        case ast.Expr(value=ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name))):
            return name == "fail"
    return False


def bound(tree: ast.AST) -> Iterator[str]:
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


def _stored(node: ast.AST) -> set[str]:
    return set(bound(node))


def _mentions(node: ast.AST, name: str) -> bool:
    return any(isinstance(item, ast.Name) and item.id == name for item in ast.walk(node))


def _judges(node: ast.AST) -> bool:
    """Tell whether a statement may be a site."""
    match node:
        case ast.Assert() | ast.Expr(value=ast.Call()):
            return True
    return False


def _end(node: ast.expr) -> End:
    return node.end_lineno, node.end_col_offset
