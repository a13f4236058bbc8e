"""Ranked groups as the API tells of them, of candidates whose results are given."""

from datetime import UTC, datetime
from uuid import UUID

from infra.contracts.base import Author, Integrity, Label
from infra.contracts.ranking import Judged
from infra.contracts.views.api import RankedGroupView, RankedResponse
from ranker.ranking import Rules, rank

PROMPT = "def f(x):\n"
TEACHER, STUDENT = Author


def candidate(number, author, passed, total=4, label=None, program=None):
    if label is None:
        label = Label.ALL_PASS if passed == total else Label.PARTIAL_PASS
    return Judged(
        candidate_id=UUID(int=number),
        author=author,
        label=label,
        pass_fraction=passed / total,
        program=f"    return {number}\n" if program is None else program,
    )


def view(*candidates, rules=None, number=1, **more):
    """What the API tells of the ranking of these."""
    ranking = rank(candidates, rules or Rules())
    by_id = {one.candidate_id: one for one in candidates}
    order = [entry for entry in ranking.order if by_id[entry.candidate_id].program]
    index = {entry.candidate_id: place for place, entry in enumerate(order)}
    given = {
        "skip_reason": ranking.skip_reason,
        "problem_slug": "p",
        "policy": "default",
        "integrity": Integrity.ISOLATED,
        "strength": None,
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    return RankedGroupView(
        id=UUID(int=number),
        group_id=UUID(int=number),
        problem_id=UUID(int=7),
        prompt=PROMPT,
        responses=tuple(
            RankedResponse(
                candidate_id=entry.candidate_id,
                author=entry.author,
                label=entry.label,
                score=entry.score,
                pass_fraction=by_id[entry.candidate_id].pass_fraction,
                program=PROMPT + by_id[entry.candidate_id].program,
                completion=by_id[entry.candidate_id].program,
                finished=True,
                model=f"m{entry.candidate_id.int % 2}",
                policy_version=3,
                checkpoint_id=UUID(int=9) if entry.author is STUDENT else None,
            )
            for entry in order
        ),
        pairs=tuple((index[p.better_id], index[p.worse_id], p.gap) for p in ranking.pairs),
        best=index[ranking.best_id],
        **given | more,
    )
