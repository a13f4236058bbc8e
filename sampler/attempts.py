"""One attempt at a request for samples, told apart from every other by when it began.

A worker may be frozen for longer than anybody waits for it: its request is sent again, another
worker begins, and then the first wakes. From there on it must pay for nothing more, and must not
say of the request that it is over.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_

from infra import errors
from infra.contracts.base import SampleState
from infra.db.tables import SampleRequestRow

SHARE = 0.8
"""Of a task's time: what one request for samples is worked on; then it goes back as it is."""


class Superseded(errors.SuiteError):
    """The request for samples is closed, or another attempt at it has begun."""

    code = "attempt_superseded"


class Attempt:
    """Whoever took up a request for samples last."""

    def __init__(self, request_id: UUID, began: datetime) -> None:
        self.request_id = request_id
        self.began = began
        """What the row of the request says of its beginning until somebody else begins.

        `attempts` would not do: it begins again at 0 once an attempt brought something."""

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
