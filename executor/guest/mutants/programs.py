"""Mutants of a program: small changes that should make it wrong, for tests to notice."""

import ast
import itertools
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from executor.guest.channel import Channel
from executor.guest.mutants.places import Change, Program

_UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
_SHOWN = 160
"""Most characters of a statement that are shown."""
_BEFORE = 60
"""Of these, what is shown of a longer one before the change."""


class Mutant(NamedTuple):
    """A change of the program's text, in bytes of UTF-8, and what it looks like."""

    start: int
    end: int
    text: str
    line: int
    before: str
    after: str


def tell(fd: int, start: dict[str, Any]) -> None:
    """Answer over the channel with at most `most` mutants of `program`.

    `runs_main`: whether what is below `if __name__ == "__main__"` runs in the tests.
    """
    channel = Channel(fd)
    try:
        found = mutants(start["program"], start["most"], start["runs_main"])
    except _UNREADABLE as error:
        channel.send({"broken": f"{type(error).__name__}: {error}"[:2000]})
        return
    channel.send({"mutants": [one._asdict() for one in found]})


def mutants(source: str, most: int, runs_main: bool) -> list[Mutant]:
    """Return at most so many mutants, always the same, of as many kinds and places as there are.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: the program does not compile.
    """
    program = Program(source, runs_main)
    known = {ast.dump(program.tree)}
    found: list[Mutant] = []
    for change in _mixed(program):
        if len(found) == most:
            break
        mutant = _made(program, change)
        if mutant is not None and _is_new(source, mutant, known):
            found.append(mutant)
    return sorted(found)


def _mixed(program: Program) -> Iterator[Change]:
    """Yield the changes so that kinds take turns, each in an order that favours no place."""
    kinds: dict[str, list[Change]] = {}
    for change in program.changes():
        kinds.setdefault(change.kind, []).append(change)
    for of_kind in kinds.values():
        random.Random(0).shuffle(of_kind)  # noqa: S311 - the same for everybody
    for turn in itertools.zip_longest(*(kinds[kind] for kind in sorted(kinds))):
        yield from (change for change in turn if change is not None)


def _made(program: Program, change: Change) -> Mutant | None:
    try:
        text = ast.unparse(change.new)
        before, after = _cut(*program.shown(change))
    except (ValueError, RecursionError):
        return None  # A number or a nesting that Python does not write.
    if isinstance(change.new, ast.expr) and not isinstance(change.new, ast.Constant):
        text = f"({text})"
    start, end = program.place(change.old)
    line = int(getattr(change.old, "lineno", 1))
    return Mutant(start, end, text, line, before, after)


def _cut(before: str, after: str) -> tuple[str, str]:
    """Shorten two long statements to where they differ."""
    if max(len(before), len(after)) <= _SHOWN:
        return before, after
    pairs = enumerate(itertools.zip_longest(before, after))
    changed = next((at for at, (one, other) in pairs if one != other), 0)
    begin = max(0, changed - _BEFORE)
    mark = "... " if begin else ""
    return (mark + before[begin:])[:_SHOWN], (mark + after[begin:])[:_SHOWN]


def _is_new(source: str, mutant: Mutant, known: set[str]) -> bool:
    """Tell whether a mutant compiles, and to another program than those before."""
    data = source.encode()
    changed = data[: mutant.start] + mutant.text.encode() + data[mutant.end :]
    try:
        tree = ast.dump(ast.parse(changed.decode()))
    except _UNREADABLE:
        return False
    is_new = tree not in known
    known.add(tree)
    return is_new
