"""What is known of test code before any candidate is there: its tests, and what it needs."""

import ast
import builtins
import functools
import importlib
import symtable
import sys
from collections import Counter
from typing import Any, Final

from executor.guest.channel import Channel
from executor.guest.reading.imported import OF_THE_CANDIDATE, is_library
from executor.guest.reading.plain import plain_sites
from executor.guest.reading.statements import marked_apart
from executor.guest.reading.touching import touched

_FILE: Final = "<tests>"
_parsed = functools.lru_cache(maxsize=1)(ast.parse)
"""The tree of a source, which nobody here changes; it is wanted many times."""


class Unreadable(Exception):
    """Test code that cannot be run, whatever the candidate."""


def tell(fd: int, start: dict[str, Any]) -> None:
    """Tell over the channel what is known of each of the `tests`, or how one is `broken`.

    Where the reading `decides` where they run, what each touches is told first; if one touches
    anything, no more is.
    """
    channel = Channel(fd)
    if start["decides"]:
        message = touched(start)
        channel.send(message)
        if any(one is not None for one in message.get("touches", [""])):
            return
    found = []
    for position, test in enumerate(start["tests"]):
        try:
            found.append(_read(test, start["entry_point"], start["describes"]))
        except (SyntaxError, ValueError, MemoryError, RecursionError, Unreadable) as error:
            kind = "" if isinstance(error, Unreadable) else f"{type(error).__name__}: "
            channel.send({"broken": f"test {position}: {kind}{error}"[:2000]})
            return
    channel.send({"found": found})


def _read(test: dict[str, Any], entry_point: str | None, describes: bool) -> dict[str, Any]:
    source, check = test["source"], test["check"]
    _require_modules(source, (*OF_THE_CANDIDATE, test.get("module") or "solution"))
    text, names, within = marked_apart(source, check)
    functions = {n.name for n in _parsed(source).body if isinstance(n, ast.FunctionDef)}
    if check is not None and check not in functions:
        raise Unreadable(f"the test code defines no function {check!r}")
    if not names and not needs_framework(source):
        raise Unreadable("the test code contains no test")
    free = free_names(source)
    if check is None and not free - sys.stdlib_module_names:
        _require_candidate(source, entry_point, test.get("module"))
    is_plain = describes and not needs_framework(source)
    return {
        "text": text,
        "names": names,
        "within": within,
        "framework": needs_framework(source),
        "free": sorted(free),
        "modules": sorted(_modules_meant(source, free)),
        "plain": plain_sites(source, check, entry_point, len(names)) if is_plain else None,
    }


def _modules_meant(source: str, free: set[str]) -> set[str]:
    """Name the free names by which test code means standard modules: it only takes parts of them.

    They are ours, whatever a candidate has under the name.
    """
    parts: dict[str, set[str]] = {}
    used: Counter[str] = Counter()
    for node in ast.walk(_parsed(source)):
        match node:
            case ast.Attribute(ast.Name(name), part):
                parts.setdefault(name, set()).add(part)
                used[name] -= 1
            case ast.Name(name):
                used[name] += 1
    meant = {name for name in free & sys.stdlib_module_names & parts.keys() if not used[name]}
    return {name for name in meant if _has(name, parts[name])}


def _has(module: str, parts: set[str]) -> bool:
    try:
        found = importlib.import_module(module)
    except ImportError:
        return False  # One of another system.
    return all(hasattr(found, part) for part in parts)


def needs_framework(source: str) -> bool:
    """Tell whether test code imports pytest, or has functions or classes that it runs."""
    if "pytest" in _modules_imported(source):
        return True
    for node in _parsed(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test"):
                return True
        elif isinstance(node, ast.ClassDef) and any(
            isinstance(item, ast.FunctionDef | ast.AsyncFunctionDef)
            and item.name.startswith(("test", "runTest"))
            for item in node.body
        ):
            return True
    return False


def _require_candidate(source: str, entry_point: str | None, module: str | None) -> None:
    """Refuse test code that takes nothing from a candidate.

    Raises:
        Unreadable: it names nothing that could be one's.
    """
    names = {node.id for node in ast.walk(_parsed(source)) if isinstance(node, ast.Name)}
    modules = {name.partition(".")[0] for name in _modules_imported(source)}
    of_candidate = {*OF_THE_CANDIDATE, (module or OF_THE_CANDIDATE[0]).partition(".")[0]}
    if (entry_point or "").partition(".")[0] not in names and not modules & of_candidate:
        raise Unreadable(
            "the test code takes nothing from the candidate: the name of a built-in function is"
            " the built-in one, unless it is the problem's `entry_point`"
        )


def _require_modules(source: str, provided: tuple[str, ...]) -> None:
    """Refuse test code that imports what is not there; every candidate would fail with it.

    Raises:
        Unreadable: naming the module.
    """
    packages = {name.partition(".")[0] for name in provided}
    for name in _modules_imported(source):
        package = name.partition(".")[0]
        if package not in packages and not is_library(package):
            raise Unreadable(
                f"the test code imports {name!r}, which is not there: the image `std` has the"
                " standard library, others have packages as well, and the candidate's names come"
                " without an import or from `solution`"
            )


def _modules_imported(source: str) -> list[str]:
    """Name the modules that test code cannot do without: those it imports unconditionally."""
    found = []
    waiting: list[ast.AST] = [_parsed(source)]
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
        elif not isinstance(node, (ast.If, ast.Try, ast.expr)):
            waiting += ast.iter_child_nodes(node)
    return found


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

    walk(symtable.symtable(source, _FILE, "exec"), top=True)
    return {n for n in found - defined if not hasattr(builtins, n) and not n.startswith("__")}
