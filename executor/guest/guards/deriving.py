"""Test code as a pattern: its tests, siblings of them that a right program fails, and the rest.

It is the text of untrusted tests that is read and written here, so this runs in a jail.
"""

import ast
import functools
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from executor.guest.channel import Channel
from executor.guest.guards.copies.checks import Changes
from executor.guest.guards.copies.uneventful import (
    Returns,
    Uneventful,
    expects_event,
    expects_exception,
)
from executor.guest.guards.independent import Independent
from executor.guest.guards.outside import Outside, instead
from executor.guest.guards.text.constants import Constants
from executor.guest.guards.text.copying import Change, changed
from executor.guest.guards.text.literals import Literals
from executor.guest.guards.text.names import Names
from executor.guest.guards.text.reading import Suite, Test, read
from executor.guest.guards.text.sites import FUNCTIONS, NAME, Site
from executor.guest.guards.text.values import Draws, Scalar
from executor.guest.reading.imported import imports_of
from executor.guest.reading.statements import entered

_PLACE = re.compile("^( *)\0([0-9]+)\0\n?", re.MULTILINE)
_INDENT = 4
_MOST_CHANGES = 60
_FIRST, _LAST = 3, 2
"""Siblings offered for a check: those most like the test, and those that it most surely fails."""
_UNEVENTFUL = 12
"""Siblings offered in which what a check expects does not happen."""
_MOST_ITEMS = 2_000


class _Item(NamedTuple):
    node: ast.stmt
    test: Test
    site: Site | None
    """The check that is changed; None in a test itself."""
    number: int
    change: Change | None = None
    """What of it is changed."""


class _Plan(NamedTuple):
    """What becomes of the checks of one test."""

    test: Test
    names: Names
    first: int
    """Number of its first check."""
    outside: list[dict[str, Any]]
    """What is told of those that are made outside."""
    change: Change
    """What the test has in the place of these."""

    def inside(self) -> Iterator[tuple[int, Site]]:
        """The others, with their numbers."""
        outside = {told["number"] for told in self.outside}
        for number, site in enumerate(self.test.sites, self.first):
            if number not in outside:
                yield number, site


def tell(fd: int, start: dict[str, Any]) -> None:
    """Answer over the channel with the pattern of the `test`, None if there is none."""
    channel, test = Channel(fd), start["test"]
    try:
        found = pattern(
            test["source"], test["check"], start["entry_point"], start["seed"],
            frozenset(test["inside"]),
        )  # fmt: skip
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        channel.send({"pattern": None})
    else:
        channel.send({"pattern": found})


def pattern(
    source: str,
    check: str | None,
    entry_point: str | None,
    seed: str,
    inside: frozenset[int] = frozenset(),
) -> dict[str, Any]:
    """Return test code with its tests taken out, and them and their siblings as text.

    `inside` are checks that cannot be made outside. `executor.judging.shared.arranging.Pattern`
    says what is in the answer.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: there is none for this code.
    """
    suite = read(source, check)
    plans = _plans(suite, inside)
    items = _items(plans, entry_point, seed)
    groups = _take_out(suite, items)
    text = ast.unparse(ast.fix_missing_locations(suite.tree)) + "\n"
    parts: list[str | int] = []
    depths: dict[int, int] = {}
    end = 0
    for place in _PLACE.finditer(text):
        number = int(place[2])
        parts += [text[end : place.start()], number]
        depths[number] = len(place[1]) // _INDENT
        end = place.end()
    parts.append(text[end:])
    return {
        "parts": parts,
        "groups": groups,
        "items": _told(
            items, {item: depths[n] for n, group in enumerate(groups) for item in group}
        ),
        "within": any(test.scope is not None for test in suite.tests),
        "sites": sum(len(test.sites) for test in suite.tests) + suite.outside,
        "outside": [told for plan in plans for told in plan.outside],
        "imports": imports_of(source),
    }


def _plans(suite: Suite, inside: Collection[int]) -> list[_Plan]:
    """Decide of each check of the tests that can be changed where it is made."""
    own = {node.name for node in ast.walk(suite.tree) if isinstance(node, FUNCTIONS)}
    constants = Constants(suite.tree)
    plans: list[_Plan] = []
    first = 0
    for test in suite.tests:
        if test.kept:
            continue
        names = Names(test, suite.tree)
        outside = Outside(names, constants, own, functools.partial(Independent, test, suite.tree))
        told: list[dict[str, Any]] = []
        change: dict[ast.AST, ast.AST] = {}
        for number, site in enumerate(test.sites, first):
            moved = None if number in inside else outside.moved(site)
            if moved is not None:
                told.append(outside.told(moved, number))
                change |= instead(moved, site, number)
        plans.append(_Plan(test, names, first, told, change))
        first += len(test.sites)
    return plans


def _items(plans: Sequence[_Plan], entry_point: str | None, seed: str) -> list[_Item]:
    """Tests that can have siblings, each followed by its own."""
    items: list[_Item] = []
    pool = _pool(plans)
    returns = Returns([plan.test for plan in plans])
    for plan in plans:
        written = changed(plan.test.written, plan.change)
        items.append(_Item(written, plan.test, None, plan.first))
        known = {ast.unparse(ast.fix_missing_locations(written))}
        offered: dict[int, list[Change]] = {}
        calls = returns.of(plan.test) if any(map(expects_event, plan.test.sites)) else {}
        for number, site in plan.inside():
            literals = Literals(plan.names, site, entry_point)
            changes = Changes(literals, pool, Draws(seed, number), calls).of(site)
            wanted = changes if len(items) < _MOST_ITEMS else iter(())
            offered[number] = _offered(list(_distinct(plan, wanted, known)))
        for number, site in plan.inside():
            draws = Draws(seed, "later", number)
            later = _later([offered[n] for n in offered if n > number], draws)
            for change in offered[number]:
                node = changed(plan.test.written, {**plan.change, **later, **change})
                items.append(_Item(node, plan.test, site, number, change))
    return items


def _pool(plans: Sequence[_Plan]) -> list[Scalar]:
    """What the checks of the suite mention: what is expected elsewhere looks most like it.

    Nothing of what is expected of the checks that are made outside.
    """
    found: dict[str, Scalar] = {}
    for plan in plans:
        for _, site in plan.inside():
            for node in ast.walk(site.node):
                if isinstance(node, ast.Constant) and node.value is not ...:
                    found[repr(node.value)] = node.value
    return list(found.values())


def _distinct(plan: _Plan, changes: Iterator[Change], known: set[str]) -> Iterator[Change]:
    for change in islice(changes, _MOST_CHANGES):
        node = changed(plan.test.written, {**plan.change, **change})
        text = ast.unparse(ast.fix_missing_locations(node))
        if text not in known:
            known.add(text)
            yield change


def _offered(changes: list[Change]) -> list[Change]:
    kept = [change for change in changes if not _is_uneventful(change)]
    uneventful = [change for change in changes if _is_uneventful(change)]
    return kept[:_FIRST] + kept[max(_FIRST, len(kept) - _LAST) :] + uneventful[:_UNEVENTFUL]


def _is_uneventful(change: Change | None) -> bool:
    return isinstance(change, Uneventful)


def _later(offered: Sequence[Sequence[Change]], draws: Draws) -> Change:
    """Draw for each later check whether it is changed as well.

    A sibling fails before it comes there. But without that, the test would be the one that all
    others differ from least, and a reader could tell it.
    """
    later: dict[ast.AST, ast.AST] = {}
    for changes in offered:
        later |= draws.pick([{}, *changes[:_FIRST]])
    return later


def _take_out(suite: Suite, items: Sequence[_Item]) -> list[list[int]]:
    """Leave a mark where tests stood: those of functions at the last of a body, others each."""
    for node, body, _, _ in suite.shadowed:
        body.remove(node)
    groups: list[list[int]] = []
    known: dict[int, int] = {}
    for number, item in enumerate(items):
        is_function = isinstance(item.node, FUNCTIONS)
        key = id(item.test.body if is_function else item.test.node)
        if key not in known:
            known[key] = len(groups)
            groups.append([])
        groups[known[key]].append(number)
    for place, group in enumerate(groups):
        tests = [items[number].test for number in group if items[number].site is None]
        body, last = tests[0].body, max(tests, key=lambda test: test.node.lineno).node
        mark = ast.Expr(ast.Name(f"\0{place}\0", ast.Load()))
        body[body.index(last)] = mark
        for test in tests:
            if test.node is not last:
                body.remove(test.node)
    return groups


def _told(items: Sequence[_Item], depths: dict[int, int]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    origin = 0
    tests = {id(item.test): at for at, item in enumerate(items) if item.site is None}
    for position, (node, test, site, number, change) in enumerate(items):
        origin = position if site is None else origin
        item: dict[str, Any] = {
            "text": _text(node, depths[position]),
            "name": test.name,
            "origin": origin,
        }
        raises = site is not None and expects_exception(site) and not _is_uneventful(change)
        item |= {"site": None if site is None else number, "raises": raises}
        item |= {"is_uneventful": _is_uneventful(change), "relies_on": None}
        if isinstance(change, Uneventful) and change.relies_on is not None:
            item["relies_on"] = tests[id(change.relies_on)]
        told.append({**item, "is_statement": not isinstance(node, FUNCTIONS)})
    return told


def _text(node: ast.stmt, depth: int) -> str:
    """The text of a test without its name, as it stands so many blocks deep."""
    if isinstance(node, FUNCTIONS):
        fields: dict[str, Any] = dict(ast.iter_fields(node))
        written: ast.stmt = type(node)(**{**fields, "name": NAME, "body": _undocumented(node.body)})
    else:
        written = entered(node, ast.Name(f"'{NAME}'", ast.Load()))
    for _ in range(depth):
        written = ast.If(ast.Constant(1), [written], [])
    text = ast.unparse(ast.fix_missing_locations(written)).lstrip("\n") + "\n"
    return "\n".join(text.split("\n")[depth:])


def _undocumented(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest or [ast.Pass()]
    return body
