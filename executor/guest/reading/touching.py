"""Whether test code only calls and compares: then it can run apart from the candidate.

What touches more (files, the environment, standard streams, patches, modules, warnings, fixtures,
classes of the candidate) may pass vacuously in another process, where the candidate sees nothing of
it. So it is decided by reading, before any candidate is there.
"""

import ast
import sys
from collections.abc import Iterator, Sequence
from typing import Any

from executor.guest.reading.imported import is_library
from executor.guest.reading.lasting import changing_globals, lasting
from executor.guest.reading.object_use import Objects
from executor.guest.reading.statements import has_tests

# fmt: off
_PURE = frozenset({
    "__future__", "abc", "array", "base64", "binascii", "bisect", "builtins", "calendar", "cmath",
    "collections", "copy", "dataclasses", "datetime", "decimal", "difflib", "enum", "fractions",
    "functools", "hashlib", "heapq", "html", "itertools", "json", "math", "numbers", "numpy",
    "operator",
    "pprint", "pytest", "random", "re", "statistics", "string", "struct", "textwrap", "time",
    "types", "typing", "unicodedata", "unittest", "uuid", "zlib", "zoneinfo",
})
"""Modules that do nothing to a process, and what tests are written with."""
_NAMES = frozenset({
    "open", "input", "exec", "eval", "compile", "__import__", "globals", "breakpoint", "__file__",
    "__builtins__", "getcontext", "setcontext", "localcontext", "issubclass",
})
# fmt: on
_PYTEST = frozenset(["raises", "approx", "mark", "param", "fail"])
_OPEN = frozenset(["__init__", "__name__", "__len__", "__post_init__"])
_LOOKS = frozenset({
    "exceptions", "add_note", "assertLogs", "assertNoLogs", "assertWarns", "getcontext",
    "setcontext", "localcontext", "getstate", "setstate",
})  # fmt: skip
"""Attributes of what only one process has."""
_MARKS = frozenset(["parametrize"])
_CASES = frozenset(["TestCase", "IsolatedAsyncioTestCase"])


def touched(start: dict[str, Any]) -> dict[str, Any]:
    """Say what each of the `tests` of a suite `touches`, or how one is `broken`."""
    found = []
    changing = _changing(start["reference_program"])
    for test in start["tests"]:
        try:
            found.append(touches(test["source"], test["check"], test["told"], changing))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return {"broken": f"the test code does not compile: {error}"[:2000]}
    return {"touches": found}


def _changing(reference: str | None) -> frozenset[str]:
    try:
        return changing_globals(reference or "")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()  # It is told of where that is run.


def touches(
    source: str,
    check: str | None,
    told: Sequence[str] = (),
    changing: frozenset[str] = frozenset(),
) -> str | None:
    """Say what test code touches beyond calls and data; None if nothing.

    `told` are the files by which pytest is told how to run it, and `changing` the globals of the
    reference program that hold what can be changed.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not compile.
    """
    tree = ast.parse(source)
    own = {n.name for n in ast.walk(tree) if isinstance(n, _DEFINITIONS)}
    if check is None and not has_tests(tree):
        return "it is a script without an assert"
    if told:
        return f"pytest reads `{told[0]}` beside it"
    objects = Objects(tree)
    for node in ast.walk(tree):
        for found in (*_found(node, own, check), *objects.uses(node)):
            return f"{found} (line {getattr(node, 'lineno', 1)})"
    return next(lasting(tree, objects, changing), None)


_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = (*_FUNCTIONS, ast.ClassDef)


def _found(node: ast.AST, own: set[str], check: str | None) -> Iterator[str]:
    match node:
        case ast.Import(names):
            yield from (
                _named(a.name) for a in names if _is_impure(a.name) or not is_library(a.name)
            )
        case ast.ImportFrom(module, names, level):
            if level or (module == "unittest" and any(a.name == "mock" for a in names)):
                yield _named(module or ".")
            elif module and _is_impure(module):
                yield _named(module)
        case ast.Name(name) if name in _NAMES:
            yield f"it uses `{name}`"
        case ast.Attribute():
            yield from _of_attributes(node)
        case ast.ClassDef(_, bases):
            yield from (f"it derives {node.name!r}" for b in bases if not _is_known(b, own))
        case ast.AsyncFunctionDef():
            yield "it is asynchronous"
        case ast.FunctionDef() if node.name.startswith("test") and node.name != check:
            missing = _fixtures(node)
            if missing:
                yield f"it takes the fixture {missing!r}"
        case ast.ExceptHandler(ast.expr() as kind) | ast.Call(
            ast.Attribute(attr="raises" | "assertRaises" | "assertRaisesRegex"), [kind, *_]
        ) if not _is_standard(kind, own):
            yield "it expects an exception that is not a builtin one"


def _of_attributes(node: ast.Attribute) -> Iterator[str]:
    match node:
        case ast.Attribute(attr=name) if name.startswith("__") and name not in _OPEN:
            yield f"it looks at `{name}`"
        case ast.Attribute(attr=name) if name in _LOOKS:
            yield f"it looks at `{name}`"
        case ast.Attribute(ast.Name("pytest"), name) if name not in _PYTEST:
            yield f"it uses `pytest.{name}`"
        case ast.Attribute(ast.Attribute(ast.Name("pytest"), "mark"), name) if name not in _MARKS:
            yield f"it uses `pytest.mark.{name}`"
        case ast.Attribute(ast.Name("unittest"), "mock"):
            yield _named("unittest.mock")


def _named(module: str) -> str:
    return f"it imports `{module}`"


def _is_impure(module: str, whole: bool = False) -> bool:
    """Tell whether a module does something to a process; the whole candidate is one to be changed.

    What is neither standard nor pytest is the candidate's.
    """
    if not is_library(module):
        return whole
    first = module.partition(".")[0]
    return module == "unittest.mock" or (first not in _PURE and first != "pytest")


def _is_known(base: ast.expr, own: set[str]) -> bool:
    name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", None)
    return name in own | _CASES or name in ("object", "NamedTuple", "Enum", "Exception")


def _is_standard(kind: ast.expr, own: set[str]) -> bool:
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    builtin = {name for name, value in vars(sys.modules["builtins"]).items() if _is_error(value)}
    return all(isinstance(k, ast.Name) and k.id in builtin | own for k in kinds)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _fixtures(node: ast.FunctionDef) -> str | None:
    given = {"self", "cls"}
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call) and decorator.args:
            names = decorator.args[0]
            words = [names] if isinstance(names, ast.Constant) else getattr(names, "elts", [])
            for word in words:
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    given |= {part.strip() for part in word.value.split(",")}
    arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
    defaults = len(node.args.defaults)
    required = arguments[: len(arguments) - defaults] if defaults else arguments
    return next((a.arg for a in required if a.arg not in given), None)
