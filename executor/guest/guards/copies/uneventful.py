"""Copies of checks that expect something to happen, in which it does not happen.

What is expected is the same as in the test, so that nobody who lets a check hold by what it expects
tells the two apart; and no right program passes a copy, for nothing in it raises, warns or calls.
"""

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from executor.guest.guards.text.copying import Change
from executor.guest.guards.text.names import parameters, parametrized
from executor.guest.guards.text.reading import Test
from executor.guest.guards.text.sites import NAME, Site, last_name
from executor.guest.guards.text.values import Draws

RAISING = ("assertRaises", "assertRaisesRegex", "raises")
WARNING = ("assertWarns", "assertWarnsRegex", "warns", "deprecated_call")
_OTHERS = ("assertLogs",)
_CALLED = ("assert_called", "assert_any_call", "assert_has_calls", "assert_awaited")
_MAYBE = (ast.Lambda, ast.BoolOp, ast.IfExp, ast.comprehension, ast.NamedExpr, ast.Await)
"""What holds calls that may not be made, or not as they stand."""

_MOST_CALLS = 2
_BUILTIN = frozenset(dir(builtins))


class Returning(NamedTuple):
    """A call that returns in every program that passes a test."""

    call: ast.Call
    test: Test


Calls = Mapping[str, Sequence[Returning]]
"""By the last names of what is called."""


class Uneventful(dict[ast.AST, ast.AST]):
    """A change by which what a check expects does not happen."""

    def __init__(self, change: Change, relies_on: Test | None = None) -> None:
        """Who fails the test that it `relies_on` may honestly pass a copy with this change."""
        super().__init__(change)
        self.relies_on = relies_on

    def with_other(self, change: Change) -> "Uneventful":
        """Return the same with something else expected."""
        return Uneventful({**change, **self}, self.relies_on)


def expects_exception(site: Site) -> bool:
    """Whether a check is for an exception that comes."""
    return bool(site.handlers) or last_name(site.node) in RAISING


def expects_event(site: Site) -> bool:
    """Whether a check is for something that happens: an exception, a warning, a call of a mock."""
    return expects_exception(site) or last_name(site.node) in (*WARNING, *_OTHERS)


class Returns:
    """The calls of whose value something is checked in the tests of a suite."""

    def __init__(self, tests: Sequence[Test]) -> None:
        self._tests = tests
        self._read: dict[int, _Read] = {}

    def of(self, test: Test) -> Calls:
        """Return those that a test can make too, by the names of what they call.

        It has all that they need: names of the module, fixtures of the same names, and what its
        class has set up. What of that is not as it is there, the reference program shows.
        """
        found: dict[str, list[Returning]] = {}
        given = self._read_of(test).given
        for other in self._tests:
            if other.owner is not test.owner:
                continue
            read = self._read_of(other)
            bound = read.bound - (read.given & given)
            for call, names in read.calls:
                if names.isdisjoint(bound):
                    found.setdefault(last_name(call.func), []).append(Returning(call, other))
        return found

    def _read_of(self, test: Test) -> "_Read":
        if id(test) not in self._read:
            calls = [(call, _names(call)) for call in _checked(test)]
            calls = [(call, names) for call, names in calls if not any(NAME in n for n in names)]
            self._read[id(test)] = _Read(_given(test), {*_bound(test.written)}, calls)
        return self._read[id(test)]


class _Read(NamedTuple):
    """What a test has for calls that others may make."""

    given: frozenset[str]
    bound: set[str]
    calls: list[tuple[ast.Call, set[str]]]
    """Each with the names that it needs."""


def _checked(test: Test) -> Iterator[ast.Call]:
    """Yield the calls that are made where nothing is expected to happen but a value."""
    expecting = {
        id(node)
        for site in test.sites
        if expects_event(site)
        for part in (site.node, *site.under)
        for node in ast.walk(part)
    }
    for site in test.sites:
        if id(site.node) not in expecting:
            yield from (call for call in _made(site.node) if call is not site.node)


def _given(test: Test) -> frozenset[str]:
    """Return the names of what a test is given, and does not change."""
    names = {name for name in parameters(test.written) if not parametrized(test.written, name)}
    stored = {
        node.id
        for node in ast.walk(test.written)
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)
    }
    return frozenset(names - stored) | ({"self"} if test.owner else set())


def _bound(test: ast.stmt) -> Iterator[str]:
    for node in ast.walk(test):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.alias(asname=str(name)):
                yield name
            case ast.alias(name=name):
                yield name.partition(".")[0]
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name):
                yield name


def _made(node: ast.AST) -> Iterator[ast.Call]:
    """Yield the calls that are made wherever a node is evaluated."""
    if isinstance(node, ast.Call):
        yield node
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, _MAYBE):
            yield from _made(child)


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def without_it(site: Site, calls: Calls, draws: Draws) -> Iterator[Uneventful]:
    """Yield changes by which nothing raises or warns, if the check expects that.

    The last is one in which nothing is called.
    """
    name = last_name(site.node)
    is_raising = expects_exception(site)
    if not is_raising and name not in (*WARNING, *_OTHERS):
        return
    if site.under or site.handlers:
        yield from _in_place_of(site, calls if is_raising else {}, draws)
        return
    match site.node:
        case ast.Call(func=function, args=[*given]) if is_raising:
            at = 2 if name.endswith("Regex") else 1
            if len(given) <= at:
                return
            nothing = ast.Call(ast.Name("str", ast.Load()), [], [])
            drawn = _drawn(calls, given[at : at + 1], draws)
            for call, test in (*drawn, (nothing, None)):
                new = ast.Call(function, [*given[:at], call.func, *call.args], call.keywords)
                yield Uneventful({site.node: new}, test)


def _in_place_of(site: Site, calls: Calls, draws: Draws) -> Iterator[Uneventful]:
    """Replace the statements under which it is expected."""
    statements = [one for one in site.under if not any(node is site.node for node in ast.walk(one))]
    nodes = [node for one in statements for node in ast.walk(one)]
    if not statements or any(isinstance(node, ast.Await) for node in nodes):
        return
    called = [node.func for node in nodes if isinstance(node, ast.Call)]
    rest: dict[ast.AST, ast.AST] = {one: ast.Pass() for one in statements[1:]}
    for call, test in _drawn(calls, called, draws):
        yield Uneventful({statements[0]: ast.Expr(call), **rest}, test)
    yield Uneventful({statements[0]: ast.Pass(), **rest})


def _drawn(calls: Calls, functions: Sequence[ast.expr], draws: Draws) -> list[Returning]:
    """Draw a few calls of one of these functions, or of any where there are none of these."""
    found = next((some for one in functions if (some := calls.get(last_name(one)))), None)
    if found is None:
        found = [one for name, some in calls.items() if name not in _BUILTIN for one in some]
    left = [*found]
    return [left.pop(draws.below(len(left))) for _ in left[:_MOST_CALLS]]


def on_another(check: ast.AST) -> Iterator[Uneventful]:
    """Yield the change by which a mock that is to have been called is a fresh one."""
    match check:
        case ast.Call(ast.Attribute(mock, name)) if name.startswith(_CALLED):
            fresh = ast.Call(ast.Call(ast.Name("type", ast.Load()), [mock], []), [], [])
            yield Uneventful({mock: fresh})
