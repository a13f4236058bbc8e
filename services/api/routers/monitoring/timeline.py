"""Labels over time and by policy version, each over a bounded number of rows."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import Integer, case, cast, func, select
from sqlalchemy.orm import Session

from infra.contracts.base import Author, Label
from infra.contracts.views.dashboard import Timeline, TimelineBin, Versions, VersionView
from infra.db.tables import CandidateRow, GroupRow, PolicyRow
from services.api.dependencies import PATIENCE, Db
from services.api.keys import READS

router = APIRouter(prefix="/v1", tags=["stats"], dependencies=[READS])


@router.get("/timeline")
def get_timeline(
    db: Db,
    minutes: Annotated[int, Query(ge=1, le=1440, description="How far back.")] = 60,
    bins: Annotated[int, Query(ge=1, le=240, description="Into how many parts.")] = 60,
) -> Timeline:
    """Count the candidates labelled over the last minutes, by author and label."""
    width = minutes * 60 / bins
    with db.reading() as session:
        session.execute(PATIENCE)
        now = session.scalars(select(func.now())).one()
        # Whole multiples of the width, so that bins stay where they are as time goes on.
        end = datetime.fromtimestamp((now.timestamp() // width + 1) * width, now.tzinfo)
        start = end - timedelta(seconds=bins * width)
        counts = _counts(session, start, width)
    return Timeline(
        bin_seconds=width,
        bins=tuple(
            TimelineBin(
                start=start + timedelta(seconds=number * width), labels=counts.get(number, {})
            )
            for number in range(bins)
        ),
    )


def _counts(
    session: Session, start: datetime, width: float
) -> dict[int, dict[Author, dict[Label, int]]]:
    since = func.extract("epoch", CandidateRow.labelled_at - start)
    number = cast(func.floor(since / width), Integer).label("number")
    rows = session.execute(
        select(number, CandidateRow.author, CandidateRow.label, func.count())
        .where(CandidateRow.labelled_at >= start, CandidateRow.label.is_not(None))
        .group_by(number, CandidateRow.author, CandidateRow.label)
    )
    counts: dict[int, dict[Author, dict[Label, int]]] = {}
    for at, author, label, count in rows:
        assert label is not None  # The query leaves those out.
        counts.setdefault(at, {}).setdefault(author, {})[label] = count
    return counts


@router.get("/versions")
def get_versions(
    db: Db,
    candidates: Annotated[
        int, Query(ge=1, le=1_000_000, description="How many of the newest to look at.")
    ] = 100_000,
) -> Versions:
    """Count labels and pass@1 by policy, version and author, over the newest candidates."""
    with db.reading() as session:
        session.execute(PATIENCE)
        rows = session.execute(_by_version(candidates)).all()
    return Versions(candidates=candidates, versions=_version_views(rows))


def _by_version(newest: int) -> Any:
    # Ids are in the order of time, so this reads one end of the table and no more.
    recent = (
        select(
            CandidateRow.group_id,
            CandidateRow.author,
            CandidateRow.policy_version.label("version"),
            CandidateRow.label,
        )
        .where(CandidateRow.label.is_not(None))
        .order_by(CandidateRow.id.desc())
        .limit(newest)
        .subquery()
    )
    key = (PolicyRow.name.label("policy"), recent.c.author, recent.c.version)
    passed = func.avg(case((recent.c.label == Label.ALL_PASS, 1.0), else_=0.0))
    numbers = [func.count().filter(recent.c.label == label).label(label.value) for label in Label]
    by_problem = (
        select(*key, GroupRow.problem_id, passed.label("share"), *numbers)
        .join_from(recent, GroupRow, recent.c.group_id == GroupRow.id)
        .join(PolicyRow, GroupRow.policy_id == PolicyRow.id)
        .group_by(*key, GroupRow.problem_id)
        .subquery()
    )
    column = by_problem.c
    same = (column.policy, column.author, column.version)
    return (
        select(
            *same,
            func.count().label("problems"),
            func.avg(column.share).label("pass_at_1"),
            *(func.sum(column[label.value]).label(label.value) for label in Label),
        )
        .group_by(*same)
        .order_by(column.policy, column.author, column.version)
    )


def _version_views(rows: Sequence[Any]) -> tuple[VersionView, ...]:
    return tuple(
        VersionView(
            policy=row.policy,
            version=row.version,
            author=row.author,
            labels={label: int(getattr(row, label.value)) for label in Label},
            problems=row.problems,
            pass_at_1=float(row.pass_at_1),
        )
        for row in rows
    )
