"""The training loop: lease, tensors, loss, finite?, step, checkpoint, complete.

All processes of a run walk through it together; the first one speaks to the API.
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from infra import errors, logs, scraping
from infra.contracts.base import JsonValue
from infra.contracts.ranking import LeasedBatch, NewCheckpoint
from infra.metrics import observe_step
from infra.weights import weights_sha256
from trainer import checkpoint
from trainer.client import LeaseClient
from trainer.leases import Leases
from trainer.modes.groups import EncodedGroup
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer
from trainer.tracking import Tracker, numbers, open_tracker, track_evaluations

log = logs.get(__name__)


def run(settings: TrainerSettings, client: LeaseClient, stop: threading.Event) -> None:
    """Train until told to stop, or for as many steps as the settings say.

    Raises:
        errors.TrainingDiverged: nothing of the step is recorded, and a good checkpoint is kept.
        errors.PolicyBusy: another trainer trains this policy.
        errors.PromptMismatch: a candidate, or the newest checkpoint, is of another prompt form.
        errors.ConfigurationError: the newest checkpoint is not there, or a package is missing, or
            metrics cannot be shown.
    """
    processes = Processes()
    root = settings.output_dir.absolute() / settings.policy
    try:
        if processes.first:
            scraping.serve()
        with Leases(settings, client, stop) as leases, checkpoint.locked(root, processes):
            _Run(settings, client, stop, processes, root, leases).train()
    finally:
        processes.close()


@dataclass
class _Run:
    settings: TrainerSettings
    client: LeaseClient
    stop: threading.Event
    processes: Processes
    root: Path
    leases: Leases
    recorded: int = 0
    """Version that the API has."""
    metrics: dict[str, JsonValue] = field(default_factory=dict)
    """Those of the newest step."""
    waited: float = 0.0
    """Seconds without a batch since the newest step."""
    stepped: float = field(default_factory=time.monotonic)
    """When that ended, or when the run began."""

    def train(self) -> None:
        trainer = self._resume()
        tracker = self._tracker()
        ended = self._ended(trainer)
        while not ended:
            batches = self._lease()
            if batches:
                groups = [group for batch in batches for group in trainer.encode(batch)]
                self.metrics = self._step(trainer, groups) | self._idle()
                trainer.state.batch_ids += [str(batch.batch_id) for batch in batches]
                self._report(trainer, tracker)
            ended = self._ended(trainer)
            due = self._due(trainer, now=ended or not batches)
            # Without a batch at hand there is time to record what was trained.
            if due and not self._record(trainer):
                # What was trained is not ours to keep: go on from what is recorded.
                trainer = self._resume()
            if tracker and (due or not batches):
                evaluations = self.client.evaluations(self.settings.policy)
                track_evaluations(tracker, self.root, evaluations)
        if tracker:
            tracker.close()

    def _ended(self, trainer: Trainer) -> bool:
        enough = 0 < self.settings.max_steps <= trainer.state.version
        return self.processes.broadcast(enough or self.stop.is_set())

    def _lease(self) -> tuple[LeasedBatch, ...]:
        began = time.monotonic()
        batches = self.processes.broadcast(self.leases.take() if self.processes.first else ())
        self.waited += time.monotonic() - began
        return batches

    def _idle(self) -> dict[str, JsonValue]:
        """Return how long the step just taken was waited for, also as a share of all time."""
        now = time.monotonic()
        waited, since = self.waited, now - self.stepped
        self.waited, self.stepped = 0.0, now
        return {"wait_seconds": waited, "idle_share": waited / since if since else 0.0}

    def _step(self, trainer: Trainer, groups: list[EncodedGroup]) -> dict[str, JsonValue]:
        try:
            return trainer.step(groups)
        except errors.TrainingDiverged as error:
            good = checkpoint.last_good(self.root)
            # Version 0 is the weights that were given, of which there is no checkpoint.
            where = checkpoint.directory_of(self.root, good) if good else "nothing"
            raise errors.TrainingDiverged(
                f"{error.detail}, in the step after version {trainer.state.version}. {where} is the"
                " newest checkpoint from which the run went on well; a new policy can start there"
            ) from error

    def _due(self, trainer: Trainer, *, now: bool) -> bool:
        steps = trainer.state.version - self.recorded
        return steps >= self.settings.checkpoint_steps or (now and steps > 0)

    def _record(self, trainer: Trainer) -> bool:
        """Write a checkpoint and record what it was trained on; tell whether it counts."""
        version, batch_ids = trainer.state.version, trainer.state.batch_ids
        if self.processes.broadcast(self.leases.lost):
            log.warning("batches.lease_lost", batch_ids=batch_ids)
            return False
        path, digest = trainer.save(self.root)
        if not self.processes.broadcast(
            self.processes.first
            and self.leases.complete(
                NewCheckpoint(
                    version=version,
                    path=str(path),
                    sha256=digest,
                    prompt_form=trainer.form,
                    metrics=self.metrics,
                ),
                batch_ids,
            )
        ):
            return False
        if self.processes.first:
            if trainer.is_calm:
                # Every step since then was as it should be: the checkpoint they began from is good.
                checkpoint.mark_good(self.root, self.recorded)
            checkpoint.retain(self.root, self.settings.num_kept, pinned=self._pinned())
        self.recorded, trainer.state.batch_ids = version, []
        return True

    def _pinned(self) -> set[int | None]:
        """Return the versions that are kept: the good one, the best, the one that is evaluated."""
        policy = self.client.policy(self.settings.policy)
        found = {checkpoint.last_good(self.root)}
        return found | ({policy.best_version, policy.evaluating_version} if policy else set())

    def _resume(self) -> Trainer:
        """Start from the newest checkpoint that the API has recorded, whatever lies on the disk."""
        self.leases.give_up()
        path = self.processes.broadcast(self._newest() if self.processes.first else None)
        trainer = Trainer(self.settings, path, self.processes)
        self.recorded = trainer.state.version
        return trainer

    def _newest(self) -> Path | None:
        newest = self.client.newest_checkpoint(self.settings.policy)
        checkpoint.discard_after(self.root, newest.version if newest else 0)
        if newest is None:
            return None
        path = Path(newest.path)
        if not path.is_dir() or weights_sha256(path) != newest.sha256:
            raise errors.ConfigurationError(
                f"the newest checkpoint of {self.settings.policy!r} is not at {path}, or not what"
                " was recorded; restore it, or train another policy"
            )
        log.info("trainer.resumed", version=newest.version, path=str(path))
        return path

    def _tracker(self) -> Tracker | None:
        if not self.processes.first:
            return None
        return open_tracker(self.settings, self.root, self.recorded)

    def _report(self, trainer: Trainer, tracker: Tracker | None) -> None:
        if tracker:
            tracker.log(trainer.state.version, numbers(self.metrics))
            log.info("step", version=trainer.state.version, **self.metrics)
            observe_step(self.metrics)
