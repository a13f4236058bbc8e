"""Tests for an evolved task: asked for, read, and kept where programs agree: pure.

A test counts if at least two different programs pass it, and the set of tests is the one that most
programs agree on: programs that pass the same tests support these tests, and the tests support the
programs (dual execution agreement, CodeT, arXiv 2207.10397).
"""

import ast
from collections.abc import Sequence
from typing import NamedTuple

from infra.prompting.wording import Message
from sampler.extraction.syntax import tree_of

_SYSTEM = "You test Python functions. You never write the function itself."
_ASK = """\
{task}

Write {number} tests of `{name}`, each one `assert` on a line of its own that compares the value of
a call with the value that the text above demands, as in `assert {name}(...) == ...`. Write
arguments and values out in full, and test ordinary cases before odd ones. Answer with one fenced
code block."""
_FEWEST_PROGRAMS = 2


class Agreement(NamedTuple):
    """Programs and tests that support each other, by their numbers."""

    programs: tuple[int, ...]
    tests: tuple[int, ...]
    num_different: int
    """Programs that are not the same but for layout and comments."""


def ask_for_tests(task: str, name: str, number: int) -> tuple[Message, ...]:
    """Ask for asserts."""
    text = _ASK.format(task=task, name=name, number=number)
    return (Message(role="system", content=_SYSTEM), Message(role="user", content=text))


def read_tests(completion: str, name: str, most: int) -> list[str]:
    """Return the first asserts of an answer that compare a call of the function with a value."""
    found = []
    for line in completion.splitlines():
        tree = tree_of(line.strip()) if line.strip().startswith("assert ") else None
        if tree is not None and _compares_a_call(tree, name):
            found.append(ast.unparse(tree))
    return list(dict.fromkeys(found))[:most]


def _compares_a_call(tree: ast.Module, name: str) -> bool:
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.Assert):
        return False
    compared = tree.body[0].test
    return isinstance(compared, ast.Compare) and any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
        for node in ast.walk(compared)
    )


def agree(programs: Sequence[str], passed: Sequence[frozenset[int]]) -> Agreement | None:
    """Return the largest agreement: different programs times tests; None if there is none.

    Args:
        programs: The programs.
        passed: For each the numbers of the tests it passes.
    """
    by_tests: dict[frozenset[int], list[int]] = {}
    for number, tests in enumerate(passed):
        by_tests.setdefault(tests, []).append(number)
    best: Agreement | None = None
    for tests, numbers in by_tests.items():
        different = len({shape_of(programs[number]) for number in numbers})
        if not tests or different < _FEWEST_PROGRAMS:
            continue
        found = Agreement(tuple(numbers), tuple(sorted(tests)), different)
        if best is None or _worth(found) > _worth(best):
            best = found
    return best


def _worth(agreement: Agreement) -> tuple[int, int]:
    return agreement.num_different * len(agreement.tests), agreement.num_different


def shape_of(program: str) -> str:
    """Return a program without comments and layout; one that does not compile as it is."""
    tree = tree_of(program)
    return program if tree is None else ast.unparse(tree)
