"""The watchman: sends again what was committed and never finished, and sets poison aside.

It also forgets requests that may not be repeated under their `Idempotency-Key` any more.

What is stuck goes back into the outbox, from which the dispatcher sends it again.
`python -m services.delivery.sweep` runs it for ever; two of them do no harm, because each round
holds an advisory lock.
"""

import signal
import sys
import threading
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import InstrumentedAttribute

from infra import errors, health
from infra.contracts.base import CandidateState, CheckState, GroupState, SampleState
from infra.contracts.candidates import RankGroup
from infra.db.locks import Lock
from infra.db.tables import CandidateRow, GroupRow, ProblemRow, SampleRequestRow
from infra.db.unit_of_work import Database, Work
from infra.observability import logs, metrics, scraping
from infra.queues.messaging import Queue, QueueDepths, Sender, Task, celery_app
from infra.settings import BrokerSettings, DatabaseSettings, SweepSettings, load, reject_unknown
from ranker import groups, records
from ranker.batching import batches
from ranker.batching.wanted import EVERYTHING, Wanted
from ranker.settings import RankerSettings
from services.delivery.prune import REPEATS, forget_requests

log = logs.get(__name__)

_ROUND = 500
"""Most rows of one kind handled in one round."""
_LOOKED_AT = 5_000
"""Most open groups that one round looks at: a few hundredths of a second."""
_FIRST = UUID(int=0)
_REQUESTS = 5_000
"""Most old requests forgotten in one round: 1,000 a second at the default interval."""
_RANKER_BACKLOG = 100
"""Messages waiting for the ranker from which on a missing result may simply be among them."""


class Sweep:
    """One watchman."""

    def __init__(
        self,
        database: Database,
        redis_url: str,
        settings: SweepSettings,
        batch_groups: int,
        wanted: Wanted = EVERYTHING,
    ) -> None:
        self._database = database
        self._depths = QueueDepths(redis_url)
        self._settings = settings
        self._batch_groups = batch_groups
        self._wanted = wanted
        self._looked_to = _FIRST
        """Last open group of which it was seen whether it is complete."""

    def round(self) -> None:
        """Look once at everything that may be stuck.

        Raises:
            errors.Unavailable: Redis cannot be asked how much is waiting.
        """
        depths = self._depths.count()
        for queue, depth in depths.items():
            metrics.QUEUE_DEPTH.labels(queue.value).set(depth)
        with self._database.unit_of_work() as work:
            if not work.session.scalar(select(func.pg_try_advisory_xact_lock(Lock.SWEEPING))):
                return
            now = work.session.scalar(select(func.clock_timestamp()))
            assert now is not None
            # Whether work was begun, or is over, may be told by a message that still waits.
            is_late = depths[Queue.RANKER] >= _RANKER_BACKLOG
            started_before = self._started_before(now, is_late)
            stuck = self._stuck_candidates(work, now, depths[Queue.EXECUTOR] > 0, is_late)
            self._poison(work, stuck)
            self._candidates(work, stuck)
            unsent_before = self._unsent_before(now, depths[Queue.SAMPLER] > 0)
            self._samples(work, _is_stuck(SampleRequestRow, unsent_before, started_before))
            is_behind = is_late or depths[Queue.EXECUTOR] > 0
            self._checks(work, self._unsent_before(now, is_behind), started_before)
            if not is_late:
                self._unranked_groups(work, now)
            flush_before = now - timedelta(seconds=self._settings.flush_seconds)
            batches.form(work, self._batch_groups, flush_before, self._wanted)
            batches.quarantine_exhausted(work)
            forget_requests(work, now - REPEATS, _REQUESTS)

    def _stuck_candidates(
        self, work: Work, now: datetime, is_waiting: bool, is_late: bool
    ) -> ColumnElement[bool]:
        """Say which candidates are stuck; while work waits, by what was begun of what came later.

        The queue is never empty under a steady load, and yet a message of it may be lost. It hands
        out first what came first, of interactive work and of bulk work alike.
        """
        unsent_before: dict[bool, datetime] = {}
        for interactive in (True, False):
            before = self._unsent_before(now, is_waiting or is_late)
            if is_waiting and not is_late:
                begun = work.session.scalar(
                    select(CandidateRow.sent_at)
                    .where(
                        CandidateRow.state == CandidateState.SUBMITTED,
                        CandidateRow.started_at >= CandidateRow.sent_at,
                        CandidateRow.interactive == interactive,
                    )
                    .order_by(CandidateRow.sent_at.desc())
                    .limit(1)
                )
                if begun is not None:
                    # A clock that went back must not make all that waits look overtaken.
                    overtaken = self._unsent_before(min(begun, now), is_waiting=False)
                    before = max(before, overtaken)
            unsent_before[interactive] = before
        started_before = self._started_before(now, is_late)
        return or_(
            *(
                (CandidateRow.interactive == interactive)
                & _is_stuck(CandidateRow, before, started_before)
                for interactive, before in unsent_before.items()
            )
        )

    def _unsent_before(self, now: datetime, is_waiting: bool) -> datetime:
        """Time before which work must have been begun; it is given longer while some waits."""
        settings = self._settings
        return now - timedelta(
            seconds=settings.backlog_seconds if is_waiting else settings.unsent_seconds
        )

    def _started_before(self, now: datetime, is_late: bool) -> datetime:
        """Time before which work finished now must have begun; a slow ranker is given longer."""
        settings = self._settings
        return now - timedelta(
            seconds=settings.backlog_seconds if is_late else settings.started_seconds
        )

    def _poison(self, work: Work, stuck: ColumnElement[bool]) -> None:
        """Set aside candidates that no executor finishes; their groups are ranked without them."""
        poison = (
            CandidateRow.state == CandidateState.SUBMITTED,
            CandidateRow.duplicate_of.is_(None),
            CandidateRow.attempts >= self._settings.max_attempts,
            stuck,
        )
        query = select(CandidateRow.group_id).where(*poison).limit(_ROUND)
        touched = sorted(set(work.session.scalars(query)))
        if not touched:
            return
        # Groups before candidates, as everyone locks them; so this comes before anything else.
        groups.lock(work, touched)
        rows = work.session.execute(
            select(CandidateRow.id, CandidateRow.attempts, CandidateRow.reason)
            .where(CandidateRow.group_id.in_(touched), *poison)
            .order_by(CandidateRow.id)
        ).all()
        for row in rows:
            reason = row.reason or "no executor finished it"
            records.quarantine(work, row.id, f"{row.attempts} attempts: {reason}")
            log.warning("candidate.quarantined", candidate_id=str(row.id), reason=reason)
        for group_id in touched:
            work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))

    def _candidates(self, work: Work, stuck: ColumnElement[bool]) -> None:
        """Put stuck candidates back into the outbox."""
        ids = (
            select(CandidateRow.id)
            .where(
                CandidateRow.state == CandidateState.SUBMITTED,
                CandidateRow.duplicate_of.is_(None),
                CandidateRow.attempts < self._settings.max_attempts,
                stuck,
            )
            .order_by(CandidateRow.id)
            .limit(_ROUND)
            # Whoever holds one of them is working on it.
            .with_for_update(skip_locked=True, key_share=True)
        )
        count = len(
            work.session.execute(
                update(CandidateRow)
                .where(CandidateRow.id.in_(ids.scalar_subquery()))
                .values(sent_at=None)
                .returning(CandidateRow.id)
                .execution_options(synchronize_session=False)
            ).all()
        )
        if count:
            metrics.SWEEP_RESENT.labels("candidates").inc(count)
            log.info("sweep.candidates_sent_again", count=count)

    def _samples(self, work: Work, stuck: ColumnElement[bool]) -> None:
        rows = work.session.scalars(
            select(SampleRequestRow)
            .where(
                SampleRequestRow.state == SampleState.SUBMITTED,
                # What ends its whole worker is handed out again by the broker, as if just begun.
                stuck | (SampleRequestRow.attempts > self._settings.max_attempts),
            )
            .order_by(SampleRequestRow.id)
            .limit(_ROUND)
            .with_for_update(skip_locked=True)
        ).all()
        for row in rows:
            if row.attempts >= self._settings.max_attempts:
                row.state = SampleState.QUARANTINED
                row.reason = row.reason or f"{row.attempts} attempts: no sampler finished it"
                work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=row.group_id))
                metrics.SWEEP_QUARANTINED.labels("sample_request").inc()
            else:
                row.sent_at = None
                metrics.SWEEP_RESENT.labels("sample_request").inc()
        work.session.flush()

    def _checks(self, work: Work, unsent_before: datetime, started_before: datetime) -> None:
        """Put stuck checks of problems back into the outbox, and set aside what is never done."""
        row = ProblemRow
        stuck = _is_stuck_by(row.check_sent_at, row.check_started_at, unsent_before, started_before)
        rows = work.session.scalars(
            select(row)
            .where(row.check_state == CheckState.PENDING, stuck)
            .order_by(row.id)
            .limit(_ROUND)
            .with_for_update(skip_locked=True, key_share=True)
        ).all()
        for problem in rows:
            if problem.check_attempts >= self._settings.max_attempts:
                problem.check_state = CheckState.QUARANTINED
                problem.check_reason = problem.check_reason or "no executor finished it"
                metrics.SWEEP_QUARANTINED.labels("check").inc()
                log.warning("check.quarantined", problem_id=str(problem.id))
            else:
                problem.check_sent_at = None
                metrics.SWEEP_RESENT.labels("checks").inc()
        work.session.flush()

    def _unranked_groups(self, work: Work, now: datetime) -> None:
        """Rank groups that are complete, in case the message that should have is lost.

        Most open groups wait for something, and there may be a million of them: a round looks at
        some, and the next goes on from there.
        """
        page = (
            select(GroupRow.id, GroupRow.created_at)
            .where(GroupRow.state == GroupState.OPEN, GroupRow.id > self._looked_to)
            .order_by(GroupRow.id)
            .limit(_LOOKED_AT)
            .subquery()
        )
        old = page.c.created_at < now - timedelta(seconds=self._settings.interval_seconds)
        rows = work.session.execute(
            select(page.c.id, old & ~groups.has_waiting(page.c.id)).order_by(page.c.id)
        ).all()
        complete = [group_id for group_id, is_complete in rows if is_complete]
        if len(complete) > _ROUND:
            complete = complete[:_ROUND]
            self._looked_to = complete[-1]
        else:
            self._looked_to = rows[-1][0] if len(rows) == _LOOKED_AT else _FIRST
        for group_id in complete:
            work.send_after_commit(Task.RANK_GROUP, RankGroup(group_id=group_id))


def _is_stuck(
    table: type[CandidateRow] | type[SampleRequestRow],
    unsent_before: datetime,
    started_before: datetime,
) -> ColumnElement[bool]:
    """Sent and never begun, or begun since it was last sent and never finished."""
    return _is_stuck_by(table.sent_at, table.started_at, unsent_before, started_before)


def _is_stuck_by(
    sent_at: InstrumentedAttribute[datetime | None],
    started_at: InstrumentedAttribute[datetime | None],
    unsent_before: datetime,
    started_before: datetime,
) -> ColumnElement[bool]:
    begun = started_at.is_not(None) & (started_at >= sent_at)
    stuck = (~begun & (sent_at < unsent_before)) | (begun & (started_at < started_before))
    # Follows from the rest, and lets an index find the few among a million that wait.
    return (sent_at < max(unsent_before, started_before)) & stuck


def main() -> int:
    """Run until told to stop."""
    logs.configure("sweep")
    try:
        settings, ranker = load(SweepSettings), load(RankerSettings)
        redis_url = load(BrokerSettings).redis_url.get_secret_value()
        database_url = load(DatabaseSettings).database_url.get_secret_value()
        reject_unknown()
        scraping.serve()
    except errors.SuiteError as error:
        log.error("sweep.refused_to_start", code=error.code, reason=error.detail)
        return 1
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    database = Database(database_url, Sender(celery_app()))
    sweep = Sweep(database, redis_url, settings, ranker.batch_groups, ranker.wanted())
    log.info("sweep.ready")
    while not stop.wait(settings.interval_seconds):
        try:
            with metrics.ROUND_SECONDS.labels("sweep").time():
                sweep.round()
            health.round_ended("sweep")
        except (errors.Unavailable, DBAPIError) as error:
            # Both servers may restart; the next round looks again.
            log.warning("sweep.round_failed", reason=str(error).partition("\n")[0])
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
