"""Doctests of a Python file: functions are to be written that do what their examples show."""

import ast
import doctest
import re
from collections.abc import Iterator, Mapping
from typing import Final

from infra import errors
from infra.composing import WHOLE
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources

_RUN: Final = '''\
import doctest
import importlib


def _failures(name, text):
    """Run the examples of one docstring with the names of the module, and tell what has failed."""
    names = dict(vars(importlib.import_module({module!r})))
    examples = doctest.DocTestParser().get_doctest(text, names, name, None, 0)
    shown = []
    doctest.DocTestRunner(verbose=False).run(examples, out=shown.append)
    return "".join(shown)
'''
_TEST: Final = """

def test_{number}():
    assert _failures({name!r}, {text!r}) == ""
"""


def has_examples(source: str) -> bool:
    """Tell whether a Python file has doctests."""
    if ">>>" not in source:
        return False
    try:
        return any(_examples(sources.tree_of(source, "")))
    except errors.InvalidInput:
        return False


def to_problem(path: str, source: str, files: Mapping[str, str]) -> Problem:
    """Make a problem of a file, whose examples are run on any file of the same functions.

    Args:
        path: Its name, below the folder that was asked for.
        source: Its text.
        files: What it reads, by names beside it.

    Raises:
        errors.InvalidInput: it is no Python, or has no example.
    """
    tree = sources.tree_of(source, path)
    found = list(_examples(tree))
    if not found:
        raise errors.InvalidInput("it has no doctest")
    stem = path.removesuffix(".py")
    module = re.sub(r"\W", "_", stem.rpartition("/")[2], flags=re.ASCII)
    if not module.isidentifier():
        module = f"_{module}"
    tests = "".join(
        _TEST.format(number=number, name=name, text=text)
        for number, (name, text) in enumerate(found)
    )
    return Problem(
        slug="doctest/" + re.sub(r"[^A-Za-z0-9_./-]", "-", stem),
        prompt=(
            f"Write the Python file `{module}.py`, complete. Its functions are:\n\n"
            f"```python\n{_without_bodies(source, tree).strip()}\n```\n"
        ),
        tests=(
            AssertTest(source=_RUN.format(module=module) + tests, module=module, files={**files}),
        ),
        reference_program=source,
        metadata={"source": "doctest", **WHOLE.metadata()},
    )


def _examples(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the docstrings that have examples, with the names of what they belong to."""
    for name, node in (("module", tree), *_definitions(tree.body, "")):
        text = ast.get_docstring(node) or ""
        try:
            if doctest.DocTestParser().get_examples(text):
                yield name, text
        except ValueError as error:
            raise errors.InvalidInput(f"the docstring of {name}: {error}") from None


def _definitions(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, sources.Definition]]:
    """Yield what doctest looks at: functions and classes, and those in classes."""
    for node in body:
        if isinstance(node, sources.Definition):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from _definitions(node.body, f"{prefix}{node.name}.")


def _without_bodies(source: str, tree: ast.Module) -> str:
    """Return the file with nothing but the docstring in each function that has examples."""
    lines = source.split("\n")
    functions = [
        node
        for _, node in _definitions(tree.body, "")
        if not isinstance(node, ast.ClassDef) and ">>>" in (ast.get_docstring(node) or "")
    ]
    for node in sorted(functions, key=lambda one: -one.lineno):
        rest = node.body[1:]
        if rest and node.end_lineno is not None:
            first = min(
                [rest[0].lineno, *(one.lineno for one in getattr(rest[0], "decorator_list", []))]
            )
            indent = " " * node.body[0].col_offset
            lines[first - 1 : node.end_lineno] = [f"{indent}..."]
    return "\n".join(lines)
