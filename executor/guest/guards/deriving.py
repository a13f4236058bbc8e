"""Test code as a pattern: its tests, siblings of them that a right program fails, and the rest.

It is the text of untrusted tests that is read and written here, so this runs in a jail.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

from executor.guest.channel import Channel
from executor.guest.guards.checks import Changes, expects_exception
from executor.guest.guards.copying import Change, copied
from executor.guest.guards.inlining import NAME
from executor.guest.guards.literals import Literals
from executor.guest.guards.names import Names
from executor.guest.guards.reading import Suite, Test, read
from executor.guest.guards.sites import FUNCTIONS, Site
from executor.guest.guards.values import Draws, Scalar
from executor.guest.reading.statements import entered

_PLACE = re.compile("^( *)\0([0-9]+)\0\n?", re.MULTILINE)
_INDENT = 4
_MOST_CHANGES = 60
_FIRST, _LAST = 3, 2
"""Siblings offered for a check: those most like the test, and those that it most surely fails."""
_MOST_ITEMS = 2_000


class _Item(NamedTuple):
    node: ast.stmt
    test: Test
    site: Site | None
    """The check that is changed; None in a test itself."""
    number: int


def tell(fd: int, start: dict[str, Any]) -> None:
    """Answer over the channel with the pattern of each of the `tests`, None where there is none."""
    channel = Channel(fd)
    found: list[dict[str, Any] | None] = []
    for test in start["tests"]:
        try:
            found.append(
                pattern(test["source"], test["check"], start["entry_point"], start["seed"])
            )
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            found.append(None)
    channel.send({"patterns": found})


def pattern(source: str, check: str | None, entry_point: str | None, seed: str) -> dict[str, Any]:
    """Return test code with its tests taken out, and them and their siblings as text.

    `executor.judging.shared.arranging.Pattern` says what is in it.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: there is none for this code.
    """
    suite = read(source, check)
    items, sites = _items(suite, entry_point, seed)
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
    told = _told(items, {item: depths[n] for n, group in enumerate(groups) for item in group})
    within = any(test.scope is not None for test in suite.tests)
    return {"parts": parts, "groups": groups, "items": told, "within": within, "sites": sites}


def _items(suite: Suite, entry_point: str | None, seed: str) -> tuple[list[_Item], int]:
    """Tests that can have siblings, each followed by its own; and the number of checks."""
    sites = sum(len(test.sites) for test in suite.tests) + suite.outside
    items: list[_Item] = []
    number = 0
    pool = _pool(suite)
    for test in suite.tests:
        if test.kept:
            continue
        items.append(_Item(test.written, test, None, number))
        names = Names(test, suite.tree)
        known = {ast.unparse(ast.fix_missing_locations(test.written))}
        offered: list[list[Change]] = []
        for place, site in enumerate(test.sites):
            draws = Draws(seed, number + place)
            changes = Changes(Literals(names, site, entry_point), pool, draws).of(site)
            wanted = changes if len(items) < _MOST_ITEMS else iter(())
            offered.append(_offered(list(_distinct(test, wanted, known))))
        for place, site in enumerate(test.sites):
            draws = Draws(seed, "later", number)
            for change in offered[place]:
                node = copied(test.written, {**_later(offered[place + 1 :], draws), **change})
                items.append(_Item(node, test, site, number))
            number += 1
    return items, sites


def _pool(suite: Suite) -> list[Scalar]:
    """What the checks of the suite mention: what is expected elsewhere looks most like it."""
    found: dict[str, Scalar] = {}
    for test in suite.tests:
        for site in test.sites:
            for node in ast.walk(site.node):
                if isinstance(node, ast.Constant) and node.value is not ...:
                    found[repr(node.value)] = node.value
    return list(found.values())


def _distinct(test: Test, changes: Iterator[Change], known: set[str]) -> Iterator[Change]:
    for change in islice(changes, _MOST_CHANGES):
        text = ast.unparse(ast.fix_missing_locations(copied(test.written, change)))
        if text not in known:
            known.add(text)
            yield change


def _offered(changes: list[Change]) -> list[Change]:
    return changes[:_FIRST] + changes[max(_FIRST, len(changes) - _LAST) :]


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
    for position, (node, test, site, number) in enumerate(items):
        origin = position if site is None else origin
        item: dict[str, Any] = {
            "text": _text(node, depths[position]),
            "name": test.name,
            "origin": origin,
        }
        raises = site is not None and expects_exception(site)
        item |= {"site": None if site is None else number, "raises": raises}
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
