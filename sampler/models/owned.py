"""Keeps a project from sampling the checkpoints of another, which lie in the same folder."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from uuid import UUID

from sqlalchemy import select, tuple_

from infra.contracts.candidates import SamplePlan
from infra.db.tables import ApiKeyRow, CheckpointRow, PolicyRow, SampleRequestRow
from infra.db.unit_of_work import Database
from sampler.backends import Backend, Completion, SamplesExhausted
from sampler.draws import Draw, Question

_VERSION = re.compile(r"[0-9]{1,9}")
"""Name of a folder of a checkpoint, as trainers write it, below one of its policy."""


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
        named = list(_checkpoints(model))
        if not named:
            return True
        owners = (
            select(PolicyRow.project_id)
            .join(CheckpointRow, CheckpointRow.policy_id == PolicyRow.id)
            .where(tuple_(PolicyRow.name, CheckpointRow.version).in_(named))
        )
        asking = (
            select(ApiKeyRow.project_id)
            .join(SampleRequestRow, SampleRequestRow.api_key_id == ApiKeyRow.id)
            .where(SampleRequestRow.id == request_id)
        )
        with self._database.reading() as session:
            projects = set(session.scalars(owners))
            return not projects or session.scalar(asking) in projects


def _checkpoints(model: str) -> Iterator[tuple[str, int]]:
    """Return policy and version of each folder in a path that may be one of a checkpoint.

    What lies in a checkpoint, such as the adapter beside the merged weights, is as much its own.
    """
    for policy, version in pairwise(model.split("/")):
        if _VERSION.fullmatch(version):
            yield policy, int(version)
