"""Checks of stored problems, as their rows tell: what was found, and that another one is wanted."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, any_, bindparam, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from infra import errors
from infra.contracts.base import CheckState
from infra.db.tables import ProblemRow
from infra.db.unit_of_work import Work
from infra.db.wakeup import wake_dispatcher

IS_UNSOUND: ColumnElement[bool] = ProblemRow.finding["fault"].as_string().is_not(None)
"""Whether the last check of a problem that ended found its tests unsound; one that is asked for
again, or that nobody finishes, takes nothing back."""

# Made once, for it is asked of every batch: to build a statement costs more than to send it.
_UNSOUND = select(ProblemRow.id, ProblemRow.slug, ProblemRow.finding).where(
    ProblemRow.id == any_(bindparam("ids", type_=ARRAY(Uuid))), IS_UNSOUND
)


def ask_again(work: Work, problem_id: UUID, mutants: int) -> None:
    """Have a problem checked once more; what was decided before holds until that has ended.

    Args:
        work: Where.
        problem_id: Which.
        mutants: Most changed reference programs that are judged, to say how strong its tests are.

    Raises:
        errors.NotFound: there is no such problem.
    """
    asked = work.session.execute(
        update(ProblemRow)
        .where(ProblemRow.id == problem_id)
        .values(
            check_state=CheckState.PENDING,
            check_mutants=mutants,
            check_attempts=0,
            check_sent_at=None,
            check_started_at=None,
            check_reason=None,
        )
        .returning(ProblemRow.id)
    )
    if asked.scalar() is None:
        raise errors.NotFound(f"there is no problem {problem_id}")
    wake_dispatcher(work.session)


def unsound(session: Session, problem_ids: Collection[UUID]) -> dict[UUID, str]:
    """Say of those among these problems whose tests were found unsound what is wrong.

    Not in what way, which may quote a test: whoever may read the problem sees that there.
    """
    rows = session.execute(_UNSOUND, {"ids": list(problem_ids)})
    return {
        row.id: f"the tests of {row.slug} are unsound, which is the problem's fault"
        f" ({row.finding['fault']}); its check says more"
        for row in rows
    }
