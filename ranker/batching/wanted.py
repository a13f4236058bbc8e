"""Which ranked groups go into training batches, by what their labels rest on."""

from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, null, select, update

from infra import checking
from infra.contracts.base import CheckState, Integrity, SkipReason
from infra.db.tables import CandidateRow, ExecutionRow, ProblemRow, RankingRow
from infra.db.unit_of_work import Work
from infra.observability import metrics

RESTS_ON_SHARED: ColumnElement[bool] = (
    select(CandidateRow.id)
    .outerjoin(ExecutionRow, ExecutionRow.id == CandidateRow.execution_id)
    .where(
        CandidateRow.group_id == RankingRow.group_id,
        CandidateRow.label.is_not(None),
        ExecutionRow.integrity.is_distinct_from(Integrity.ISOLATED),
    )
    .exists()
)
"""Whether a label of a ranking's group was not given by tests in a process of their own."""

_IS_PENDING: ColumnElement[bool] = ProblemRow.check_state == CheckState.PENDING


class Wanted(NamedTuple):
    """What training batches are made of; of unsound problems there is never anything in them."""

    isolated: bool = False
    """Whether groups with a label that is shared are left out."""
    min_strength: float | None = None
    """Least share of mutants that a problem's tests notice."""

    def leaves_out(self) -> ColumnElement[SkipReason | None]:
        """Why a ranking is left out; null if it is not. Its group and problem are joined."""
        cases: list[tuple[ColumnElement[bool], SkipReason]] = [
            (checking.IS_UNSOUND & ~_IS_PENDING, SkipReason.UNSOUND_PROBLEM)
        ]
        if self.isolated:
            cases.append((RESTS_ON_SHARED, SkipReason.SHARED_LABEL))
        if self.min_strength is not None:
            is_weak = func.coalesce(ProblemRow.strength, -1.0) < self.min_strength
            cases.append((and_(is_weak, ~self._waits()), SkipReason.WEAK_TESTS))
        whens = [(condition, reason.value) for condition, reason in cases]
        return case(*whens, else_=null())

    def is_ready(self) -> ColumnElement[bool]:
        """Whether it is known if a ranking is left out."""
        waits = checking.IS_UNSOUND & _IS_PENDING
        return ~waits if self.min_strength is None else ~waits & ~self._waits()

    @staticmethod
    def _waits() -> ColumnElement[bool]:
        """Whether the strength of a problem's tests is being measured."""
        return and_(
            _IS_PENDING,
            ProblemRow.check_mutants > 0,
            ProblemRow.strength.is_(None),
        )


EVERYTHING = Wanted()


def leave_out(work: Work, reasons: Mapping[UUID, SkipReason]) -> None:
    """Mark rankings as skipped, and count them.

    Args:
        work: The transaction.
        reasons: By rankings, which nobody has put into a batch.
    """
    for skip_reason, rows in groupby(sorted(reasons.items(), key=itemgetter(1)), itemgetter(1)):
        left_out = [ranking_id for ranking_id, _ in rows]
        work.session.execute(
            update(RankingRow)
            .where(RankingRow.id.in_(left_out))
            .values(skip_reason=skip_reason)
            .execution_options(synchronize_session=False)
        )
        metrics.GROUPS_LEFT_OUT.labels(skip_reason.value).inc(len(left_out))
