"""One group, side by side."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from rich.table import Table

from infra import errors
from infra.contracts.base import Outcome
from infra.contracts.views.api import CandidateDetail, GroupView, RankingView
from infra.printable import counted, printable
from infra.records import importers
from services.client import Client

_SHOWN = 200
"""Most characters of a first failure."""


class GroupReport(NamedTuple):
    """A group as what a reader sees, and as data for a program."""

    parts: list[Table | str]
    data: dict[str, Any]


def group_report(client: Client, name: str) -> GroupReport:
    """Gather everything about a group.

    Raises:
        errors.NotFound: there is none of that id, or none of that problem.
    """
    group = find_group(client, name)
    try:
        ranking: RankingView | None = client.get_ranking(group.id)
    except errors.NotFound:
        ranking = None
    order = ranking.order if ranking else ()
    places = {entry.candidate_id: place for place, entry in enumerate(order)}
    details = [client.get_candidate(item.id) for item in client.candidates(group.id)]
    details.sort(key=lambda item: places.get(item.id, len(places)))
    numbers = {item.id: number for number, item in enumerate(details, 1)}
    parts: list[Table | str] = [
        f"{group.problem_slug}: group {group.id}, {group.state.value}",
        _candidates(details, ranking),
        *(f"{numbers[item.id]:>3}  {item.id}  {_failure(item)}" for item in details),
    ]
    if ranking:
        parts += _pairs(ranking, numbers)
    data = {
        "group": group.model_dump(mode="json"),
        "candidates": [item.model_dump(mode="json") for item in details],
        "ranking": ranking.model_dump(mode="json") if ranking else None,
    }
    return GroupReport(parts, data)


def _candidates(details: Sequence[CandidateDetail], ranking: RankingView | None) -> Table:
    """Lay out candidates, the best first, in what fits beside one another on a terminal."""
    scores = {entry.candidate_id: entry.score for entry in ranking.order} if ranking else {}
    table = Table()
    for column in ("#", "author", "model", "label", "passed", "score"):
        table.add_column(column, overflow="fold" if column == "model" else "ellipsis")
    for number, item in enumerate(details, 1):
        execution = item.execution
        table.add_row(
            str(number),
            item.author.value,
            item.model,
            item.label.value if item.label else item.state.value,
            f"{execution.passed}/{execution.total}" if execution else "-",
            f"{scores[item.id]:.3f}" if item.id in scores else "-",
        )
    return table


def _failure(item: CandidateDetail) -> str:
    execution = item.execution
    if execution is None:
        return printable(item.reason or "not executed yet")
    said = execution.error
    for number, test in enumerate(execution.tests, 1):
        if not said and test.outcome is not Outcome.PASSED:
            said = f"test {number}, {test.outcome}{test.detail and ': '}{test.detail}"
    return printable(said or "passes every test")[:_SHOWN]


def find_group(client: Client, name: str) -> GroupView:
    """Find a group by its id, or the newest of the problem of a name.

    Raises:
        errors.NotFound: there is none.
    """
    try:
        return client.get_group(UUID(name))
    except ValueError:
        pass  # No id, so it is a problem's name.
    slug = importers.slug_of(name)
    newest = next(client.groups(client.find_problem(slug).id, newest_first=True), None)
    if newest is None:
        raise errors.NotFound(f"there is no group of a problem {slug!r}")
    return newest


def _pairs(ranking: RankingView, numbers: Mapping[UUID, int]) -> list[Table | str]:
    reason = f"; {ranking.skip_reason}: {ranking.advice}" if ranking.skip_reason else ""
    count = f"{counted(len(ranking.pairs), 'pair')}, {ranking.dropped_pairs} dropped{reason}"
    return [
        count,
        *(
            f"{numbers[pair.better_id]:>3} over {numbers[pair.worse_id]} by {pair.gap:.3f}"
            for pair in ranking.pairs
        ),
    ]
