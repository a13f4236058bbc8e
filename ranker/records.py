"""Records what executors report, and ranks a group once nothing of it is missing."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Uuid,
    case,
    cast,
    column,
    false,
    func,
    literal,
    select,
    tuple_,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert

from infra import checking
from infra.contracts.base import CandidateState, GroupState, Pairing, SampleState, new_id
from infra.contracts.execution import (
    ExecutionFailure,
    ExecutionResult,
    ExecutionResults,
    ExecutionStarted,
    TestResult,
)
from infra.db.tables import (
    CandidateRow,
    ExecutionRow,
    GroupRow,
    ProblemRow,
    RankingRow,
    SampleRequestRow,
    SandboxProfileRow,
)
from infra.db.unit_of_work import Work
from infra.observability import logs, metrics
from ranker import contents, labels
from ranker.ranking import Rules, rank

log = logs.get(__name__)

_TIMES = {name for name in TestResult.model_fields if name.endswith("_seconds")}
SANDBOX_NEWS_SECONDS = 60.0
"""How old the last news of a sandbox may be; every message of every executor brings some."""


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
    begun = values(column("id", Uuid), column("attempt", Integer), name="begun").data(
        list(started.attempts.items())
    )
    counts = CandidateRow.attempts + 1 == begun.c.attempt
    # Not before the row was locked, so that nobody's note of sending it is later.
    now = func.statement_timestamp()
    work.session.execute(
        update(CandidateRow)
        .where(
            CandidateRow.id == begun.c.id,
            CandidateRow.state == CandidateState.SUBMITTED,
        )
        .values(
            attempts=CandidateRow.attempts + cast(counts, Integer),
            # Whoever is in the outbox again has begun after all: a copy would be another attempt.
            sent_at=case(
                (
                    counts & CandidateRow.follows.is_(None),
                    func.coalesce(CandidateRow.sent_at, now),
                ),
                else_=CandidateRow.sent_at,
            ),
            started_at=now,
        )
        .execution_options(synchronize_session=False)
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
    found = work.session.execute(
        select(CandidateRow.id, CandidateRow.group_id, CandidateRow.cache_key, GroupRow.problem_id)
        .join(GroupRow, CandidateRow.group_id == GroupRow.id)
        .where(CandidateRow.id.in_(ids))
    ).all()
    groups = sorted({row.group_id for row in found})
    lock_groups(work, groups)
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
    return [group_id for group_id in groups if rank_group(work, group_id, rules)]


def _locked_in_order(work: Work, candidate_ids: Sequence[UUID]) -> Sequence[UUID]:
    query = (
        select(CandidateRow.id)
        .where(CandidateRow.id.in_(candidate_ids))
        .order_by(CandidateRow.id)
        # Not the key: a ranking that refers to one of these must not wait for us.
        .with_for_update(key_share=True)
    )
    return work.session.scalars(query).all()


def lock_groups(work: Work, group_ids: Iterable[UUID]) -> None:
    """Lock groups, as every writer of labels does first; candidates are locked after them.

    Both in the order of their ids, so that no two writers wait for each other.
    """
    query = select(GroupRow.id).where(GroupRow.id.in_(group_ids)).order_by(GroupRow.id)
    work.session.execute(query.with_for_update())


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
    statement = insert(ExecutionRow).on_conflict_do_nothing().returning(ExecutionRow.id)
    work.session.scalars(statement, executions).all()
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
    given = select(ExecutionRow.candidate_id.label("id"), ExecutionRow.id.label("execution_id"))
    these = tuple_(ExecutionRow.candidate_id, ExecutionRow.attempt).in_(attempts)
    for one in labels.write(work, given.where(these).subquery()):
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


def rank_group(work: Work, group_id: UUID, rules: Rules) -> bool:
    """Rank a group if it is complete and not ranked yet; tell whether it was ranked now."""
    group = work.session.get(GroupRow, group_id, with_for_update=True, populate_existing=True)
    if (
        group is None
        or group.state is not GroupState.OPEN
        or work.session.scalar(select(has_waiting(literal(group_id))))
    ):
        return False
    ranking = ranking_of(work, group_id, rules)
    work.session.add(ranking)
    group.state = GroupState.RANKED
    group.ranked_at = work.session.scalar(select(func.clock_timestamp()))
    work.session.flush()
    metrics.GROUPS_RANKED.labels(ranking.skip_reason or "").inc()
    return True


def ranking_of(work: Work, group_id: UUID, rules: Rules) -> RankingRow:
    """Rank the labelled candidates of a group; the row is not stored yet."""
    language, pairs = work.session.execute(
        select(ProblemRow.language, GroupRow.pairs)
        .join(GroupRow, GroupRow.problem_id == ProblemRow.id)
        .where(GroupRow.id == group_id)
    ).one()
    if pairs is not None:
        rules = rules.model_copy(update={"all_pairs": pairs is Pairing.ALL})
    rows = work.session.scalars(
        select(CandidateRow)
        .where(CandidateRow.group_id == group_id, CandidateRow.state == CandidateState.LABELLED)
        .execution_options(populate_existing=True)
    ).all()
    ranking = rank([contents.judged(row, language) for row in rows], rules)
    return RankingRow(
        id=new_id(),
        group_id=group_id,
        preset=ranking.preset,
        rule_version=ranking.rule_version,
        order=[entry.model_dump(mode="json") for entry in ranking.order],
        pairs=[pair.model_dump(mode="json") for pair in ranking.pairs],
        best_id=ranking.best_id,
        num_pairs=len(ranking.pairs),
        dropped_pairs=ranking.dropped_pairs,
        skip_reason=ranking.skip_reason,
    )


def has_waiting(group_id: ColumnElement[UUID]) -> ColumnElement[bool]:
    """Whether a candidate or a request for samples of a group still waits.

    All rows of the group are looked at. Asked for those that wait, Postgres may take the index of
    all that wait anywhere, of which it knows nothing yet when a large load has just come.
    """
    candidates = select(func.bool_or(CandidateRow.state == CandidateState.SUBMITTED)).where(
        CandidateRow.group_id == group_id
    )
    requests = select(func.bool_or(SampleRequestRow.state == SampleState.SUBMITTED)).where(
        SampleRequestRow.group_id == group_id
    )
    return func.coalesce(candidates.scalar_subquery(), false()) | func.coalesce(
        requests.scalar_subquery(), false()
    )
