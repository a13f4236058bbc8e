"""Many groups handed in and taken back as they are ranked: pure, as `sending` is."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from infra.contracts.base import GroupState
from infra.contracts.views.api import (
    BulkGroup,
    BulkGroupResult,
    CandidateView,
    GroupView,
    Page,
)
from services.client import calls
from services.client.calls import Call
from services.client.sending import Sleep

CHUNK_GROUPS = 100
"""Most groups in one request, to hand in or to ask for."""
_CHUNK_CHARACTERS = 8_000_000
_AHEAD = 1_000
"""Groups handed in and not ranked yet, from which on no more are read."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0


class Finished(NamedTuple):
    """A group that is ranked, or that was refused."""

    number: int
    """Its place among those handed in, from 0."""
    group: GroupView | None
    candidates: tuple[CandidateView, ...] = ()
    error: str = ""
    """Why it was refused."""


class AllCandidates(NamedTuple):
    """Read every page of a group's candidates."""

    first: Call[Page[CandidateView]]


Step = Call[Any] | AllCandidates | Sleep | Finished


def submission(groups: Iterable[BulkGroup]) -> Generator[Step, Any, None]:
    """Hand in groups as they are read, and yield each as soon as it is ranked.

    Who runs it does what it yields and sends in the answer; a `Finished` is for the user.
    """
    chunks = _chunks(enumerate(groups))
    open_groups: dict[UUID, int] = {}
    pause, more = _FIRST_PAUSE, True
    while more or open_groups:
        if more and len(open_groups) < _AHEAD:
            chunk = next(chunks, None)
            if chunk is None:
                more = False
                continue
            result: BulkGroupResult = yield calls.create_groups([group for _, group in chunk])
            for (number, _), outcome in zip(chunk, result.outcomes, strict=True):
                if outcome.id is None:
                    yield Finished(number, None, error=outcome.error or "")
                else:
                    open_groups[outcome.id] = number
            continue
        ranked = 0
        waiting = list(open_groups)
        for start in range(0, len(waiting), CHUNK_GROUPS):
            ranked += yield from _look(open_groups, waiting[start : start + CHUNK_GROUPS])
        pause = _FIRST_PAUSE if ranked else min(pause * 1.5, _LONGEST_PAUSE)
        if open_groups:
            yield Sleep(pause)


def _look(open_groups: dict[UUID, int], ids: Sequence[UUID]) -> Generator[Step, Any, int]:
    """Ask for some open groups and yield those that are ranked; return how many were."""
    page: Page[GroupView] = yield calls.these_groups(ids)
    ranked = [group for group in page.items if group.state is GroupState.RANKED]
    for group in ranked:
        candidates: tuple[CandidateView, ...] = yield AllCandidates(calls.candidates(group.id))
        yield Finished(open_groups.pop(group.id), group, candidates)
    return len(ranked)


def _chunks(
    groups: Iterator[tuple[int, BulkGroup]],
) -> Iterator[list[tuple[int, BulkGroup]]]:
    """Cut what is handed in into requests by number and by size."""
    chunk: list[tuple[int, BulkGroup]] = []
    characters = 0
    for number, group in groups:
        size = sum(len(item.program) + len(item.completion or "") for item in group.candidates)
        if chunk and (len(chunk) == CHUNK_GROUPS or characters + size > _CHUNK_CHARACTERS):
            yield chunk
            chunk, characters = [], 0
        chunk.append((number, group))
        characters += size
    if chunk:
        yield chunk
