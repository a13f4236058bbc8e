"""Moves committed work from the outbox to the queues, no faster than workers empty them.

It alone sends to the executors and the samplers, so no request ever waits for Redis, the queues
stay short whatever is submitted, and who goes next is decided late.
`python -m services.delivery.dispatcher` runs it for ever; of several one works at a time, and
another goes on where it stops.
"""

import signal
import sys
import threading
import time
from collections.abc import Mapping

from sqlalchemy.exc import DBAPIError

from infra import errors, health
from infra.contracts.candidates import SampleGroup
from infra.db.unit_of_work import Database
from infra.db.wakeup import Listener
from infra.observability import logs, metrics, scraping, tracing
from infra.queues.messaging import PRIORITIES, Queue, QueueDepths, Sender, Task, celery_app
from infra.settings import BrokerSettings, DatabaseSettings, load, reject_unknown
from services.delivery import checks, outbox, priorities

log = logs.get(__name__)

_PAUSE_SECONDS = 0.1
"""Between two looks into the outbox when nothing new has come: queues are full or empty."""
_QUIET_SECONDS = 5.0
"""The same while no candidate is without its label and no message waits: new work wakes."""
_AWAY_SECONDS = 1.0
_ROUND_SECONDS = 0.05
"""Between the beginnings of two rounds: whatever comes in meanwhile costs one round."""
_STOCK_SECONDS = 2.0
"""Work that a queue should hold, at the rate at which it is emptied."""
_LEAST = 8
_MOST = 4_096
_LEAST_RESULTS = 64
"""Messages that may wait for the ranker before work is held back, however slow executors are."""
_RESULTS_A_BATCH = 2
"""Messages that come of one: notice of its beginning, and its results."""
_SAMPLER_STOCK = 64
_SHARE_OF_CHECKS = 4
"""Of the messages that may be sent, checks of problems are at most one in so many: candidates do
not wait for a thousand problems that were just imported."""


class Stock:
    """How many messages a queue should hold: as many as are taken from it in two seconds."""

    def __init__(self) -> None:
        self._rate = 0.0
        self._left = 0
        self._looked = time.monotonic()

    def room(self, depth: int, results: int) -> int:
        """Say how many messages may be added, given how many there are, and how many results.

        None while results wait for longer than work does: more work would only add to them, and
        take from whoever stores them.
        """
        now = time.monotonic()
        elapsed = max(now - self._looked, 1e-3)
        taken = max(self._left - depth, 0)
        weight = min(elapsed, 1.0)
        self._rate += weight * (taken / elapsed - self._rate)
        self._looked, self._left = now, depth
        wanted = min(max(_LEAST, round(self._rate * _STOCK_SECONDS)), _MOST)
        if results > max(_LEAST_RESULTS, _RESULTS_A_BATCH * wanted):
            return 0
        # Not for every message taken: a round costs the same for one as for many.
        return wanted - depth if depth <= wanted * 3 // 4 else 0

    def added(self, messages: int) -> None:
        """Remember what was put in."""
        self._left += messages


class Dispatcher:
    """One dispatcher."""

    def __init__(self, database: Database, sender: Sender, redis_url: str) -> None:
        self._database = database
        self._sender = sender
        self._depths = QueueDepths(redis_url)
        self._suites = outbox.Suites()
        self._stock = Stock()
        self._rest = 0
        """Messages of which checks have had no share yet."""
        self._is_quiet = False

    def round(self) -> bool:
        """Look once into the outbox; tell whether there was something to do.

        Raises:
            errors.Unavailable: Redis cannot be reached; what it did not take waits on.
        """
        depths = self._depths.count()
        self._is_quiet = not any(depths.values())
        return self._round(depths)

    def pause_seconds(self) -> float:
        """Say how long to wait for new work after a round in which there was nothing to do."""
        return _QUIET_SECONDS if self._is_quiet else _PAUSE_SECONDS

    def _round(self, depths: Mapping[Queue, int]) -> bool:
        room = self._stock.room(depths[Queue.EXECUTOR], depths[Queue.RANKER])
        # Transactions of their own: each locks groups in their order, and then candidates.
        with self._database.unit_of_work() as work:
            if not priorities.has_turn(work):
                return False
            done = outbox.settle(work)
            samples = priorities.take_samples(work, max(_SAMPLER_STOCK - depths[Queue.SAMPLER], 0))
            self._is_quiet &= not outbox.is_anything_open(work.session)
        self._samples(samples)
        share, self._rest = divmod(max(room, 0) + self._rest, _SHARE_OF_CHECKS)
        sent = self._checks(share) if share else 0
        return self._candidates(room - sent) or bool(done or samples or sent)

    def _samples(self, taken: list[tuple[SampleGroup, bool]]) -> None:
        """Send requests for samples; one that does not leave is sent again by the sweep."""
        if not taken:
            return
        with self._database.unit_of_work() as work:
            refused = checks.refuse_samples(work, [one.sample_request_id for one, _ in taken])
        for request, interactive in taken:
            if request.sample_request_id not in refused:
                with tracing.span("dispatch samples"):
                    self._sender.send(Task.SAMPLE_GROUP, request, PRIORITIES[interactive])

    def _checks(self, messages: int) -> int:
        """Send checks of problems; return how many there were."""
        with self._database.unit_of_work() as work:
            if not priorities.has_turn(work):
                return 0
            requests = checks.take(work, messages)
        for number, request in enumerate(requests):
            try:
                with tracing.span("dispatch check"):
                    self._sender.send_or_raise(Task.CHECK_PROBLEM, request, PRIORITIES[False])
            except errors.Unavailable:
                metrics.SEND_FAILURES.labels(Task.CHECK_PROBLEM.value).inc()
                with self._database.unit_of_work() as work:
                    checks.give_back(work, requests[number:])
                raise
            self._stock.added(1)
        return len(requests)

    def _candidates(self, room: int) -> bool:
        if room <= 0:
            return False
        with self._database.unit_of_work() as work:
            if not priorities.has_turn(work):
                return False
            chosen = outbox.choose(work.session, room)
            if checks.refuse(work, chosen):
                return True  # Another round goes on with the others.
            served = outbox.serve(work, chosen) if chosen else set()
        left = [[row for row in rows if row.id not in served] for rows in chosen]
        left = [rows for rows in left if rows]
        if left:
            with self._database.unit_of_work() as work:
                if not priorities.has_turn(work):
                    return False
                batches = outbox.send(work, left, self._suites)
            self._send(batches)
        return bool(chosen)

    def _send(self, batches: list[outbox.CandidateBatch]) -> None:
        for number, batch in enumerate(batches):
            try:
                with tracing.span(
                    "dispatch", groups=batch.groups, candidates=len(batch.request.programs)
                ):
                    self._sender.send_or_raise(
                        Task.EXECUTE_BATCH, batch.request, PRIORITIES[batch.interactive]
                    )
            except errors.Unavailable:
                metrics.SEND_FAILURES.labels(Task.EXECUTE_BATCH.value).inc()
                with self._database.unit_of_work() as work:
                    outbox.give_back(work, batches[number:])
                raise
            self._stock.added(1)


def main() -> int:
    """Run until told to stop."""
    logs.configure("dispatcher")
    try:
        redis_url = load(BrokerSettings).redis_url.get_secret_value()
        database_url = load(DatabaseSettings).database_url.get_secret_value()
        reject_unknown()
        scraping.serve()
        tracing.start("dispatcher")
    except errors.SuiteError as error:
        log.error("dispatcher.refused_to_start", code=error.code, reason=error.detail)
        return 1
    stop = threading.Event()
    listener = Listener(database_url)

    def end(*_: object) -> None:
        stop.set()
        listener.interrupt()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    sender = Sender(celery_app())
    database = Database(database_url, sender)
    dispatcher = Dispatcher(database, sender, redis_url)
    log.info("dispatcher.ready")
    while not stop.is_set():
        began = time.monotonic()
        try:
            with metrics.ROUND_SECONDS.labels("dispatcher").time():
                found = dispatcher.round()
            health.round_ended("dispatcher")
            if not found:
                listener.wait(dispatcher.pause_seconds())
            stop.wait(began + _ROUND_SECONDS - time.monotonic())
        except (errors.Unavailable, DBAPIError) as error:
            # Both servers may restart; the next round looks again.
            log.warning("dispatcher.round_failed", reason=str(error).partition("\n")[0])
            stop.wait(_AWAY_SECONDS)
    listener.close()
    database.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
