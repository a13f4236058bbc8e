"""How a program may be called, and single checks of a benchmark's tests to try it with: pure.

A probe is one assertion that stands by itself, with nothing in it but a call, plain values and
Python's own functions. All probes of one arity fit one suite, so that a program is run once to see
which problems of a benchmark it may answer.
"""

import ast
import builtins
from collections.abc import Iterator
from typing import NamedTuple

from infra.contracts.problems import AssertTest, CallTest, Problem, StdioTest, ValueComparator
from infra.contracts.values import tagged
from infra.contracts.values.composites import NotPlain
from infra.parsing import parse
from sampler.extraction.syntax import tree_of

PROBED = "probed"
"""What probes call."""
_ASKED = "_what_is_asked"
_BUILTINS = frozenset(dir(builtins))
_MOST = 64
"""Assertions of one problem that are looked at."""


class Function(NamedTuple):
    """What a program defines and can be called with positional values alone."""

    expression: str
    least: int
    """Values it needs."""
    most: int
    """Values it takes."""


class Probe(NamedTuple):
    """A check that a program which answers the problem passes."""

    arity: int | None
    """Values of the call; None: the program reads its input."""
    check: str | StdioTest
    """An assertion on a call of `PROBED`, or input with what is to be written."""


def functions_of(program: str, entry_point: str | None = None) -> list[Function]:
    """Return what a program may be asked for: its entry point, if it is known and there.

    Else all functions, and methods of classes that are made of nothing, which no other part of the
    program uses: those that only serve others are not what was asked.
    """
    tree = tree_of(program)
    if tree is None:
        return []
    found: dict[str, Function] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            found[node.name] = _function(node.name, node.args, 0)
        elif isinstance(node, ast.ClassDef):
            found |= {one.expression: one for one in _methods(node)}
    if entry_point is not None:
        named = [one for one in found.values() if one.expression.replace("()", "") == entry_point]
        if named:
            return named
    served = _served(tree)
    roots = [one for name, one in found.items() if name.rpartition(".")[2] not in served]
    return [one for one in roots or found.values() if one.most]


def _served(tree: ast.Module) -> set[str]:
    """Return the names of functions that another one uses."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            used = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
            used |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
            found |= used - {node.name}
    return found


def _methods(node: ast.ClassDef) -> Iterator[Function]:
    methods = [item for item in node.body if isinstance(item, ast.FunctionDef)]
    made = next((item.args for item in methods if item.name == "__init__"), None)
    if made is not None and _function("", made, 1).least:
        return
    for item in methods:
        if not item.name.startswith("_") and not item.decorator_list:
            yield _function(f"{node.name}().{item.name}", item.args, 1)


def _function(expression: str, arguments: ast.arguments, own: int) -> Function:
    """Describe a function of which the first `own` parameters are given already."""
    positional = len(arguments.posonlyargs) + len(arguments.args) - own
    least = positional - len(arguments.defaults)
    if any(default is None for default in arguments.kw_defaults):
        return Function(expression, 0, 0)  # It cannot be called by position.
    return Function(expression, max(least, 0), 99 if arguments.vararg else max(positional, 0))


def called_as(program: str, function: str, name: str) -> str:
    """Return a program whose function, or method, answers by another name.

    What a test gives by name goes in by its place, for the names of parameters are another's.
    """
    if function == name:
        return program
    *classes, own = name.split(".")
    given = "self, *args, **kwargs" if classes else "*args, **kwargs"
    lines = [f"def {own}({given}):", f"    return {_ASKED}(*args, *kwargs.values())"]
    for one in reversed(classes):
        lines = [f"class {one}:", *(f"    {line}" for line in lines)]
    return "\n".join([program.rstrip("\n"), "", "", f"{_ASKED} = {function}", "", "", *lines, ""])


def probes_of(problem: Problem, most: int = 2) -> list[Probe]:
    """Return some probes of a problem's tests: with other expected values, where there are any."""
    found: dict[str, Probe] = {}
    for expected, probe in _all_probes(problem):
        found.setdefault(expected, probe)
        if len(found) == most:
            break
    arities = {probe.arity for probe in found.values()}
    return list(found.values()) if len(arities) == 1 else []


def _all_probes(problem: Problem) -> Iterator[tuple[str, Probe]]:
    """Yield each probe with what its test expects, or with its whole text where that is unknown."""
    for test in problem.tests:
        if isinstance(test, StdioTest):
            yield test.expected_stdout, Probe(None, test)
        elif isinstance(test, CallTest):
            yield from _of_call(test, problem.entry_point)
        elif isinstance(test, AssertTest) and problem.entry_point and not test.files:
            yield from _of_asserts(test.source, problem.entry_point.rpartition(".")[2])


def _of_call(test: CallTest, entry_point: str | None) -> Iterator[tuple[str, Probe]]:
    if test.comparator not in (ValueComparator.EXACT, ValueComparator.EQUAL):
        return
    if test.function not in (None, entry_point):
        return
    try:
        values = [tagged.decode(value) for value in (*test.args, *test.kwargs.values())]
        expected = repr(tagged.decode(test.expected))
    except NotPlain:
        return
    call = parse(f"{PROBED}({', '.join(map(repr, values))})").body
    source = f"assert {ast.unparse(call[0])} == {expected}"
    if _names_in(parse(source)) <= _BUILTINS | {PROBED}:
        yield expected, Probe(len(values), source)


def _of_asserts(source: str, name: str) -> Iterator[tuple[str, Probe]]:
    tree = tree_of(source)
    found = (node for node in ast.walk(tree) if isinstance(node, ast.Assert)) if tree else iter(())
    for _, node in zip(range(_MOST), found, strict=False):
        calls = [
            call
            for call in ast.walk(node.test)
            if isinstance(call, ast.Call) and _is_called(call.func, name)
        ]
        if len(calls) != 1 or any(isinstance(one, ast.Starred) for one in calls[0].args):
            continue
        (call,) = calls
        values = [*call.args, *(word.value for word in call.keywords)]
        call.func, call.args, call.keywords = ast.Name(PROBED, ast.Load()), values, []
        if _names_in(node.test) <= _BUILTINS | {PROBED}:
            text = ast.unparse(node.test)
            rest = text.replace(ast.unparse(call), "")
            yield rest, Probe(len(values), f"assert {text}")


def _is_called(function: ast.expr, name: str) -> bool:
    match function:
        case ast.Name(id=called):
            return called in (name, "candidate")
        case ast.Attribute(value=ast.Call(func=ast.Name(), args=[]), attr=called):
            return called == name
    return False


def _names_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
