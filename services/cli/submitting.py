"""Files of problems and candidates, on their way through the API."""

import itertools
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from infra import errors
from infra.contracts.api import GroupView, ProblemView
from infra.contracts.candidates import MAX_GROUP_CANDIDATES, NewCandidate, NewGroup
from infra.contracts.problems import Problem
from services import importers
from services.client import Client
from services.importers import BadLine, CandidateRecord

_BULK = 100
_IN_FLIGHT = 4

Item = TypeVar("Item")


@dataclass
class Report:
    """What became of a file."""

    created: int = 0
    known: int = 0
    groups: int = 0
    bad: list[BadLine] = field(default_factory=list)


def import_file(client: Client, path: Path) -> Report:
    """Store the problems of a file; a bad line does not stop the rest."""
    report = Report()
    good: list[Problem] = []
    for item in importers.read_problems(path):
        if isinstance(item, BadLine):
            report.bad.append(item)
        else:
            good.append(item)
    store(client, good, report)
    return report


def store(client: Client, problems: Iterable[Problem], report: Report) -> None:
    """Store problems in bulk requests."""
    for chunk in _chunks(problems, _BULK):
        for outcome in client.add_problems(chunk).outcomes:
            if outcome.error is not None:
                report.bad.append(BadLine(0, outcome.error))
            elif outcome.created:
                report.created += 1
            else:
                report.known += 1


def submit_file(client: Client, path: Path, policy: str) -> Report:
    """Submit the candidates of a file, one group for each problem and run of its lines."""
    report = Report()
    by_slug: dict[str, list[CandidateRecord]] = {}
    for item in importers.read_candidates(path):
        if isinstance(item, BadLine):
            report.bad.append(item)
        else:
            by_slug.setdefault(item.slug, []).append(item)
    groups: list[tuple[ProblemView, list[NewCandidate]]] = []
    for slug, records in by_slug.items():
        try:
            problem = client.get_problem(client.find_problem(slug).id)
        except errors.NotFound as error:
            report.bad.extend(BadLine(record.number, error.detail) for record in records)
            continue
        candidates = [importers.complete(record, problem.prompt) for record in records]
        groups.extend((problem, chunk) for chunk in _chunks(candidates, MAX_GROUP_CANDIDATES))
    submit_groups(client, groups, policy)
    report.groups = len(groups)
    report.created = sum(len(candidates) for _, candidates in groups)
    return report


def submit_groups(
    client: Client, groups: Iterable[tuple[ProblemView, list[NewCandidate]]], policy: str
) -> list[GroupView]:
    """Submit groups, a few at a time."""

    def send(group: tuple[ProblemView, list[NewCandidate]]) -> GroupView:
        problem, candidates = group
        return client.create_group(
            problem.id, NewGroup(candidates=tuple(candidates), policy=policy)
        )

    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        return list(pool.map(send, groups))


def _chunks(items: Iterable[Item], size: int) -> Iterable[list[Item]]:
    iterator = iter(items)
    while chunk := list(itertools.islice(iterator, size)):
        yield chunk
