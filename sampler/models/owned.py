"""Keeps a project from sampling the checkpoints of another, which lie in the same folder."""

import re
from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from infra.contracts.candidates import SamplePlan
from infra.db.tables import ApiKeyRow, CheckpointRow, PolicyRow, SampleRequestRow
from infra.db.unit_of_work import Database
from sampler.backends import Backend, Completion, SamplesExhausted
from sampler.draws import Draw, Question

_NAMED = re.compile(r"(?:.*/)?([^/]+)/([0-9]{1,9})")
"""A folder of a checkpoint: as trainers write it, below one of its policy."""


class Owned:
    """A backend of this process's own, for requests of every project."""

    def __init__(self, inner: Backend, database: Database) -> None:
        self._inner = inner
        self._database = database

    def sample(
        self, question: Question, plan: SamplePlan, draws: Sequence[Draw]
    ) -> Sequence[Completion]:
        """Return one completion for each draw, in their order.

        Raises:
            SamplesExhausted: as the backend does; and the plan names a checkpoint that only other
                projects have recorded, which is told as if there were none.
            errors.Unavailable: as the backend does.
        """
        if not self._is_allowed(question.scope, plan.model):
            raise SamplesExhausted(f"this sampler has no model {plan.model!r}")
        return self._inner.sample(question, plan, draws)

    def _is_allowed(self, request_id: UUID, model: str) -> bool:
        named = _NAMED.fullmatch(model)
        if named is None:
            return True
        owners = (
            select(PolicyRow.project_id)
            .join(CheckpointRow, CheckpointRow.policy_id == PolicyRow.id)
            .where(PolicyRow.name == named[1], CheckpointRow.version == int(named[2]))
        )
        asking = (
            select(ApiKeyRow.project_id)
            .join(SampleRequestRow, SampleRequestRow.api_key_id == ApiKeyRow.id)
            .where(SampleRequestRow.id == request_id)
        )
        with self._database.reading() as session:
            projects = set(session.scalars(owners))
            return not projects or session.scalar(asking) in projects
