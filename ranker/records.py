"""Records what executors report, and ranks a group once nothing of it is missing."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Uuid, any_, bindparam, case, cast, column, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, insert

from infra import checking
from infra.contracts.base import CandidateState, new_id
from infra.contracts.execution import (
    ExecutionFailure,
    ExecutionResult,
    ExecutionResults,
    ExecutionStarted,
    TestResult,
)
from infra.db.tables import CandidateRow, ExecutionRow, GroupRow, SandboxProfileRow
from infra.db.unit_of_work import Work
from infra.observability import logs, metrics
from ranker import groups, labels
from ranker.ranking import Rules

log = logs.get(__name__)

_TIMES = {name for name in TestResult.model_fields if name.endswith("_seconds")}
SANDBOX_NEWS_SECONDS = 60.0
"""How old the last news of a sandbox may be; every message of every executor brings some."""


# Made once: to build a statement costs more than to send it.
_THESE = bindparam("ids", type_=ARRAY(Uuid))
_FIND = (
    select(CandidateRow.id, CandidateRow.group_id, CandidateRow.cache_key, GroupRow.problem_id)
    .join(GroupRow, CandidateRow.group_id == GroupRow.id)
    .where(CandidateRow.id == any_(_THESE))
)
_LOCK = (
    select(CandidateRow.id)
    .where(CandidateRow.id == any_(_THESE))
    .order_by(CandidateRow.id)
    # Not the key: a ranking that refers to one of these must not wait for us.
    .with_for_update(key_share=True)
)
_BEGUN = (
    func.unnest(_THESE, bindparam("numbers", type_=ARRAY(Integer)))
    .table_valued(column("id", Uuid), column("attempt", Integer))
    .render_derived(name="begun")
)
_COUNTS = CandidateRow.attempts + 1 == _BEGUN.c.attempt
# Not before the row was locked, so that nobody's note of sending it is later.
_NOW = func.statement_timestamp()
_BEGIN = (
    update(CandidateRow)
    .where(CandidateRow.id == _BEGUN.c.id, CandidateRow.state == CandidateState.SUBMITTED)
    .values(
        attempts=CandidateRow.attempts + cast(_COUNTS, Integer),
        # Whoever is in the outbox again has begun after all: a copy would be another attempt.
        sent_at=case(
            (_COUNTS & CandidateRow.follows.is_(None), func.coalesce(CandidateRow.sent_at, _NOW)),
            else_=CandidateRow.sent_at,
        ),
        started_at=_NOW,
    )
    .execution_options(synchronize_session=False)
)
_STORE = insert(ExecutionRow).on_conflict_do_nothing().returning(ExecutionRow.id)


def record_started(work: Work, started: ExecutionStarted) -> None:
    """Count an attempt for every candidate that an executor has begun; note its sandbox version.

    What is begun again under a number that was counted is in the same attempt: a copy of its
    message, or the rest of a batch that was handed back.
    """
    if started.sandbox:
        _see_sandbox(work, started.sandbox)
    if not started.attempts:
        return
    _locked_in_order(work, list(started.attempts))
    work.session.execute(
        _BEGIN, {"ids": list(started.attempts), "numbers": list(started.attempts.values())}
    )


def _see_sandbox(work: Work, sandbox: str) -> None:
    now = func.clock_timestamp()
    statement = insert(SandboxProfileRow).values(sandbox=_without_nul(sandbox), seen_at=now)
    work.session.execute(
        statement.on_conflict_do_update(
            index_elements=[SandboxProfileRow.sandbox],
            set_={"seen_at": now},
            where=SandboxProfileRow.seen_at < now - timedelta(seconds=SANDBOX_NEWS_SECONDS),
        )
    )


def record_results(work: Work, results: ExecutionResults, rules: Rules) -> list[UUID]:
    """Record verdicts and failures; rank the groups they complete, and return their ids.

    A result that arrives twice, or after another attempt's, changes nothing.
    """
    ids = [result.candidate_id for result in results.results]
    ids += [failure.candidate_id for failure in results.failures]
    found = work.session.execute(_FIND, {"ids": ids}).all()
    touched = sorted({row.group_id for row in found})
    groups.lock(work, touched)
    there = set(_locked_in_order(work, ids))  # Some may have been pruned until now.
    # Verdicts on them are wrong, and were asked for before that was known.
    unsound = checking.unsound(work.session, {row.problem_id for row in found})
    for row in found:
        if row.id in there and row.problem_id in unsound:
            quarantine(work, row.id, unsound[row.problem_id])
            there.remove(row.id)
    known = {row.id: row.cache_key for row in found if row.id in there}
    _record_verdicts(work, [r for r in results.results if r.candidate_id in known], known)
    for failure in results.failures:
        if failure.candidate_id in known:
            _record_failure(work, failure)
    return groups.rank_complete(work, touched, rules)


def _locked_in_order(work: Work, candidate_ids: Sequence[UUID]) -> Sequence[UUID]:
    return work.session.scalars(_LOCK, {"ids": list(candidate_ids)}).all()


def _record_verdicts(
    work: Work, results: Sequence[ExecutionResult], cache_keys: Mapping[UUID, bytes | None]
) -> None:
    """Store executions that are new, and label their candidates and the duplicates of those.

    A few statements for all of them: one by one they cost more than the candidates took to run.
    """
    if not results:
        return
    executions = [
        _execution(result) | {"cache_key": cache_keys[result.candidate_id]} for result in results
    ]
    # RETURNING makes one statement of them, instead of one for each.
    work.session.scalars(_STORE, executions).all()
    # Not only what is new: a candidate that was set aside before its verdict came, and released
    # since, is labelled by that verdict when its attempt of the same number ends.
    _label(work, [(result.candidate_id, result.attempt) for result in results])


def label_released(work: Work, candidate_ids: Sequence[UUID]) -> None:
    """Label what was released by the verdict of its last attempt, where that came too late.

    The caller holds the locks on groups and candidates.
    """
    last = select(ExecutionRow.candidate_id, func.max(ExecutionRow.attempt))
    these = last.where(ExecutionRow.candidate_id.in_(candidate_ids))
    attempts = work.session.execute(these.group_by(ExecutionRow.candidate_id)).all()
    _label(work, [(candidate_id, attempt) for candidate_id, attempt in attempts])


def _label(work: Work, attempts: Sequence[tuple[UUID, int]]) -> None:
    """Label the candidates of attempts, and their duplicates, by the executions of these."""
    for one in labels.by_attempts(work, attempts):
        metrics.LABEL_SECONDS.observe(one.seconds)
        metrics.ATTEMPTS.observe(one.attempt)


def _execution(result: ExecutionResult) -> dict[str, Any]:
    verdict = result.verdict
    return {
        "id": new_id(),
        "candidate_id": result.candidate_id,
        "attempt": result.attempt,
        "label": verdict.label,
        "passed": verdict.passed,
        "total": verdict.total,
        "tests": list(map(_stored, verdict.tests)),
        "cpu_seconds": verdict.usage.cpu_seconds,
        "wall_seconds": verdict.usage.wall_seconds,
        "memory_bytes": verdict.usage.memory_bytes,
        "integrity": verdict.integrity,
        "guards": verdict.guards.model_dump(mode="json") if verdict.guards else None,
        "unstable": verdict.unstable,
        "stdout": _without_nul(verdict.stdout),
        "stderr": _without_nul(verdict.stderr),
        "error": _without_nul(verdict.error),
        "sandbox": _without_nul(verdict.sandbox),
    }


def _stored(test: TestResult) -> dict[str, Any]:
    """Return a test's result without what it has by default, its times in whole microseconds.

    Results of tests are most of what an execution takes on disk, and few have more than three of
    their fields; clocks of processes are no finer.
    """
    kept = test.model_dump(mode="json", exclude_defaults=True)
    for name in _TIMES & kept.keys():
        kept[name] = round(kept[name], 6)
    if "detail" in kept:
        kept["detail"] = _without_nul(kept["detail"])
    return kept


def _without_nul(text: str) -> str:
    # Postgres refuses it. An executor replaces it too; one that forgot must not cost the batch.
    return text.replace("\x00", "\ufffd")


def _record_failure(work: Work, failure: ExecutionFailure) -> None:
    log.warning(
        "candidate.not_judged", candidate_id=str(failure.candidate_id), reason=failure.reason
    )
    if failure.permanent:
        quarantine(work, failure.candidate_id, failure.reason)
        return
    # Not lost, only not begun any more: the sweep sends it again, and counts. A later attempt that
    # has begun meanwhile goes on.
    work.session.execute(
        update(CandidateRow)
        .where(
            CandidateRow.id == failure.candidate_id,
            CandidateRow.state == CandidateState.SUBMITTED,
            CandidateRow.attempts <= failure.attempt,
        )
        .values(reason=_without_nul(failure.reason), started_at=None)
    )


def quarantine(work: Work, candidate_id: UUID, reason: str) -> None:
    """Set a candidate and its duplicates aside; the group is ranked without them.

    The caller holds the lock on the group.
    """
    set_aside = work.session.execute(
        update(CandidateRow)
        .where(
            (CandidateRow.id == candidate_id) | (CandidateRow.duplicate_of == candidate_id),
            CandidateRow.state == CandidateState.SUBMITTED,
        )
        .values(state=CandidateState.QUARANTINED, follows=None, reason=_without_nul(reason)[:2000])
        .returning(CandidateRow.id)
    ).all()
    metrics.SWEEP_QUARANTINED.labels("candidate").inc(len(set_aside))
