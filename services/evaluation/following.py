"""Evaluates the checkpoints of a policy while it is trained, and says what it has found."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from infra import errors
from infra.contracts.views.api import CheckpointView
from infra.contracts.views.evaluations import EvaluationView, NewEvaluation, Rate
from infra.observability import logs
from services.client import Client
from services.evaluation import benchmarks, plan
from services.evaluation.plan import Plan
from services.evaluation.results import Evaluation

log = logs.get(__name__)

Evaluate = Callable[[Plan, Mapping[str, CheckpointView]], Evaluation]
"""Evaluates a plan whose models are checkpoints."""
_MODEL: Final = "{policy}@{version}"


class Following:
    """What of a policy's checkpoints is evaluated, and what was already.

    It remembers nothing: what it has begun and what it has found is asked of the API, and the
    programs lie in the folder. One that is killed goes on with the version it was at.
    """

    def __init__(
        self, client: Client, policy: str, table: Mapping[str, Any], every: int, evaluate: Evaluate
    ) -> None:
        """Read what is asked.

        Args:
            client: Of the API.
            policy: Which.
            table: A plan without models.
            every: Optimizer steps between two evaluations.
            evaluate: Does the work.

        Raises:
            errors.InvalidInput: the plan has models or no benchmarks, or a file cannot be used.
        """
        if table.get("models"):
            raise errors.InvalidInput("what follows a policy evaluates no other model")
        self._client = client
        self._policy = policy
        self._table = table
        self._every = every
        self._evaluate = evaluate
        asked = self._plan(1)
        if not asked.benchmarks:
            raise errors.InvalidInput("a policy has to be asked problems; give some (--problems)")
        opened = [benchmarks.opened(name, one) for name, one in asked.benchmarks.items()]
        self._asked_sha256 = benchmarks.digest(
            [asked.model_dump(mode="json", exclude={"models", "k"}), *(b.digest for b in opened)]
        )

    def last(self) -> int:
        """Return the newest version that was evaluated; 0 before the first."""
        try:
            return max((one.version for one in self._known() if one.score is not None), default=0)
        except errors.NotFound:
            return 0  # The first group makes the policy.

    def step(self) -> EvaluationView | None:
        """Evaluate the checkpoint that is due; return what was found, or None if none is.

        Raises:
            errors.SuiteError: as of an evaluation.
        """
        checkpoint = self._due()
        if checkpoint is None:
            return None
        self._client.record_evaluation(self._found({}, checkpoint.version))
        name = _MODEL.format(policy=self._policy, version=checkpoint.version)
        evaluation = self._evaluate(self._plan(checkpoint.version), {name: checkpoint})
        found = self._client.record_evaluation(
            self._found(rates_of(evaluation, name), checkpoint.version)
        )
        log.info("evaluation.found", policy=self._policy, version=found.version, score=found.score)
        return found

    def _due(self) -> CheckpointView | None:
        """Return what was begun, or else the newest of those that it is time for.

        Those between are passed over where evaluating is slower than training: what is known of the
        newest is worth more, and a trainer keeps no more than some.
        """
        try:
            known, checkpoints = self._known(), self._client.checkpoints(self._policy)
        except errors.NotFound:
            return None  # The first group makes the policy.
        last = max((one.version for one in known if one.score is not None), default=0)
        begun = {one.version for one in known if one.score is None}
        for one in checkpoints:
            # It may have been removed before the trainer knew that it is evaluated.
            if one.version in begun and Path(one.path).is_dir():
                return one
        newest = checkpoints[0] if checkpoints else None
        return newest if newest and newest.version >= last + self._every else None

    def _known(self) -> list[EvaluationView]:
        known = self._client.evaluations(self._policy)
        return [one for one in known if one.asked_sha256 == self._asked_sha256]

    def _plan(self, version: int) -> Plan:
        name = _MODEL.format(policy=self._policy, version=version)
        return plan.made(
            {**self._table, "models": {name: {"policy": self._policy, "version": version}}}
        )

    def _found(self, rates: dict[str, Rate], version: int) -> NewEvaluation:
        return NewEvaluation(
            policy=self._policy, version=version, asked_sha256=self._asked_sha256, rates=rates
        )


def rates_of(evaluation: Evaluation, model: str) -> dict[str, Rate]:
    """Return a model's pass@1 by benchmark: greedy, where there is such."""
    found: dict[str, Rate] = {}
    for name in evaluation.items:
        for one in evaluation.of(name, model)[:1]:
            rate = one.pass_at(1)
            found[name] = Rate(**rate._asdict(), problems=len(one.items))
    return found
