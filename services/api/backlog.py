"""Back-pressure: how much may wait, in all and for one API key, before more is refused."""

import threading
import time

from sqlalchemy import Integer, func, select

from infra import errors
from infra.contracts.base import CandidateState, SampleState
from infra.db.tables import CandidateRow, GroupRow, SampleRequestRow
from infra.db.unit_of_work import Database

_FRESH_SECONDS = 1.0
_SHARE = 20
"""Counting takes at most one part in so many of a server's time."""
_LONGEST_WAIT = 60


class Backlog:
    """Counts what waits, as it was a moment ago, and what was accepted here since."""

    def __init__(self, database: Database, most: int, most_per_key: int) -> None:
        self._database = database
        self._most = most
        self._most_per_key = most_per_key
        self._lock = threading.Lock()
        self._waiting: dict[int, int] = {}
        self._counted = self._stale = 0.0
        self._drained = 0.0

    def accept(self, api_key_id: int, candidates: int) -> None:
        """Take note of candidates that are to be stored.

        Raises:
            errors.QueueFull: there is no room for them now.
        """
        with self._lock:
            if time.monotonic() >= self._stale:
                self._count()
            own, in_all = self._waiting.get(api_key_id, 0), sum(self._waiting.values())
            # A request larger than the limit is taken when nothing waits: it could never be else.
            for waiting, most, whose in (
                (own, self._most_per_key, "of this API key"),
                (in_all, self._most, "of all API keys"),
            ):
                if waiting and waiting + candidates > most:
                    raise errors.QueueFull(
                        f"{waiting} candidates {whose} wait for their labels and at most {most}"
                        " may; submit these again later",
                        self._wait(waiting + candidates - most),
                    )
            self._waiting[api_key_id] = own + candidates

    def _count(self) -> None:
        began = time.monotonic()
        before = sum(self._waiting.values())
        with self._database.reading() as session:
            rows = session.execute(
                select(CandidateRow.api_key_id, func.count())
                .where(CandidateRow.state == CandidateState.SUBMITTED)
                .group_by(CandidateRow.api_key_id)
            ).all()
            samples = session.execute(
                select(
                    GroupRow.api_key_id,
                    func.sum(SampleRequestRow.plan["num_samples"].as_string().cast(Integer)),
                )
                .join(GroupRow, SampleRequestRow.group_id == GroupRow.id)
                .where(SampleRequestRow.state == SampleState.SUBMITTED)
                .group_by(GroupRow.api_key_id)
            ).all()
        self._waiting = {}
        for api_key_id, count in [*rows, *samples]:
            self._waiting[api_key_id] = self._waiting.get(api_key_id, 0) + count
        now = time.monotonic()
        done = before - sum(self._waiting.values())
        self._drained = max(done / max(now - self._counted, 1e-3), 0.0)
        self._counted = now
        self._stale = now + max(_FRESH_SECONDS, (now - began) * _SHARE)

    def _wait(self, excess: int) -> int:
        """Estimate the seconds until so many are labelled, from the rate since the last count."""
        if not self._drained:
            return 5
        return min(max(round(excess / self._drained), 1), _LONGEST_WAIT)
