"""The starter problems: written for this project, so that everything runs without outside data."""

import importlib.resources
import json
from collections.abc import Iterator
from typing import Any

from infra.contracts.base import Author, Contract, Label
from infra.contracts.problems import Problem


class StarterCandidate(Contract):
    """A program for a starter problem, and the label it must get."""

    task_id: str
    author: Author
    model: str
    program: str
    expected_label: Label


def problems() -> list[Problem]:
    """Return the starter problems."""
    return [Problem.model_validate(record) for record in _records("problems.jsonl")]


def candidates() -> list[StarterCandidate]:
    """Return at least one teacher's and four students' programs for every starter problem."""
    return [StarterCandidate.model_validate(record) for record in _records("candidates.jsonl")]


def _records(name: str) -> Iterator[dict[str, Any]]:
    folder = importlib.resources.files("services.starter")
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        yield json.loads(line)
