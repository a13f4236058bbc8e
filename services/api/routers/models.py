"""How often models solve the problems that are stored, and how two of them differ."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Annotated, Any, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Query
from sqlalchemy import Select, case, func, literal, select
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.base import Label
from infra.contracts.candidates import AGAIN
from infra.contracts.views.dashboard import (
    ChangedProblem,
    Interval,
    ModelComparison,
    Models,
    ModelView,
    PassAt,
)
from infra.db.tables import CandidateRow, GroupRow, PolicyRow, ProblemRow
from services import statistics
from services.api.dependencies import PATIENCE, Db
from services.api.keys import READS
from services.statistics import Count

router = APIRouter(prefix="/v1", tags=["stats"], dependencies=[READS])
_MOST_CHANGES = 500
_RESAMPLED = 30
"""Most problems that are drawn again for an interval, of which an answer has many."""
_OTHER = "other"
"""The set of problems that say not of which they are."""
Newest = Annotated[
    int, Query(ge=1, le=200_000, description="How many of the newest labelled to look at.")
]


class _Row(NamedTuple):
    """The candidates of one model for one problem."""

    model: str
    problem_set: str
    problem_id: UUID
    slug: str
    counts: Counter[Label]

    @property
    def numbers(self) -> Count:
        return Count(self.counts.total(), self.counts[Label.ALL_PASS])


@router.get("/models")
def get_models(
    db: Db,
    k: Annotated[
        list[Annotated[int, Query(ge=1, le=1024)]],
        Query(min_length=1, max_length=10, description="Of pass@k; may be given several times."),
    ] = [1, 10],  # noqa: B006 - read, and never changed
    candidates: Newest = 100_000,
) -> Models:
    """Give pass@k by model and set of problems, over the newest labelled candidates."""
    with db.reading() as session:
        rows = _rows(session, candidates)
    of: dict[tuple[str, str], list[_Row]] = defaultdict(list)
    for row in rows:
        of[row.model, row.problem_set].append(row)
    return Models(
        candidates=candidates,
        models=tuple(
            ModelView(
                model=model,
                problem_set=problem_set,
                problems=len(found),
                labels={label: sum(row.counts[label] for row in found) for label in Label},
                pass_at=tuple(_pass_at(found, one) for one in sorted(set(k))),
            )
            for (model, problem_set), found in sorted(of.items())
        ),
    )


@router.get("/comparison")
def get_comparison(
    db: Db,
    before: Annotated[str, Query(description="A model; empty for who says not.")] = "",
    after: Annotated[str, Query(description="Another one.")] = "",
    problem_set: Annotated[str, Query(description="Whose problems; all where not given.")] = "",
    candidates: Newest = 100_000,
) -> ModelComparison:
    """Say how much more often one model is right than another on problems that both have.

    Raises:
        errors.NotFound: there is no such problem among the newest candidates.
    """
    with db.reading() as session:
        rows = _rows(session, candidates, (before, after))
    first, second = (
        {
            row.problem_id: row
            for row in rows
            if row.model == model and problem_set in ("", row.problem_set)
        }
        for model in (before, after)
    )
    both = sorted(first.keys() & second.keys(), key=lambda found: first[found].slug)
    if not both:
        raise errors.NotFound("no problem has labelled candidates of both models")
    was = [_share(first[found].numbers) for found in both]
    now = [_share(second[found].numbers) for found in both]
    rise = statistics.difference(was, now)
    changes = [
        ChangedProblem(
            problem_id=found,
            slug=first[found].slug,
            before=tuple(first[found].numbers),
            after=tuple(second[found].numbers),
        )
        for found, a, b in zip(both, was, now, strict=True)
        if a != b
    ]
    is_single = all(row[found].numbers.all == 1 for row in (first, second) for found in both)
    won = sum(b > a for a, b in zip(was, now, strict=True))
    return ModelComparison(
        before=before,
        after=after,
        problems=len(both),
        before_pass_at_1=sum(was) / len(both),
        after_pass_at_1=sum(now) / len(both),
        difference=Interval(**rise._asdict()),
        mcnemar_p=_mcnemar(was, now) if is_single else None,
        won=won,
        lost=len(changes) - won,
        changes=tuple(sorted(changes, key=_worst_first)[:_MOST_CHANGES]),
    )


def _rows(session: Session, newest: int, models: Sequence[str] | None = None) -> list[_Row]:
    session.execute(PATIENCE)
    found: dict[tuple[str, UUID], _Row] = {}
    for row in session.execute(_by_problem(newest, models)):
        key = (row.model, row.problem_id)
        if key not in found:
            found[key] = _Row(row.model, row.problem_set, row.problem_id, row.slug, Counter())
        found[key].counts[row.label] += row.number
    return list(found.values())


def _by_problem(newest: int, models: Sequence[str] | None) -> Select[Any]:
    # Ids are in the order of time, so this reads one end of the table and no more.
    recent = (
        select(CandidateRow.group_id, CandidateRow.model, CandidateRow.label)
        .where(CandidateRow.label.is_not(None))
        .order_by(CandidateRow.id.desc())
        .limit(newest)
        .subquery()
    )
    prefix = case(
        (ProblemRow.slug.contains("/"), func.split_part(ProblemRow.slug, "/", 1)),
        else_=literal(_OTHER),
    )
    named = func.coalesce(ProblemRow.details["source"].as_string(), prefix)
    columns = (
        recent.c.model,
        named.label("problem_set"),
        ProblemRow.id.label("problem_id"),
        ProblemRow.slug,
        recent.c.label,
    )
    asked = (
        select(*columns, func.count().label("number"))
        .join_from(recent, GroupRow, recent.c.group_id == GroupRow.id)
        .join(ProblemRow, GroupRow.problem_id == ProblemRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        # What was run again would count twice.
        .where(PolicyRow.name != AGAIN)
        # All of them: a project's view has no key on which the others would depend.
        .group_by(*columns)
    )
    return asked if models is None else asked.where(recent.c.model.in_(models))


def _pass_at(rows: Sequence[_Row], k: int) -> PassAt:
    values = [statistics.pass_at_k(*row.numbers, k) for row in rows if row.numbers.all >= k]
    if not values:
        return PassAt(k=k, problems=0, mean=None, low=None, high=None)
    found = statistics.mean_of(values, many=_RESAMPLED)
    return PassAt(k=k, problems=len(values), **found._asdict())


def _mcnemar(before: Sequence[float], after: Sequence[float]) -> float:
    return statistics.mcnemar([share == 1 for share in before], [share == 1 for share in after])


def _share(count: Count) -> float:
    return count.right / count.all


def _worst_first(change: ChangedProblem) -> tuple[float, str]:
    (before, right), (after, later) = change.before, change.after
    return later / after - right / before, change.slug
