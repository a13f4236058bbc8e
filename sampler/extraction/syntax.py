"""Questions about the text of a program, answered by parsing it; nothing is ever run."""

import ast
import builtins
import re
import warnings
from collections.abc import Iterable, Iterator
from itertools import takewhile

MAX_PARSED = 100_000
"""Longest text that is parsed to choose among programs; a longer one is taken as it is."""
_BUILTINS = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__", "__builtins__"}
_USAGE = re.compile(r"main|demo|run|tests?|test_\w+|run_\w+|check\w*|examples?|example_\w+")
"""Names of functions that only try the program out."""
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_COMPOUND = (ast.If, ast.For, ast.While, ast.Try, ast.With)


def tree_of(program: str) -> ast.Module | None:
    """Parse a program as the executor will compile it; None when it does not compile."""
    if len(program) > MAX_PARSED:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            source = program.encode()
            tree = ast.parse(source)
            # What the parser lets pass: `return` outside a function, late `__future__` imports.
            compile(source, "<candidate>", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, OverflowError, MemoryError, RecursionError):
        return None
    return tree


def line_of_error(program: str) -> int | None:
    """Return the line, from 1, where a program stops to compile; None when there is no saying."""
    if len(program) > MAX_PARSED:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(program.encode(), "<candidate>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error.lineno
    except (ValueError, OverflowError, MemoryError, RecursionError):
        return None
    return None


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run when a module is loaded, also those inside `if` and `try`."""
    pending = list(reversed(body))
    while pending:
        statement = pending.pop()
        yield statement
        if isinstance(statement, _COMPOUND):
            inner = list(statement.body)
            inner += getattr(statement, "orelse", [])
            inner += getattr(statement, "finalbody", [])
            for handler in getattr(statement, "handlers", []):
                inner += handler.body
            pending += reversed(inner)


def does_nothing(tree: ast.Module) -> bool:
    """Tell whether a module only names values: prose that happens to parse, a literal, `pass`."""
    return all(
        isinstance(item, ast.Pass)
        or (
            isinstance(item, ast.Expr)
            and not any(isinstance(node, ast.Call) for node in ast.walk(item))
        )
        for item in tree.body
    )


def acts(program: str) -> bool:
    """Tell whether a program compiles and does more than to define and to import."""
    tree = tree_of(program)
    return tree is not None and not all(
        isinstance(item, _DEFINITIONS)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        for item in tree.body
    )


def names_bound_by(statement: ast.stmt) -> set[str]:
    """Return the names that one statement of a module, with all inside it, binds in it."""
    return _names_of(statement, ast.walk(statement))


def _names_of(statement: ast.stmt, nodes: Iterable[ast.AST]) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {(alias.asname or alias.name).partition(".")[0] for alias in statement.names}
    return {
        node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }


def _names_bound_here(statement: ast.stmt) -> set[str]:
    """Return the names that a statement binds apart from those inside it, which come by themselves.

    A chain of branches is as deep as it is long: whoever walks into each walks for ever.
    """
    if not isinstance(statement, _COMPOUND):
        return names_bound_by(statement)
    own = (
        node
        for part in ast.iter_child_nodes(statement)
        if not isinstance(part, (ast.stmt, ast.ExceptHandler))
        for node in ast.walk(part)
    )
    return _names_of(statement, own)


def names_bound(tree: ast.Module) -> set[str]:
    """Return the names that a module binds when it is loaded."""
    return {name for item in statements(tree.body) for name in _names_bound_here(item)}


def names_missing(tree: ast.Module) -> set[str]:
    """Return the names that a program uses and neither it nor Python defines."""
    used: set[str] = set()
    bound: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.arg(arg=name) | ast.MatchAs(name=str(name)):
                bound.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name) | ast.ExceptHandler(name=str(name)):
                bound.add(name)
            case ast.alias(name="*"):
                return set()
            case ast.alias(name=name, asname=asname):
                bound.add((asname or name).partition(".")[0])
    return used - bound - _BUILTINS


def defines(tree: ast.Module, name: str) -> bool:
    """Tell whether a module gives `name` a meaning, be it by definition or assignment."""
    return any(
        name in _names_bound_here(item) and not _is_hollow(item) for item in statements(tree.body)
    )


def defines_hollow(tree: ast.Module, name: str) -> bool:
    """Tell whether all that defines `name` is a signature with a docstring."""
    return any(_is_hollow(item) and name in names_bound_by(item) for item in tree.body)


def _is_hollow(statement: ast.stmt) -> bool:
    # A prompt with nothing after it is a function that consists of its docstring.
    if not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return False
    only = statement.body[0] if len(statement.body) == 1 else None
    return isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant)


def without_usage(program: str, tree: ast.Module, name: str) -> str:
    """Cut off the tail that only tries the program out.

    Asserts, prints and calls of `name` behind the last definition would run, and could fail, before
    the first test. A tail under `if __name__ == "__main__":` does not run, and stays.
    """
    if "\r" in program or "\f" in program:
        return program  # The parser counts lines otherwise than we do.
    usage = len(list(takewhile(lambda item: _is_usage(item, name), reversed(tree.body))))
    kept = tree.body[: len(tree.body) - usage]
    last = kept[-1].end_lineno if usage and kept else None
    if last is None or tree.body[len(kept)].lineno <= last:
        return program
    return "\n".join(program.split("\n")[:last]) + "\n"


def _is_usage(statement: ast.stmt, name: str) -> bool:
    match statement:
        case ast.Assert():
            return True
        case ast.Expr(value=ast.Name() | ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Name(id=called))):
            tries = called in ("print", name) or _USAGE.fullmatch(called) is not None
            return tries or _calls(statement, name)
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=module)))):
            return module in ("doctest", "unittest")
        case ast.Assign() | ast.AnnAssign() | ast.For() | ast.With() | ast.Expr():
            return name not in names_bound_by(statement) and _calls(statement, name)
        case _:
            return False


def _calls(statement: ast.stmt, name: str) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(statement)
    )


def completed(prelude: str, program: str, tree: ast.Module) -> str:
    """Put before a program what it lacks of what stood before the function in the prompt.

    Imports are added when a name is missing; functions, classes and values always, unless the
    program defines them itself, for the tests may use them.
    """
    given = tree_of(prelude)
    if given is None or not given.body:
        return program
    bound = names_bound(tree)
    imports = (ast.Import, ast.ImportFrom)
    rest = [item for item in given.body if not isinstance(item, (*imports, ast.Expr))]
    rest = [item for item in rest if not names_bound_by(item) <= bound]
    missing = names_missing(tree) | names_missing(ast.Module(rest, []))
    wanted = [
        item
        for item in given.body
        if item in rest
        or (isinstance(item, imports) and names_bound_by(item) & (missing | {"*"}) - bound)
    ]
    if not wanted:
        return program
    lines = prelude.split("\n")
    added = [line for item in wanted for line in lines[_first_line(item) - 1 : item.end_lineno]]
    return _after_future_imports(program, tree, added)


def _first_line(statement: ast.stmt) -> int:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return min([statement.lineno, *(item.lineno for item in statement.decorator_list)])
    return statement.lineno


def _after_future_imports(program: str, tree: ast.Module, added: list[str]) -> str:
    future = [
        item.end_lineno or 0
        for item in tree.body
        if isinstance(item, ast.ImportFrom) and item.module == "__future__"
    ]
    lines = program.split("\n")
    place = max(future, default=0)
    return "\n".join([*lines[:place], *added, *lines[place:]])
