"""One attempt at a request for samples, told apart from every other by when it began.

A worker may be frozen for longer than anybody waits for it: its request is sent again, another
worker begins, and then the first wakes. From there on it must pay for nothing more, and must not
say of the request that it is over.
"""

import time
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, update
from sqlalchemy.exc import InterfaceError, OperationalError

from infra import errors
from infra.contracts.base import SampleState
from infra.db.tables import SampleRequestRow
from infra.db.unit_of_work import Database
from infra.observability import logs

log = logs.get(__name__)

SHARE = 0.8
"""Of a task's time: what one request for samples is worked on; then it goes back as it is."""
_RENEWALS = 5
"""Times that a long attempt is renewed before it would be taken for lost."""


class Superseded(errors.SuiteError):
    """The request for samples is closed, or another attempt at it has begun."""

    code = "attempt_superseded"


class Attempt:
    """Whoever took up a request for samples last."""

    def __init__(
        self, database: Database, request_id: UUID, began: datetime, task_seconds: float
    ) -> None:
        self.request_id = request_id
        self.began = began
        """What the row of the request says of its beginning until somebody else begins.

        `attempts` would not do: it begins again at 0 once an attempt brought something."""
        self._database = database
        self._task_seconds = task_seconds
        self._renewed = self._tried = time.monotonic()

    @property
    def mark(self) -> tuple[UUID, datetime]:
        """What no other attempt has."""
        return self.request_id, self.began

    def is_current(self) -> ColumnElement[bool]:
        """Return the condition that the request is open, and no other attempt's."""
        return and_(
            SampleRequestRow.id == self.request_id,
            SampleRequestRow.state == SampleState.SUBMITTED,
            SampleRequestRow.started_at == self.began,
        )

    @property
    def until(self) -> float:
        """Time of `time.monotonic` after which nobody waits for an answer any more."""
        return self._renewed + self._task_seconds * SHARE

    @property
    def ends(self) -> float:
        """The same, by which what was sent must be answered."""
        return self._renewed + self._task_seconds

    def stay(self) -> None:
        """Begin the time of the attempt anew, unless it is no longer the current one.

        For work in this process that may take longer than a task, and is not to be begun again
        beside itself. Call it as often as you like, but not while calls of this attempt are being
        written to the ledger: it moves the mark.
        """
        now = time.monotonic()
        if now < self._tried + self._task_seconds / _RENEWALS:
            return
        self._tried = now
        try:
            with self._database.unit_of_work() as work:
                began = work.session.scalar(
                    update(SampleRequestRow)
                    .where(self.is_current())
                    .values(started_at=func.clock_timestamp())
                    .returning(SampleRequestRow.started_at)
                    .execution_options(synchronize_session=False)
                )
        except (OperationalError, InterfaceError) as error:
            log.warning(
                "attempt.not_renewed",
                sample_request_id=str(self.request_id),
                reason=type(error.orig).__name__,
            )
            return
        if began is not None:
            self.began, self._renewed = began, now
