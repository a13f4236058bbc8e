"""Where the executors' time went: over a bounded number of executions, hangs first."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from infra.contracts.problems import LEAST_CPU_SECONDS, REFERENCE_FACTOR
from infra.contracts.views.slow import SlowModel, SlowProblem, SlowTest, SlowWork, Taken
from services.api.dependencies import Db
from services.api.keys import READS

router = APIRouter(prefix="/v1", tags=["stats"], dependencies=[READS])

_PATIENCE = text("SET LOCAL statement_timeout = '10s'")
_NEWEST = 100_000
"""Executions that are looked at."""
_RECENT = """
WITH recent AS MATERIALIZED (
SELECT execution.id, problem.slug AS problem, candidate.model, execution.label,
       execution.cpu_seconds, execution.wall_seconds, execution.tests,
       execution.tests @> '[{"outcome": "time_limit_exceeded"}]' AS hangs
FROM candidates AS candidate
JOIN executions AS execution ON execution.id = candidate.execution_id
JOIN groups ON groups.id = candidate.group_id
JOIN problems AS problem ON problem.id = groups.problem_id
WHERE candidate.labelled_at >= :since AND NOT candidate.cached AND candidate.duplicate_of IS NULL
ORDER BY candidate.labelled_at DESC LIMIT :newest)
"""
_TAKEN = """count(*) AS executions, coalesce(sum(wall_seconds), 0) AS slot_seconds,
coalesce(sum(cpu_seconds), 0) AS cpu_seconds, count(*) FILTER (WHERE hangs) AS hangs,
coalesce(sum(wall_seconds) FILTER (WHERE hangs), 0) AS hang_seconds"""
_ORDER = "ORDER BY hang_seconds DESC, slot_seconds DESC LIMIT :limit"
_TOTAL = text(f"{_RECENT} SELECT {_TAKEN} FROM recent")
_MODELS = text(f"{_RECENT} SELECT model, {_TAKEN} FROM recent GROUP BY model {_ORDER}")
_PROBLEMS = text(f"""{_RECENT}, slowest AS (
    SELECT problem, {_TAKEN} FROM recent GROUP BY problem {_ORDER}
), opened AS (
    SELECT problem, recent.label, test ->> 'outcome' AS outcome,
           coalesce((test ->> 'cpu_seconds')::float, 0) AS cpu
    FROM recent JOIN slowest USING (problem), jsonb_array_elements(recent.tests) AS test
), calibrated AS (
    SELECT problem, greatest(
        {LEAST_CPU_SECONDS}, {REFERENCE_FACTOR} * max(cpu) FILTER (WHERE label = 'all_pass')
    ) AS cpu_limit,
           bool_or(label = 'all_pass') AS is_passed
    FROM opened GROUP BY problem
)
SELECT slowest.*, CASE WHEN is_passed THEN (
    SELECT coalesce(sum(greatest(0, cpu - cpu_limit)), 0) FROM opened
    WHERE opened.problem = slowest.problem AND outcome = 'time_limit_exceeded'
) END AS saved_seconds
FROM slowest LEFT JOIN calibrated USING (problem) {_ORDER}
""")
_TESTS = text(f"""{_RECENT}
SELECT problem, coalesce(nullif(test ->> 'name', ''), position::text) AS test, count(*) AS hangs,
       coalesce(sum((test ->> 'cpu_seconds')::float), 0) AS cpu_seconds,
       coalesce(sum((test ->> 'wall_seconds')::float), 0) AS wall_seconds
FROM recent, jsonb_array_elements(tests) WITH ORDINALITY AS element (test, position)
WHERE recent.hangs AND test ->> 'outcome' = 'time_limit_exceeded'
GROUP BY 1, 2 ORDER BY wall_seconds DESC LIMIT :limit
""")


@router.get("/slow")
def get_slow(
    db: Db,
    hours: Annotated[float, Query(gt=0, le=168, description="How far back.")] = 24.0,
    limit: Annotated[int, Query(ge=1, le=100, description="Rows of each kind.")] = 10,
) -> SlowWork:
    """Name the problems, models and tests that took the executors' time, hangs first."""
    with db.reading() as session:
        return _read(session, hours, limit)


def _read(session: Session, hours: float, limit: int) -> SlowWork:
    session.execute(_PATIENCE)
    since = session.scalars(select(func.now())).one() - timedelta(hours=hours)
    some = {"since": since, "newest": _NEWEST, "limit": limit}
    total = Taken.model_validate(_rows(session, _TOTAL, some)[0])
    return SlowWork(
        since=since,
        total=total,
        problems=tuple(map(SlowProblem.model_validate, _rows(session, _PROBLEMS, some))),
        models=tuple(map(SlowModel.model_validate, _rows(session, _MODELS, some))),
        tests=tuple(map(SlowTest.model_validate, _rows(session, _TESTS, some))),
        is_complete=total.executions < _NEWEST,
    )


def _rows(session: Session, statement: Any, parameters: dict[str, Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in session.execute(statement, parameters).mappings()]
