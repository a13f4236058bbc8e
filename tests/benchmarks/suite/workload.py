"""The candidates of the load: recorded and starter ones mixed."""

import itertools
import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from executor import Overrides, label
from infra.contracts.base import Author
from infra.contracts.candidates import NewCandidate
from infra.contracts.problems import Problem
from infra.contracts.views.api import BulkGroup
from infra.records import importers
from services.starter import load as starter

GROUP = 8
"""Candidates of one group: of one problem, every other one called a teacher's."""
_SOON_SECONDS = 0.4
_LITTLE_TIME = Overrides(cpu_seconds=0.5)


class Written(NamedTuple):
    """A program and the name of its problem."""

    slug: str
    program: str


def problems(data: Path) -> list[Problem]:
    """Return every problem of the load."""
    human = importers.read_problems(data / "HumanEval.jsonl.gz")
    return [*(item for item in human if isinstance(item, Problem)), *starter.problems()]


def programs(data: Path, slots: int) -> list[Written]:
    """Return the programs that end soon, in a fixed random order.

    Those that never end are left out: they measure nothing but their limit.
    """
    recorded = importers.read_candidates(data / "humaneval_candidates.jsonl.gz")
    found = [
        {"task_id": record.slug, "program": record.candidate.program}
        for record in recorded
        if not isinstance(record, importers.BadLine)
    ]
    found += [{"task_id": own.task_id, "program": own.program} for own in starter.candidates()]
    random.Random(0).shuffle(found)
    return [
        Written(item.record["task_id"], item.record["program"])
        for item in label(problems(data), found, slots=slots, overrides=_LITTLE_TIME)
        if item.verdict is not None and item.verdict.usage.cpu_seconds < _SOON_SECONDS
    ]


def groups(written: Sequence[Written], number: int, *, cache: bool) -> Iterator[BulkGroup]:
    """Make groups of `number` candidates in all; without `cache` no program comes twice."""
    waiting: dict[str, list[NewCandidate]] = defaultdict(list)
    for count, (slug, program) in enumerate(itertools.islice(itertools.cycle(written), number)):
        mark = "" if cache else f"\n# {count}\n"
        author = Author.TEACHER if len(waiting[slug]) % 2 else Author.STUDENT
        waiting[slug].append(NewCandidate(author=author, program=f"{program}{mark}"))
        if len(waiting[slug]) == GROUP:
            yield BulkGroup(problem=slug, candidates=tuple(waiting.pop(slug)), cache=cache)
    for slug, candidates in waiting.items():
        yield BulkGroup(problem=slug, candidates=tuple(candidates), cache=cache)
