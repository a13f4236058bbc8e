"""Has what was trained written and recorded with the API, while steps go on."""

import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from infra.contracts.base import JsonValue
from infra.contracts.ranking import NewCheckpoint
from infra.contracts.views.evaluations import EvaluationView
from infra.observability import logs
from trainer.batches.client import LeaseClient
from trainer.batches.leases import Leases
from trainer.checkpoints import checkpoint
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer

log = logs.get(__name__)


@dataclass(kw_only=True)
class Recorder:
    """Records one trainer's versions in order, one at a time; all processes walk through it.

    A version that is due while the one before is still written waits for it, and for no step.
    """

    settings: TrainerSettings
    processes: Processes
    root: Path
    leases: Leases
    client: LeaseClient
    trainer: Trainer
    recorded: int
    """Version that the API has, or will have when what is under way ends well."""
    steps: list[checkpoint.Step] = field(default_factory=list)
    """Batches of each step since that version."""
    evaluations: tuple[EvaluationView, ...] = ()
    """What evaluators had found when the newest version was recorded."""
    _begun: "Future[bool | None] | None" = None
    _state_at: float | None = None
    """When the newest state of the optimizer was copied."""

    def took(self, step: checkpoint.Step) -> None:
        """Remember the batches of a step."""
        self.steps.append(step)
        self.trainer.state.batch_ids += [str(batch.batch_id) for batch in step]

    @property
    def is_behind(self) -> bool:
        """Whether steps wait for the version before to be written."""
        return self._begun is not None and self.trainer.state.version > self.recorded

    def keep_up(self, metrics: dict[str, JsonValue], *, idle: bool, ended: bool) -> bool:
        """Begin to record what is due; tell whether all that was recorded counts.

        Args:
            metrics: Those of the newest step.
            idle: No batch is at hand, so there is time.
            ended: No step follows: wait until everything is recorded, with the optimizer's state.
        """
        waits = ended or (idle and self.is_behind)
        if self._begun and (waits or self._is_done()) and not self.settled():
            return False
        if self._begun or not self._is_due(idle or ended):
            return True
        if self.processes.broadcast(self.leases.lost):
            log.warning("batches.lease_lost", batch_ids=self.trainer.state.batch_ids)
            return False
        self._begin(metrics, with_state=ended or self._is_state_due())
        return self.settled() if ended else True

    def settled(self) -> bool:
        """Wait for what is under way; tell whether it counts."""
        begun, self._begun = self._begun, None
        if begun is None:
            return True
        counts = self.processes.awaited(begun if self.processes.first else None)
        begun.result()
        return bool(counts)

    def _pinned(self) -> set[int | None]:
        """Return the versions that are kept: the good one, the best, the one that is evaluated."""
        policy = self.client.policy(self.settings.policy)
        found = {checkpoint.last_good(self.root)}
        return found | ({policy.best_version, policy.evaluating_version} if policy else set())

    def _is_done(self) -> bool:
        return self.processes.broadcast(self._begun is not None and self._begun.done())

    def _is_due(self, now: bool) -> bool:
        steps = self.trainer.state.version - self.recorded
        return steps >= self.settings.checkpoint_steps or (now and steps > 0)

    def _is_state_due(self) -> bool:
        since = self._state_at
        due = since is None or time.monotonic() - since >= self.settings.state_seconds
        return self.processes.broadcast(due)

    def _begin(self, metrics: dict[str, JsonValue], *, with_state: bool) -> None:
        trainer, before = self.trainer, self.recorded
        version, batch_ids, steps = trainer.state.version, trainer.state.batch_ids, self.steps
        calm, form = trainer.is_calm, trainer.form

        def record(path: Path, digest: str) -> bool:
            new = NewCheckpoint(
                version=version, path=str(path), sha256=digest, prompt_form=form, metrics=metrics
            )
            if not self.leases.complete(new, batch_ids):
                return False
            if calm:
                # Every step since then was as it should be: the checkpoint they began from is good.
                checkpoint.mark_good(self.root, before)
            checkpoint.retain(self.root, self.settings.num_kept, pinned=self._pinned())
            self.evaluations = self.client.evaluations(self.settings.policy)
            return True

        if self.processes.first:
            checkpoint.keep_steps(self.root, version, steps)
        self._begun = trainer.saver.begin(self.root, trainer.state, record, with_state=with_state)
        if with_state:
            self._state_at = time.monotonic()
        self.recorded, self.steps, trainer.state.batch_ids = version, [], []
