"""One group, side by side."""

from typing import Any, NamedTuple
from uuid import UUID

from rich.table import Table

from infra import errors, importers
from infra.contracts.api import GroupView, RankingView
from infra.contracts.base import Outcome
from services.client import Client


class GroupReport(NamedTuple):
    """A group as tables for a reader and as data for a program."""

    tables: list[Table]
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
    scores = {entry.candidate_id: entry.score for entry in order}
    places = {entry.candidate_id: place for place, entry in enumerate(order)}
    details = [client.get_candidate(item.id) for item in client.candidates(group.id)]
    details.sort(key=lambda item: places.get(item.id, len(places)))
    table = Table(title=f"{group.problem_slug}  group {group.id}  {group.state.value}")
    for column in ("candidate", "author", "model", "label", "passed", "score", "first failure"):
        table.add_column(column)
    for item in details:
        execution = item.execution
        passed = f"{execution.passed}/{execution.total}" if execution else "-"
        failure = (execution.error if execution else item.reason) or ""
        if execution and not failure:
            missing = [t.detail for t in execution.tests if t.outcome is not Outcome.PASSED]
            failure = missing[0] if missing else ""
        table.add_row(
            str(item.id),
            item.author.value,
            item.model,
            item.label.value if item.label else item.state.value,
            passed,
            f"{scores[item.id]:.3f}" if item.id in scores else "-",
            failure[:120],
        )
    tables = [table]
    if ranking:
        tables.append(_pairs(ranking))
    data = {
        "group": group.model_dump(mode="json"),
        "candidates": [item.model_dump(mode="json") for item in details],
        "ranking": ranking.model_dump(mode="json") if ranking else None,
    }
    return GroupReport(tables, data)


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


def _pairs(ranking: RankingView) -> Table:
    reason = f"{ranking.skip_reason}: {ranking.advice}" if ranking.skip_reason else "none"
    table = Table(
        title=f"{len(ranking.pairs)} pairs, {ranking.dropped_pairs} dropped; skipped: {reason}"
    )
    for column in ("better", "worse", "gap"):
        table.add_column(column)
    for pair in ranking.pairs:
        table.add_row(str(pair.better_id), str(pair.worse_id), f"{pair.gap:.3f}")
    return table
