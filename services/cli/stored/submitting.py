"""Files of problems and candidates, on their way through the API."""

import contextlib
import functools
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar
from uuid import UUID

from infra import errors
from infra.contracts.base import CheckState, Pairing, SkipReason
from infra.contracts.candidates import MAX_GROUP_CANDIDATES, NewCandidate, NewGroup
from infra.contracts.problems import STRENGTH, Problem
from infra.contracts.views.api import BulkGroup, BulkGroupOutcome, GroupView, ProblemView
from infra.records import importers
from infra.records.importers import CandidateRecord
from infra.records.record_files import BadLine
from infra.records.samples import Names, Written
from services import answers
from services.cli.stored.foreseeing import foreseen
from services.client import Client

Item = TypeVar("Item")

_BULK = 100
_BULK_CHARACTERS = 16_000_000
"""Most text in one request that stores problems, unless a single one is longer."""
_IN_FLIGHT = 4
_LOOK_SECONDS = 0.5
_GROUP_CHARACTERS = 8_000_000
"""Most program text in one group, unless a single program is longer; far below the body limit."""


@dataclass
class Report:
    """What became of a file."""

    created: int = 0
    known: int = 0
    stored: list[UUID] = field(default_factory=list)
    """The problems, new and known."""
    tests_left_out: int = 0
    """Tests that are longer than an executor takes, or too many, in problems that were usable."""
    groups: int = 0
    group_ids: list[UUID] = field(default_factory=list)
    """The groups, new and known."""
    metadata_fields: dict[str, int] = field(default_factory=dict)
    """Fields that candidates do not have and keep as metadata, each with its number of lines."""
    no_pairs: dict[SkipReason, int] = field(default_factory=dict)
    """Groups of which it is clear already why they give no pairs."""
    bad: list[BadLine] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    """Why a problem that is well-formed in itself was not stored."""


class _Lot(NamedTuple):
    """Candidates of one problem that make one group, each with the number of its line."""

    problem_id: UUID
    members: list[tuple[int, NewCandidate]]


class _Asked(NamedTuple):
    """What is asked for with every group of a file."""

    policy: str
    pairs: Pairing | None
    once: bool


def import_file(
    client: Client,
    path: Path,
    check: bool = False,
    mutants: int = 0,
    against: Sequence[str] = (),
) -> Report:
    """Store the problems of a file; a bad line does not stop the rest.

    Args:
        client: Where.
        path: The file.
        check: Whether they are checked on this machine before, and refused if not sound.
        mutants: Most changed reference programs that are judged, to keep with each problem how
            strong its tests are: here if it is checked here, else by an executor.
        against: Benchmarks whose problems are refused, as `known.several` takes them.
    """
    report = Report()

    def good() -> Iterator[Problem]:
        for item in importers.read_problems(path):
            if isinstance(item, BadLine):
                report.bad.append(item)
            else:
                report.tests_left_out += importers.tests_left_out(item)
                yield item

    found = good()
    if against:
        # Who imports without it need not have an executor's packages.
        from services.cli.local.decontaminating import clean

        found = clean(found, against, report.refused)
    if check:
        store(client, _sound(found, mutants, report), report)
    else:
        store(client, found, report, mutants)
    return report


def await_checks(client: Client, report: Report, seconds: float) -> Iterator[ProblemView]:
    """Yield each stored problem once an executor has checked it, or as it is when time is over."""
    deadline = time.monotonic() + seconds
    for problem_id in report.stored:
        problem = client.get_problem(problem_id)
        while problem.check_state is CheckState.PENDING and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            problem = client.get_problem(problem_id)
        yield problem


def _sound(problems: Iterable[Problem], mutants: int, report: Report) -> Iterator[Problem]:
    # As above.
    from executor import check

    known = list(problems)
    with contextlib.closing(check(known, mutants=mutants)) as findings:
        for problem, found in zip(known, findings, strict=True):
            share = found.strength.share if found.strength else None
            if found.fault is not None:
                detail = " ".join(found.detail.split())
                report.refused.append(f"{problem.slug}: {found.fault}: {detail}")
            elif share is None:
                yield problem
            else:
                measured = {**problem.metadata, STRENGTH: share}
                yield problem.model_copy(update={"metadata": measured})


def store(client: Client, problems: Iterable[Problem], report: Report, mutants: int = 0) -> None:
    """Store problems in bulk requests, while they are read."""
    for chunk in _batches(problems, _size, _BULK, _BULK_CHARACTERS):
        _store(client, chunk, report, mutants)


def _store(client: Client, problems: list[Problem], report: Report, mutants: int) -> None:
    try:
        outcomes = client.add_problems(problems, mutants).outcomes
    except errors.PayloadTooLarge as error:
        if len(problems) == 1:
            report.refused.append(f"{problems[0].slug}: {error.detail}")
            return
        # The server takes less than is usual; what is too large for it may be one of them.
        middle = len(problems) // 2
        _store(client, problems[:middle], report, mutants)
        _store(client, problems[middle:], report, mutants)
        return
    for outcome in outcomes:
        if outcome.error is not None:
            report.refused.append(f"{outcome.slug}: {outcome.error}")
            continue
        assert outcome.id is not None, "what is not refused is stored"
        report.stored.append(outcome.id)
        report.created += outcome.created
        report.known += not outcome.created


def _size(problem: Problem) -> int:
    # As the client writes it: in ASCII, which can say lone surrogates too.
    return len(json.dumps(problem.model_dump(mode="json")))


def submit_file(
    client: Client,
    path: Path,
    policy: str,
    pairs: Pairing | None = None,
    again: bool = False,
    problems: Path | None = None,
) -> Report:
    """Submit the candidates of a file, one group for each problem; the rest of a bad one goes on.

    A problem with more candidates than a group may hold gets several groups.

    Args:
        client: Where.
        path: The file, or a folder of programs.
        policy: What the groups train.
        pairs: Which candidates are paired; None leaves it to the ranker.
        again: Whether groups that were opened before by the same candidates are opened anew.
        problems: File of the problems to which the candidates belong by their order, where these
            have no names.
    """
    report = Report()
    by_slug: dict[str, list[CandidateRecord]] = {}
    for item in importers.read_candidates(path, _names(client, problems)):
        if isinstance(item, BadLine):
            report.bad.append(item)
        else:
            by_slug.setdefault(item.slug, []).append(item)
            for name in item.candidate.metadata:
                report.metadata_fields[name] = report.metadata_fields.get(name, 0) + 1
    asked = _Asked(policy, pairs, once=not again)
    with ThreadPoolExecutor(_IN_FLIGHT) as pool:
        prepared = pool.map(lambda of_one: _lots(client, *of_one), by_slug.items())
        lots: list[_Lot] = []
        for made, bad in prepared:
            lots.extend(made)
            report.bad.extend(bad)
        outcomes = pool.map(lambda lot: _submit_lot(client, lot, asked), lots)
        for lot, outcome in zip(lots, outcomes, strict=True):
            if outcome.error is not None:
                report.bad.extend(BadLine(number, outcome.error) for number, _ in lot.members)
                continue
            assert outcome.id is not None, "what is not refused is stored"
            report.group_ids.append(outcome.id)
            if outcome.created:
                report.groups += 1
                report.created += len(lot.members)
            else:
                report.known += len(lot.members)
            candidates = [candidate for _, candidate in lot.members]
            if (reason := foreseen(candidates, pairs)) is not None:
                report.no_pairs[reason] = report.no_pairs.get(reason, 0) + 1
    report.bad.sort()
    return report


def _names(client: Client, problems: Path | None) -> Names:
    @functools.cache
    def is_stored(name: str) -> bool:
        try:
            client.find_problem(name)
        except (errors.NotFound, errors.InvalidInput):
            return False
        return True

    known = importers.read_problems(problems) if problems else ()
    return Names(is_stored, [item.slug for item in known if isinstance(item, Problem)])


def _lots(
    client: Client, slug: str, records: list[CandidateRecord]
) -> tuple[list[_Lot], list[BadLine]]:
    """Complete the programs of one problem, and divide them into groups."""
    bad: list[BadLine] = []
    members: list[tuple[int, NewCandidate]] = []
    try:
        problem_id = client.find_problem(slug).id
        asked = any(record.written is not Written.PROGRAM for record in records)
        problem = client.get_problem(problem_id) if asked else None
    except (errors.NotFound, errors.InvalidInput) as error:
        return [], [BadLine(record.number, error.detail) for record in records]
    for record in records:
        try:
            whole = answers.complete(record, problem) if problem else record.candidate
            members.append((record.number, whole))
        except errors.InvalidInput as error:
            bad.append(BadLine(record.number, error.detail))
    parts = _batches(members, _characters, MAX_GROUP_CANDIDATES, _GROUP_CHARACTERS)
    return [_Lot(problem_id, part) for part in parts], bad


def _characters(member: tuple[int, NewCandidate]) -> int:
    _, candidate = member
    return len(candidate.program) + len(candidate.completion or "")


def _batches(
    items: Iterable[Item], size_of: Callable[[Item], int], most: int, most_characters: int
) -> Iterator[list[Item]]:
    """Divide items, in their order, so that no batch has too many or, unless of one, too long."""
    held: list[Item] = []
    characters = 0
    for item in items:
        size = size_of(item)
        if held and (len(held) == most or characters + size > most_characters):
            yield held
            held, characters = [], 0
        held.append(item)
        characters += size
    if held:
        yield held


def _submit_lot(client: Client, lot: _Lot, asked: _Asked) -> BulkGroupOutcome:
    """Submit one group; tell what became of it."""
    group = BulkGroup(
        problem=str(lot.problem_id),
        candidates=tuple(candidate for _, candidate in lot.members),
        **asked._asdict(),
    )
    try:
        (outcome,) = client.create_groups([group]).outcomes
    except (errors.InvalidInput, errors.PayloadTooLarge) as error:
        return BulkGroupOutcome(id=None, error=error.detail, created=False)
    return outcome


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
