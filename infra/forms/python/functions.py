"""Sets of functions that a prompt begins: HumanEval and what is written in its form.

HumanEval, HumanEval+ and MathQA, and the Python of HumanEval-X, HumanEvalPack and MBXP.
"""

import ast
from typing import Any

from pydantic import BaseModel

from infra import errors
from infra.contracts.problems import AssertTest, Problem
from infra.forms import languages, programs, sources
from infra.forms.python import evalplus
from infra.parsing import parse

_OF_HUMAN_EVAL_X = """\
import math, re, sys, copy, datetime, itertools, collections, heapq, statistics, functools
import hashlib, string
from typing import *
from collections import *
"""
"""What its runner, and that of HumanEvalPack, imports before each program; numpy as well, which is
in an image alone."""


class _Record(BaseModel):
    """A record of these sets, as far as it is used."""

    task_id: str
    prompt: str
    test: str
    entry_point: str | None = None
    """HumanEval-X has none: the last function of its `declaration`, or of its prompt."""
    declaration: str | None = None
    canonical_solution: str | None = None
    buggy_solution: str | None = None
    description: str | None = None
    language: str | None = None


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record.

    Raises:
        errors.InvalidInput: its test is no Python, it names no function, or its set is not read in
            its language.
        pydantic.ValidationError: a field is wrong.
    """
    named = languages.named(fields)
    if named is not None:
        return programs.to_problem(fields, named)
    record = _Record.model_validate(fields)
    entry_point = record.entry_point or _declared(record.declaration or "", record.prompt)
    solution = record.canonical_solution
    source, check = _judged(evalplus.with_equal_shapes(record.test), entry_point)
    return Problem(
        slug=record.task_id,
        prompt=record.prompt,
        entry_point=entry_point,
        tests=(AssertTest(source=_helpers(record.prompt, entry_point) + source, check=check),),
        prelude="" if record.declaration is None else _OF_HUMAN_EVAL_X,
        reference_program=None if solution is None else record.prompt + solution,
        metadata={"source": _source(record)},
    )


def _source(record: _Record) -> str:
    if record.buggy_solution is not None:
        return "HumanEvalPack"
    if record.declaration is not None:
        return "HumanEval-X"
    if record.language is not None:
        return "MathQA" if record.task_id.startswith("MathQA") else "MBXP"
    return "HumanEval"


def _declared(*begun: str) -> str:
    """Return the last function of the first text that is Python; one declaration is cut off."""
    for text in begun:
        try:
            names = [node.name for node in sources.definitions(parse(text + "    pass\n"))]
        except SyntaxError:
            continue
        if names:
            return names[-1]
    raise errors.InvalidInput("declaration: it does not end in a Python function")


def _judged(test: str, entry_point: str) -> tuple[str, str | None]:
    """Return test code and the function in it that is called with the entry point.

    Some sets call it at the end of the code themselves: that call is taken out, or each of its
    asserts would be run twice.
    """
    tree = sources.tree_of(test, "the test")
    checks = any(node.name == "check" and _checks(node) for node in sources.definitions(tree))
    if not checks:
        return test, None
    lines = test.split("\n")
    for node in reversed(tree.body):
        if isinstance(node, ast.Expr) and ast.unparse(node) == f"check({entry_point})":
            lines[node.lineno - 1 : node.end_lineno] = []
    return "\n".join(lines), "check"


def _checks(node: sources.Definition) -> bool:
    """Tell whether a function does anything; MathQA has one that passes."""
    return not all(isinstance(part, ast.Pass) for part in node.body)


def _helpers(prompt: str, entry_point: str) -> str:
    """Return the functions a prompt defines beside the one it asks for.

    Three of HumanEval's tests call them. They belong to the test: taken from the candidate, they
    could be redefined until every assert holds.
    """
    try:
        tree = parse(prompt)
    except SyntaxError:
        return ""
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    helpers = [node for node in functions if node.name != entry_point and not _is_unfinished(node)]
    if not helpers:
        return ""
    return sources.imports(tree) + "\n".join(ast.unparse(node) for node in helpers) + "\n"


def _is_unfinished(node: ast.FunctionDef) -> bool:
    return len(node.body) == 1 and isinstance(node.body[0], ast.Expr)
