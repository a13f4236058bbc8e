"""Test code made countable: each assert site becomes one test, known before anything runs.

An assert, an `assertX` call of a test case, and a whole `try` with handlers (or a `with` that
expects an exception) around asserts are sites. A failing site does not stop the next. An assert of
a constant truth checks nothing and does not count. What is in an assertion that the test code
defines belongs to the sites that call it.
"""

import ast
import builtins
import collections.abc
import symtable
import sys
import types
import warnings
from typing import Any, NamedTuple

from executor.guest.assertions import Assertions, name_called
from executor.guest.deciding import Decisions, End, Quiet, always_fails
from executor.guest.unrolling import unroll

GUARD = "__rrtf_site__"
"""Name under which the driver puts the context manager that records a site."""
MARK = "__rrtf_mark__"
"""Name under which the driver puts what is called where a function or a loop is entered."""
FILE = "<tests>"
"""File name of test code."""
MODULE = 0
"""The place of what stands in no function."""


class SuiteFault(Exception):
    """The tests cannot be run, whatever the candidate."""


class Site(NamedTuple):
    """One site, and what decides whether it may be left out when it was not reached."""

    function: int
    """Place of the innermost function around it."""
    loops: tuple[int, ...]
    """Places at which the loops around it begin; the place after each is the loop's body."""
    demands: bool
    """Whether it fails unless something in it raises."""
    inverted: bool
    """Whether it is a whole test that is expected to fail, as it is, or by an exception."""
    judges: bool
    """Whether it is an assert that does nothing with what it calls but to judge it."""
    quiet: Quiet
    """What is left of an exception that the candidate raises right in it."""
    calls: frozenset[End]
    """Where something is called in an assert or in the body of a `try`; all before is done then."""
    branches: tuple[tuple[int, int], ...]
    """Places of the conditions around it that the candidate has no part in, each with the place of
    the branch."""


class Mention(NamedTuple):
    """Where a name is read that may be a function's."""

    function: int
    loops: tuple[int, ...]


class Instrumented(NamedTuple):
    """Test code with its sites guarded and its functions and loops marked."""

    code: types.CodeType
    sites: list[Site]
    functions: dict[tuple[str, int], int]
    """Places of the functions by name and first line, as code objects have them."""
    tests: set[int]
    """Places of the functions that somebody other than test code must call."""
    dead: dict[int, str]
    """Functions by place that nobody calls: no test runner, and nothing in the test code."""
    mentions: dict[int, list[Mention]]
    """Where functions are named, by their places."""
    lambdas: frozenset[End]
    """Where the lambdas end that do nothing beside one call."""
    skips: dict[int, set[int]]
    """Of functions, the places at which the tests, by themselves, decide to skip them."""


class _Sites(ast.NodeTransformer):
    def __init__(self, decisions: Decisions, assertions: Assertions) -> None:
        self._decisions = decisions
        self._assertions = assertions
        self._is_within = False
        """Whether this is in an assertion, of which each call is a site."""
        self.sites: list[Site] = []
        self.functions: dict[tuple[str, int], int] = {}
        self.without_arguments: dict[int, str] = {}
        self.shadowed: set[int] = set()
        self.undecorated: dict[int, str] = {}
        self.mentions: dict[str, list[Mention]] = {}
        self._latest: dict[tuple[object, str], int] = {}
        self.skips: dict[int, set[int]] = {}
        self._class: ast.ClassDef | None = None
        self._members: list[int] = []
        self._skips_members: set[int] = set()
        self._prepares = False
        self._places = MODULE + 1
        self._function = MODULE
        self._loops: tuple[int, ...] = ()
        self._branches: tuple[tuple[int, int], ...] = ()

    def _site(self, node: ast.stmt, demands: bool = False, inverted: bool = False) -> ast.stmt:
        if self._is_within:
            return node
        guarded = ast.With(
            items=[ast.withitem(context_expr=_call(GUARD, len(self.sites)))], body=[node]
        )
        quiet, calls = self._decisions.quiet(node), self._decisions.calls(node)
        judges = quiet is Quiet.YES and not isinstance(node, ast.Try)
        self.sites.append(
            Site(
                self._function, self._loops, demands, inverted, judges, quiet, calls, self._branches
            )
        )
        return ast.copy_location(guarded, node)

    def visit_Assert(self, node: ast.Assert) -> ast.stmt:
        if isinstance(node.test, ast.Constant) and node.test.value:
            return ast.copy_location(ast.Pass(), node)
        site = self._site(node)
        self.generic_visit(node)
        return site

    def visit_Expr(self, node: ast.Expr) -> ast.stmt | list[ast.stmt]:
        if self._decisions.skips(node):
            return [self._skip(node), node]
        is_site = self._assertions.is_call(node.value)
        demands = _expects_exception(node.value)
        site = self._site(node, demands) if is_site else node
        self.generic_visit(node)
        return site

    def visit_Raise(self, node: ast.Raise) -> ast.stmt | list[ast.stmt]:
        return [self._skip(node), node] if self._decisions.skips(node) else node

    def _skip(self, node: ast.stmt) -> ast.stmt:
        """Mark the place before a statement that skips the function, or all that it prepares."""
        place, self._places = self._places, self._places + 1
        skips = (
            self._skips_members if self._prepares else self.skips.setdefault(self._function, set())
        )
        skips.add(place)
        return _mark(place, node)

    def visit_Try(self, node: ast.Try) -> ast.stmt:
        if node.handlers:
            demands = always_fails(node.orelse or node.body)
            return self._site(node, demands or self._decisions.demands_by_what_follows(node))
        self.generic_visit(node)
        return node

    def visit_If(self, node: ast.If) -> ast.stmt | list[ast.stmt]:
        if not self._decisions.is_fixed(node.test):
            self.generic_visit(node)
            return node
        outer, place = self._branches, self._places
        self._places += 2 + bool(node.orelse)
        for number, block in enumerate((node.body, node.orelse)):
            if block:
                self._branches = (*outer, (place, place + 1 + number))
                mark = _mark(place + 1 + number, block[0])
                block[:] = [mark, *self._all(block)]
        self._branches = outer
        return [_mark(place, node), node]

    def _all(self, block: list[ast.stmt]) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for item in block:
            changed = self.visit(item)
            found += changed if isinstance(changed, list) else [changed]
        return found

    def visit_With(self, node: ast.With | ast.AsyncWith) -> ast.stmt:
        if any(_expects_exception(item.context_expr) for item in node.items):
            return self._site(node, demands=True)
        self.generic_visit(node)
        return node

    visit_AsyncWith = visit_With  # noqa: N815 - the visitor's name

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
        outer = self._function, self._loops
        self._function, self._loops = self._places, ()
        self._places += 1
        first_line = min(item.lineno for item in (node, *node.decorator_list))
        self.functions[node.name, first_line] = self._function
        scope = (outer, self._class)
        if (scope, node.name) in self._latest:
            self.shadowed.add(self._latest[scope, node.name])
        self._latest[scope, node.name] = self._function
        if outer[0] == MODULE and self._class is None and not node.decorator_list:
            self.undecorated[self._function] = node.name
        if not ast.unparse(node.args):
            self.without_arguments[self._function] = node.name
        # Below the docstring, which would be none any more.
        below = int(ast.get_docstring(node, clean=False) is not None)
        mark = _mark(self._function, node.body[0])
        outer_class, prepares, is_within = self._class, self._prepares, self._is_within
        self._is_within = is_within or self._assertions.are_within(node)
        if outer_class is not None:
            self._members.append(self._function)
            self._prepares = node.name in _PREPARING
        self.skips[self._function] = self._skipping_decorators(node)
        self._class = None
        body = node.body[below:]
        if body and outer_class is not None and self._has_decorator(node, "expectedFailure"):
            whole = ast.copy_location(ast.If(ast.Constant(True), body, []), node)
            node.body[below:] = [self._site(whole, demands=True, inverted=True)]
        else:
            self.generic_visit(node)
        node.body.insert(below, mark)
        self._class, self._prepares, self._is_within = outer_class, prepares, is_within
        self._function, self._loops = outer
        return node

    def _has_decorator(self, node: Any, name: str) -> bool:
        return any(self._decisions.of_unittest(item) == name for item in node.decorator_list)

    def _skipping_decorators(self, node: Any) -> set[int]:
        """Mark what decides to skip a function or a class, if the candidate has no part in it."""
        places = set()
        for number, item in enumerate(node.decorator_list):
            place = self._places
            match self._decisions.of_unittest(item), item:
                case "skip", _:
                    node.decorator_list[number] = _marked(place, item)
                case ("skipIf" | "skipUnless") as name, ast.Call(args=[condition, *_]):
                    if not self._decisions.is_fixed(condition):
                        continue
                    truth = ast.Constant(name == "skipIf")
                    marked, plain = _marked(place, truth), ast.Constant(name != "skipIf")
                    if name == "skipUnless":
                        marked, plain = plain, marked
                    item.args[0] = ast.copy_location(ast.IfExp(condition, marked, plain), condition)
                case _:
                    continue
            self._places += 1
            places.add(place)
        return places

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815 - the visitor's name

    def visit_Name(self, node: ast.Name) -> ast.expr:
        self._mention(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        self._mention(node.attr)
        return node

    def _mention(self, name: str) -> None:
        self.mentions.setdefault(name, []).append(Mention(self._function, self._loops))

    def _comprehension(self, node: Any) -> Any:
        part = "value" if isinstance(node, ast.DictComp) else "elt"
        if not any(isinstance(inner, ast.Call) for inner in ast.walk(getattr(node, part))):
            self.generic_visit(node)
            return node
        outer, place = self._loops, self._places
        self._loops = (*outer, place)
        self._places += 2
        self.generic_visit(node)
        self._loops = outer
        first = node.generators[0]
        first.iter = _marked(place, first.iter)
        setattr(node, part, _marked(place + 1, getattr(node, part)))
        return node

    visit_ListComp = _comprehension  # noqa: N815 - the visitor's name
    visit_SetComp = _comprehension  # noqa: N815 - the visitor's name
    visit_DictComp = _comprehension  # noqa: N815 - the visitor's name
    visit_GeneratorExp = _comprehension  # noqa: N815 - the visitor's name

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        outer = self._class, self._members, self._skips_members
        self._class, self._members = node, []
        self._skips_members = self._skipping_decorators(node)
        self.generic_visit(node)
        for member in self._members:
            self.skips[member] |= self._skips_members
        self._class, self._members, self._skips_members = outer
        return node

    def visit_For(self, node: ast.For | ast.AsyncFor | ast.While) -> list[ast.stmt]:
        outer, place = self._loops, self._places
        self._loops = (*outer, place)
        self._places += 2
        body = _mark(place + 1, node.body[0])
        self.generic_visit(node)
        node.body.insert(0, body)
        self._loops = outer
        return [_mark(place, node), node]

    visit_AsyncFor = visit_For  # noqa: N815 - the visitor's name
    visit_While = visit_For  # noqa: N815 - the visitor's name


def _call(name: str, number: int) -> ast.Call:
    return ast.Call(func=ast.Name(name, ast.Load()), args=[ast.Constant(number)], keywords=[])


def _mark(place: int, beside: ast.stmt) -> ast.stmt:
    return ast.copy_location(ast.Expr(_call(MARK, place)), beside)


def _marked(place: int, node: ast.expr) -> ast.expr:
    """Mark a place just before an expression is evaluated."""
    both = ast.Tuple(elts=[_call(MARK, place), node], ctx=ast.Load())
    return ast.copy_location(ast.Subscript(both, ast.Constant(1), ast.Load()), node)


def _expects_exception(node: ast.expr) -> bool:
    return name_called(node) in ("raises", "assertRaises", "assertRaisesRegex")


def instrument(source: str) -> Instrumented:
    """Guard every site of test code, and mark what tells why one was not reached.

    Raises:
        SyntaxError, ValueError, MemoryError, RecursionError: the test code does not compile.
    """
    tree = ast.parse(source)
    assertions = Assertions(tree)
    tree = unroll(tree, assertions)
    decisions = Decisions(tree)
    sites = _Sites(decisions, assertions)
    tree = ast.fix_missing_locations(sites.visit(tree))
    read = names_read(source)
    tests = {
        place
        for (name, _), place in sites.functions.items()
        if name.startswith("test") or name == "check"
    }
    tests |= {place for place, name in sites.without_arguments.items() if name not in read}
    # What another of the same name replaces is no test.
    tests -= sites.shadowed
    called = read | texts(source)
    dead = {
        place: name
        for place, name in sites.undecorated.items()
        if not (read & _LOOKING_UP or name in called or name.startswith("test"))
    }
    tests -= dead.keys()
    mentions = {place: sites.mentions.get(name, []) for (name, _), place in sites.functions.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # A warning about the source is no fault.
        code = compile(tree, FILE, "exec", dont_inherit=True)
    return Instrumented(
        code, sites.sites, sites.functions, tests, dead, mentions, decisions.lambdas, sites.skips
    )


_PREPARING = frozenset({"setUp", "asyncSetUp", "setUpClass"})
"""Methods that skip every test of their class if they skip."""
_LOOKING_UP = frozenset({"globals", "locals", "vars", "eval", "exec", "inspect", "sys"})
"""With these a function can be called whose name is nowhere."""


def texts(source: str) -> set[str]:
    """Collect the strings in test code."""
    return {
        node.value
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def modules_imported(source: str) -> list[str]:
    """Name the modules that test code cannot do without: those it imports unconditionally."""
    found = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
        elif not isinstance(node, (ast.If, ast.Try, ast.expr)):
            waiting += ast.iter_child_nodes(node)
    return found


def reaches_in(source: str) -> bool:
    """Tell whether test code changes its own process for the candidate to see, or the reverse."""
    tree = ast.parse(source)
    imported = set(modules_imported(source))
    modules = imported | sys.stdlib_module_names
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _REACHING:
                return True
            case ast.Attribute(value=ast.Name(id="os" | "shutil"), attr=name) if name in _OF_SYSTEM:
                return True
            case ast.Call(func=ast.Name(id="open")):
                return True
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store()) if name in modules:
                return True
    return "tempfile" in imported


_REACHING = frozenset(
    {
        "redirect_stdout", "redirect_stderr", "patch", "setstate", "getcontext", "setcontext",
        "localcontext", "catch_warnings", "simplefilter", "assertWarns", "assertWarnsRegex",
        "assertLogs", "assertNoLogs", "write_text", "write_bytes", "read_text", "read_bytes",
        "setlocale", "tzset",
    }
)  # fmt: skip
_OF_SYSTEM = frozenset(
    {
        "chdir", "environ", "putenv", "unsetenv", "umask", "mkdir", "makedirs", "remove", "unlink",
        "rmdir", "rename", "replace", "symlink", "link", "rmtree", "copy", "copyfile", "copytree",
        "move", "listdir", "scandir", "walk", "stat",
    }
)  # fmt: skip


def looks_into(source: str, has_objects: bool) -> bool:
    """Tell whether test code asks what only the objects themselves can tell.

    What stands for an object of the candidate has another class, and other methods.
    """
    imported = {name.partition(".")[0] for name in modules_imported(source)}
    if imported & {"inspect", "dis"} or (has_objects and "weakref" in imported):
        return True
    for node in ast.walk(ast.parse(source)) if has_objects else ():
        match node:
            case ast.Call(func=ast.Name(id="type"), args=[_], keywords=[]):
                return True
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[_, kinds]):
                if any(_last_name(kind) in _ABSTRACT for kind in ast.walk(kinds)):
                    return True
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _OF_CLASSES:
                return True
            case ast.MatchClass():
                return True
    return False


_OF_CLASSES = frozenset({"__class__", "__slots__", "asdict", "astuple", "is_dataclass"})
_ABSTRACT = frozenset(
    {
        *collections.abc.__all__, "GeneratorType", "CoroutineType", "FunctionType", "MethodType",
        "LambdaType", "Number", "Complex", "Real", "Rational", "Integral", "SupportsInt",
        "SupportsFloat", "SupportsAbs", "SupportsIndex", "SupportsRound", "type",
    }
)  # fmt: skip


def _last_name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def names_read(source: str) -> set[str]:
    """Collect the names that occur in test code other than where they are defined."""
    return {
        node.id
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    }


def attributes_read(source: str, name: str) -> frozenset[str] | None:
    """Collect the attributes that test code takes of a name; None if it uses the name otherwise."""
    found, times = set(), 0
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Attribute(value=ast.Name(id=taken), attr=attribute) if taken == name:
                found.add(attribute)
                times -= 1
            case ast.Name(id=read) if read == name:
                times += 1
    return None if times else frozenset(found)


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

    walk(symtable.symtable(source, FILE, "exec"), top=True)
    return {name for name in found - defined if not hasattr(builtins, name)}
