"""LeetCodeDataset: methods of a class `Solution`, after a header of imports and node classes."""

import builtins
import re
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from infra import errors
from infra.composing import WHOLE
from infra.contracts.base import IntegrityRule, JsonValue
from infra.contracts.problems import AssertTest, Problem
from infra.forms import sources


class _Record(BaseModel):
    """A record, as far as it is used."""

    task_id: str
    prompt: str
    """The header alone; what is asked stands in `query`."""
    completion: str
    entry_point: str
    test: str
    query: str | None = None
    problem_description: str | None = None
    starter_code: str | None = None
    difficulty: str | None = None
    estimated_date: str | datetime | None = None
    meta: dict[str, Any] = {}
    """What early releases have in place of the fields above."""


def to_problem(fields: dict[str, Any]) -> Problem:
    """Make a problem of a record.

    The header is run before a program, and before test code that uses it. Where that builds nodes
    with it, program and tests are in one process, for nodes are no plain data.

    Raises:
        errors.InvalidInput: header or test are no Python, or the entry point is of another form.
        pydantic.ValidationError: a field is wrong.
    """
    record = _Record.model_validate(fields)
    header = sources.with_optional_packages(record.prompt, "the prompt")
    helpers = {node.name for node in sources.definitions(sources.tree_of(header, "the prompt"))}
    test = sources.tree_of(record.test, "the test")
    if not any(node.name == "check" for node in sources.definitions(test)):
        raise errors.InvalidInput("the test defines no function `check`")
    read = sources.names_read(test) - set(dir(builtins)) - {"candidate"}
    needs_nodes = bool(helpers & read)
    # A header behind a program could give the program's own names other meanings.
    needs_header = bool(read) and not needs_nodes
    return Problem(
        slug=record.task_id,
        prompt=_asked(record),
        entry_point=_entry_point(record.entry_point),
        tests=(
            AssertTest(
                source=f"{header}\n{record.test}" if needs_header else record.test, check="check"
            ),
        ),
        integrity=IntegrityRule.SHARED if needs_nodes else IntegrityRule.AUTO,
        prelude=header,
        reference_program=record.completion,
        metadata={"source": "LeetCodeDataset", **_about(record), **WHOLE.metadata()},
    )


def _about(record: _Record) -> dict[str, JsonValue]:
    """Return how hard a problem is, and on what day it was published, as far as is said."""
    difficulty = record.difficulty or record.meta.get("difficulty")
    published = record.estimated_date or record.meta.get("estimated_date")
    said = {"difficulty": difficulty, "date": str(published)[:10] if published else None}
    return {key: str(value) for key, value in said.items() if value}


def _entry_point(text: str) -> str:
    found = re.fullmatch(r"(?:([A-Za-z_]\w*)\(\)\.)?([A-Za-z_]\w*)", text, re.ASCII)
    if found is None:
        raise errors.InvalidInput(f"entry_point: {text!r} is no function and no method of a class")
    return f"{found[1]}.{found[2]}" if found[1] else found[2]


def _asked(record: _Record) -> str:
    if record.query:
        return record.query
    starter = (record.starter_code or "").rstrip()
    return f"{record.problem_description or ''}\n\nBegin with this:\n\n```python\n{starter}\n```\n"
