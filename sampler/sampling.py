"""Answers one stored request for samples: any number of times, with the effect of once."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import func, select, update

from infra import intake, logs
from infra.contracts.base import SampleState
from infra.contracts.candidates import NewCandidate, RankGroup, SamplePlan
from infra.db.tables import GroupRow, ProblemRow, SampleRequestRow
from infra.db.unit_of_work import Database
from infra.messaging import Task
from sampler.backends import Backend, Completion, SamplesExhausted
from sampler.extraction import extract

log = logs.get(__name__)


def answer(database: Database, backends: Mapping[str, Backend], request_id: UUID) -> None:
    """Sample, extract and admit what a request asks for.

    Raises:
        errors.Unavailable: the backend is away; the sweep asks again.
    """
    begun = _begin(database, request_id)
    if begun is None:
        return  # Completed, or quarantined: nothing is left to do.
    plan, problem = begun
    backend = backends.get(plan.backend)
    try:
        if backend is None:
            raise SamplesExhausted(f"this sampler has no backend {plan.backend!r}")
        completions = backend.sample(problem.slug, problem.prompt, plan)
    except SamplesExhausted as error:
        _quarantine(database, request_id, error.detail)
        return
    candidates = [_candidate(problem, plan, completion) for completion in completions]
    with database.unit_of_work() as work:
        # The state is the guard: a second answer to the same request finds it completed.
        group_id = work.session.scalar(
            update(SampleRequestRow)
            .where(
                SampleRequestRow.id == request_id,
                SampleRequestRow.state == SampleState.SUBMITTED,
            )
            .values(state=SampleState.COMPLETED, reason=None)
            .returning(SampleRequestRow.group_id)
        )
        if group_id is not None:
            intake.admit(work, group_id, candidates, sample_request_id=request_id)
    log.info("samples.admitted", sample_request_id=str(request_id), count=len(candidates))


def _begin(database: Database, request_id: UUID) -> tuple[SamplePlan, ProblemRow] | None:
    with database.unit_of_work() as work:
        plan = work.session.scalar(
            update(SampleRequestRow)
            .where(
                SampleRequestRow.id == request_id,
                SampleRequestRow.state == SampleState.SUBMITTED,
            )
            .values(attempts=SampleRequestRow.attempts + 1, started_at=func.clock_timestamp())
            .returning(SampleRequestRow.plan)
        )
        if plan is None:
            return None
        problem = work.session.scalars(
            select(ProblemRow)
            .join(GroupRow, GroupRow.problem_id == ProblemRow.id)
            .join(SampleRequestRow, SampleRequestRow.group_id == GroupRow.id)
            .where(SampleRequestRow.id == request_id)
        ).one()
        return SamplePlan.model_validate(plan), problem


def _candidate(problem: ProblemRow, plan: SamplePlan, completion: Completion) -> NewCandidate:
    program = (
        completion.text
        if completion.is_program
        else extract(problem.prompt, completion.text, problem.entry_point, problem.language).program
    )
    return NewCandidate(
        author=plan.author,
        program=program,
        model=completion.model or plan.model,
        completion=completion.text,
        finish_reason=completion.finish_reason,
        seed=completion.seed,
    )


def _quarantine(database: Database, request_id: UUID, reason: str) -> None:
    with database.unit_of_work() as work:
        group_id = work.session.scalar(
            update(SampleRequestRow)
            .where(
                SampleRequestRow.id == request_id,
                SampleRequestRow.state == SampleState.SUBMITTED,
            )
            .values(state=SampleState.QUARANTINED, reason=reason)
            .returning(SampleRequestRow.group_id)
        )
        if group_id is not None:
            work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
            log.warning("samples.quarantined", sample_request_id=str(request_id), reason=reason)
