"""Answers one stored request for samples: any number of times, with the effect of once."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlalchemy import and_, func, select, update

from infra import errors, intake
from infra.contracts.base import Author, SampleState
from infra.contracts.candidates import NewCandidate, RankGroup, SamplePlan
from infra.db.tables import GroupRow, ProblemRow, SampleRequestRow
from infra.db.unit_of_work import Database
from infra.observability import logs
from infra.queues.messaging import Task
from infra.settings import QueueSettings, load
from sampler.attempts import Attempt, Superseded
from sampler.backends import Backend, Completion, SamplesExhausted
from sampler.draws import Draw, Question, draws_of
from sampler.extraction.program import extract
from sampler.servers.protocol import policy_version_of
from sampler.servers.spending.ledger import Ledger, admitted, forget, mark_admitted

log = logs.get(__name__)

_MAX_ATTEMPTS = 3
"""Attempts in a row that bring nothing at all; then the request is set aside."""


class Missing(errors.SuiteError):
    """Some samples could not be had."""

    code = "samples_missing"

    def __init__(self, causes: Sequence[SamplesExhausted | errors.Unavailable]) -> None:
        """Say why, backend by backend, in the order in which they were asked."""
        super().__init__("; ".join(cause.detail for cause in causes))
        self.cause_code = causes[0].code
        """Of the first: had it given what was asked of it, no other would have been asked."""
        self.later = any(isinstance(cause, errors.Unavailable) for cause in causes)
        """Whether another attempt may bring them."""


def answer(database: Database, backends: Mapping[str, Backend], request_id: UUID) -> None:
    """Sample, extract and admit what a request asks for, or give it back for another attempt."""
    begun = _begin(database, request_id)
    if begun is None:
        return  # Answered, set aside, or under way elsewhere: nothing is left to do.
    attempt, plan, problem = begun
    draws = draws_of(plan, problem.slug)
    ledger = Ledger(database)
    found = ledger.kept(request_id)
    before = len(found)
    question = Question(
        scope=request_id,
        slug=problem.slug,
        prompt=problem.prompt,
        language=problem.language,
        image=problem.image,
        entry_point=problem.entry_point,
        until=attempt.until,
        ends=attempt.ends,
        attempt=attempt,
    )
    try:
        _gather(backends, ledger, question, attempt, plan, draws, found)
    except Superseded:
        # What came is in the ledger, and whoever has the request now finds it there.
        log.warning("samples.superseded", sample_request_id=str(request_id))
        return
    except Missing as missing:
        if missing.later and _give_back(database, attempt, missing, len(found) > before):
            return
        _admit(database, attempt, plan, problem, draws, found, missing)
        return
    _admit(database, attempt, plan, problem, draws, found, None)


def _begin(database: Database, request_id: UUID) -> tuple[Attempt, SamplePlan, ProblemRow] | None:
    """Take a request, unless somebody else has begun it since it was last sent."""
    started = SampleRequestRow.started_at
    task_seconds = load(QueueSettings).task_seconds
    lost = func.clock_timestamp() - timedelta(seconds=task_seconds)
    with database.unit_of_work() as work:
        row = work.session.execute(
            update(SampleRequestRow)
            .where(
                SampleRequestRow.id == request_id,
                SampleRequestRow.state == SampleState.SUBMITTED,
                # Two workers with one message would pay for everything twice.
                started.is_(None) | (started < SampleRequestRow.sent_at) | (started < lost),
            )
            .values(attempts=SampleRequestRow.attempts + 1, started_at=func.clock_timestamp())
            .returning(SampleRequestRow.plan, started)
        ).one_or_none()
        if row is None:
            return None
        attempt = Attempt(database, request_id, row.started_at, task_seconds)
        problem = work.session.scalars(
            select(ProblemRow)
            .join(GroupRow, GroupRow.problem_id == ProblemRow.id)
            .join(SampleRequestRow, SampleRequestRow.group_id == GroupRow.id)
            .where(SampleRequestRow.id == request_id)
        ).one()
        return attempt, SamplePlan.model_validate(row.plan), problem


def _gather(
    backends: Mapping[str, Backend],
    ledger: Ledger,
    question: Question,
    attempt: Attempt,
    plan: SamplePlan,
    draws: Sequence[Draw],
    found: dict[int, Completion],
) -> None:
    """Ask the plan's backends in turn for what is missing, and add it to `found`.

    Raises:
        Missing: not everything could be had; `found` holds what there is.
        Superseded: somebody else has the request by now.
    """
    causes: list[SamplesExhausted | errors.Unavailable] = []
    for name in (plan.backend, *plan.fallbacks):
        missing = [draw for draw in draws if draw.position not in found]
        if not missing:
            return
        try:
            backend = backends.get(name)
            if backend is None:
                raise SamplesExhausted(f"this sampler has no backend {name!r}")
            # The one before may have taken long, and begun the time anew.
            asked = replace(question, until=attempt.until, ends=attempt.ends)
            completions = backend.sample(asked, plan, missing)
        except (SamplesExhausted, errors.Unavailable) as error:
            causes.append(error)
            found.update(ledger.kept(question.scope))
            log.warning(
                "samples.missing",
                sample_request_id=str(question.scope),
                backend=name,
                code=error.code,
                reason=error.detail,
            )
        else:
            found.update(zip((draw.position for draw in missing), completions, strict=True))
    if any(draw.position not in found for draw in draws):
        raise Missing(causes)


def _admit(
    database: Database,
    attempt: Attempt,
    plan: SamplePlan,
    problem: ProblemRow,
    draws: Sequence[Draw],
    found: Mapping[int, Completion],
    missing: Missing | None,
) -> None:
    """Store the candidates and close the request, with the reason if some are missing."""
    request_id = attempt.request_id
    state, reason, code = SampleState.COMPLETED, None, None
    if missing is not None:
        state, code = SampleState.QUARANTINED, missing.cause_code
        reason = f"{len(found)} of {len(draws)} samples: {missing.detail}"
    made = {
        draw.position: _candidate(problem, plan, draw, found[draw.position])
        for draw in draws
        if draw.position in found
    }
    with database.unit_of_work() as work:
        # The state is the guard: a second answer to the same request finds it closed. Who has all
        # that was asked for may close it whoever has begun since, and spares them the rest; that
        # there is no more to be had, only the current attempt may say.
        is_open = and_(
            SampleRequestRow.id == request_id, SampleRequestRow.state == SampleState.SUBMITTED
        )
        group_id = work.session.scalar(
            update(SampleRequestRow)
            .where(is_open if missing is None else attempt.is_current())
            .values(state=state, reason=reason, code=code)
            .returning(SampleRequestRow.group_id)
        )
        if group_id is None:
            return
        before = admitted(work.session, request_id)
        candidates = [one for position, one in made.items() if position not in before]
        if missing is None:
            forget(work, request_id)
        else:
            mark_admitted(work, request_id)
        if candidates:
            intake.admit(work, group_id, candidates, sample_request_id=request_id)
        else:
            work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))
    if reason is None:
        log.info("samples.admitted", sample_request_id=str(request_id), count=len(candidates))
    else:
        log.warning(
            "samples.quarantined", sample_request_id=str(request_id), code=code, reason=reason
        )


def _candidate(
    problem: ProblemRow, plan: SamplePlan, draw: Draw, completion: Completion
) -> NewCandidate:
    program, form = completion.text, completion.sampled.form if completion.sampled else None
    if not completion.is_program:
        language = problem.language
        cut_off = completion.finish_reason == "length"
        found = extract(
            problem.prompt, program, problem.entry_point, language, form, cut_off=cut_off
        )
        program = found.program
    version = completion.policy_version
    if version is None:
        version = policy_version_of(completion.model)
    return NewCandidate(
        author=plan.author,
        program=program,
        model=completion.model or plan.model,
        completion=completion.text,
        finish_reason=completion.finish_reason,
        policy_version=version if plan.author is Author.STUDENT else None,
        seed=completion.seed,
        sampled=completion.sampled,
        metadata={
            name: value
            for name, value in (
                ("temperature", draw.temperature),
                ("top_p", plan.top_p),
                ("top_k", plan.top_k),
                ("min_p", plan.min_p),
            )
            if value is not None
        },
    )


def _give_back(database: Database, attempt: Attempt, missing: Missing, progressed: bool) -> bool:
    """Put a request back into the outbox; tell whether that was done.

    It is not for an attempt that another has taken the place of, nor after too many of them.
    """
    with database.unit_of_work() as work:
        row = work.session.scalar(
            select(SampleRequestRow).where(attempt.is_current()).with_for_update()
        )
        if row is None:
            return False
        if progressed:
            row.attempts = 0
        if row.attempts >= _MAX_ATTEMPTS:
            return False
        row.sent_at, row.started_at = None, None
        row.reason, row.code = missing.detail, missing.cause_code
    log.warning(
        "samples.given_back", sample_request_id=str(attempt.request_id), reason=missing.detail
    )
    return True
