"""What is wrong with test code before it runs, and what it touches: told by its text alone."""

import ast
from collections.abc import Callable, Collection, Iterator
from typing import Any

from executor.guest import placing
from executor.guest.channel import Channel
from executor.guest.reading.imported import (
    OF_THE_CANDIDATE,
    candidate_modules,
    imports_of,
    is_library,
)
from executor.guest.reading.statements import has_tests
from executor.guest.reading.touching import touches

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_FORGIVING = frozenset(["ImportError", "ModuleNotFoundError", "Exception", "BaseException"])


def tell(
    fd: int, start: dict[str, Any], refused: Callable[[dict[str, Any], str], str | None]
) -> None:
    """Answer over the channel what is found of the `tests` of a suite and its `program`, if any.

    `refused` says why pytest does not take what files of a test tell it, for a program.

    The answer is `broken`, why they cannot run, and what `fault` that is; or `untested`, whether
    one of them checks nothing; `missing`, the modules that are not there; and `touches`, what is
    beyond calls and data.
    """
    channel = Channel(fd)
    program = start["program"]
    missing: dict[str, None] = {}
    untested, touched = False, None
    try:
        ast.parse(start["prelude"], "the prelude")
        for number, test in enumerate(start["tests"], 1):
            tree = ast.parse(test["source"], f"assert test {number}")
            if test["check"] is not None and not _defines(tree, test["check"]):
                broken = f"assert test {number} defines no {test['check']!r}"
                channel.send({"fault": "tests", "broken": broken})
                return
            untested = untested or checks_nothing(tree, test["check"])
            touched = touched or touches(test["source"], test["check"], test["told"])
            brought = _brought(test, program or _named(start["entry_point"]))
            missing |= dict.fromkeys(missing_modules(tree, brought))
    except _UNREADABLE as error:
        channel.send({"fault": "syntax", "broken": f"{type(error).__name__}: {error}"[:2000]})
        return
    refusals = (refused(test, program or "") for test in start["tests"])
    refusal = next(filter(None, refusals), None)
    if refusal is not None:
        channel.send({"fault": "tests", "broken": refusal[:2000]})
        return
    if program is not None:
        files = [name for test in start["tests"] for name in test["files"]]
        missing |= dict.fromkeys(_missing_of_program(program, files))
    channel.send({"untested": untested, "missing": list(missing), "touches": touched})


def _named(entry_point: str | None) -> str:
    """Return a program that defines what is known to be defined by every candidate."""
    return f"{entry_point.partition('.')[0]} = None" if entry_point else ""


def _missing_of_program(program: str, files: Collection[str]) -> Iterator[str]:
    try:
        yield from missing_modules(ast.parse(program), placing.modules(files))
    except _UNREADABLE:
        return  # It is told of where it is judged.


def _brought(test: dict[str, Any], program: str) -> set[str]:
    """Return the modules that are there for a test beside those that are installed."""
    try:
        candidate = candidate_modules(imports_of(test["source"]), program, test["files"])
    except _UNREADABLE:
        candidate = []
    named = [*OF_THE_CANDIDATE, *candidate, *([test["module"]] if test["module"] else [])]
    return {name.partition(".")[0] for name in named} | placing.modules(test["files"])


def checks_nothing(tree: ast.Module, check: str | None) -> bool:
    """Tell whether test code can fail by nothing but by accident."""
    if check is not None:
        return not any(_can_fail(node) for node in ast.walk(tree))
    if has_tests(tree):
        return False
    return all(_is_inert(node) for node in tree.body)


def _defines(tree: ast.Module, name: str) -> bool:
    """Tell whether a module has a name, as far as its text tells."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(found) | ast.ClassDef(found) if found == name:
                return True
            case ast.Name(found, ast.Store()) if found == name:
                return True
            case ast.alias(found, alias) if name == (alias or found) or found == "*":
                return True
            case ast.Call(ast.Name("exec" | "globals")):
                return True
    return False


def _can_fail(node: ast.AST) -> bool:
    match node:
        case ast.Assert() | ast.Raise():
            return True
        case ast.Attribute(attr=name) | ast.Name(name):
            return "assert" in name.lower() or name in ("raises", "fail", "exit")
    return False


def _is_inert(node: ast.stmt) -> bool:
    match node:
        case ast.Expr(ast.Constant()) | ast.Pass() | ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(value=ast.Constant()):
            return True
    return isinstance(node, _DEFINITIONS)


def missing_modules(tree: ast.Module, brought: Collection[str]) -> Iterator[str]:
    """Yield the packages that code imports and that are not there, unless it is ready for that."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Try) and any(_forgives(one) for one in node.handlers):
            # What stands in for something is not needed where that is there.
            handlers = [] if _is_there(node.body) else node.handlers
            waiting += [*handlers, *node.orelse, *node.finalbody]
            continue
        for module in _imported(node):
            first = module.partition(".")[0]
            if first not in brought and not is_library(first):
                yield first
        waiting += reversed(list(ast.iter_child_nodes(node)))


def _is_there(body: list[ast.stmt]) -> bool:
    """Tell whether statements import something, and nothing that is not installed."""
    names = [name for part in body for node in ast.walk(part) for name in _imported(node)]
    return bool(names) and all(map(is_library, names))


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names):
            return [alias.name for alias in names]
        case ast.ImportFrom(str(module), _, 0):
            return [module]
    return []


def _forgives(handler: ast.ExceptHandler) -> bool:
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(kind is None or getattr(kind, "id", None) in _FORGIVING for kind in kinds)
