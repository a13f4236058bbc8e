"""Images of packages that work waits for and that no executor has."""

from collections import Counter
from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from infra.contracts.base import STANDARD_IMAGE, CheckState, GroupState
from infra.contracts.views.dashboard import MOST_IMAGES, WorkerView
from infra.db.tables import GroupRow, ProblemRow


def missing(session: Session, workers: Iterable[WorkerView]) -> dict[str, int]:
    """Count the open groups and checks of problems that wait for each image, of those with most."""
    there = {STANDARD_IMAGE, *(image for worker in workers for image in worker.images)}
    by_image = select(ProblemRow.image, func.count()).where(ProblemRow.image.not_in(there))
    groups = by_image.join(GroupRow, GroupRow.problem_id == ProblemRow.id).where(
        GroupRow.state == GroupState.OPEN
    )
    checks = by_image.where(ProblemRow.check_state == CheckState.PENDING)
    waiting: Counter[str] = Counter()
    for query in (groups, checks):
        for image, count in session.execute(query.group_by(ProblemRow.image)):
            waiting[image] += count
    # Who submits names whatever image it likes, and each is a series of a metric.
    return dict(sorted(waiting.most_common(MOST_IMAGES)))
