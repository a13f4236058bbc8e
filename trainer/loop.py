"""The training loop: lease, tensors, loss, finite?, step, checkpoint, complete.

All processes of a run walk through it together; the first one speaks to the API.
"""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from infra import errors, logs
from infra.contracts.base import JsonValue
from infra.contracts.ranking import (
    CompleteRequest,
    Lease,
    LeasedBatch,
    LeaseRequest,
    NewCheckpoint,
)
from trainer import checkpoint
from trainer.client import LeaseClient, Stopped
from trainer.leases import HeldLeases, lease_of
from trainer.processes import Processes
from trainer.settings import TrainerSettings
from trainer.step import Trainer
from trainer.tracking import numbers, open_tracker

log = logs.get(__name__)


def run(settings: TrainerSettings, client: LeaseClient, stop: threading.Event) -> None:
    """Train until told to stop, or for as many steps as the settings say.

    Raises:
        errors.TrainingDiverged: the last good checkpoint is kept.
    """
    processes = Processes()
    try:
        with HeldLeases(client, settings.lease_seconds) as held:
            _Run(settings, client, stop, processes, held).train()
    finally:
        processes.close()


@dataclass
class _Run:
    settings: TrainerSettings
    client: LeaseClient
    stop: threading.Event
    processes: Processes
    held: HeldLeases
    metrics: dict[str, JsonValue] = field(default_factory=dict)
    """Those of the newest step."""
    trained: tuple[Lease, ...] = ()
    """Those whose batches were trained since the last checkpoint."""
    fresh: bool = True
    """Whether nothing was leased yet: what this worker's name held before is to be given back."""

    def train(self) -> None:
        trainer = self._resume()
        recorded = trainer.state.version
        tracker = open_tracker(self.settings, self.root, recorded) if self.processes.first else None
        ended = self._ended(trainer)
        while not ended:
            began = time.monotonic()
            batches = self.processes.broadcast(self._lease() if self.processes.first else ())
            if batches:
                waited = time.monotonic() - began
                groups = [group for batch in batches for group in trainer.encode(batch)]
                self.metrics = trainer.step(groups) | {"wait_seconds": waited}
                self.trained += tuple(lease_of(batch) for batch in batches)
                trainer.state.batch_ids += [str(batch.batch_id) for batch in batches]
                if tracker:
                    tracker.log(trainer.state.version, numbers(self.metrics))
                    log.info("step", version=trainer.state.version, **self.metrics)
            ended = self._ended(trainer)
            # Without a batch at hand there is time to record what was trained.
            due = trainer.state.version >= recorded + self.settings.checkpoint_steps
            if trainer.state.version > recorded and (due or ended or not batches):
                if not self._record(trainer, recorded):
                    # What was trained is not ours to keep: go back to what is recorded.
                    trainer = self._resume()
                recorded = trainer.state.version
        if tracker:
            tracker.close()

    @property
    def root(self) -> Path:
        return self.settings.output_dir.absolute() / self.settings.policy

    def _ended(self, trainer: Trainer) -> bool:
        enough = 0 < self.settings.max_steps <= trainer.state.version
        return self.processes.broadcast(enough or self.stop.is_set())

    def _lease(self) -> tuple[LeasedBatch, ...]:
        """Lease the batches of one step: fewer if the API has no more, none when told to stop."""
        batches: tuple[LeasedBatch, ...] = ()
        while len(batches) < self.settings.batches_per_step:
            if self.stop.is_set():
                return ()
            request = LeaseRequest(
                worker=self.settings.worker,
                policy=self.settings.policy,
                limit=self.settings.batches_per_step - len(batches),
                lease_seconds=self.settings.lease_seconds,
                wait_seconds=self.settings.wait_seconds,
                fresh=self.fresh,
            )
            try:
                leased = self.client.lease(request).batches
            except Stopped:
                return ()
            self.fresh = False
            if not leased:
                break
            self.held.hold(leased)
            batches += leased
        return batches

    def _record(self, trainer: Trainer, before: int) -> bool:
        """Write a checkpoint and record what it was trained on; tell whether it counts."""
        if self.processes.broadcast(self.held.lost):
            log.warning("batches.lease_lost", batch_ids=trainer.state.batch_ids)
            return False
        path, digest = trainer.save(self.root)
        counts = self.processes.broadcast(
            self._complete(trainer.state.version, path, digest) if self.processes.first else False
        )
        trainer.state.batch_ids = []
        if counts and self.processes.first:
            # Every step since then was finite, so the checkpoint they began from is good.
            checkpoint.mark_good(self.root, before)
            checkpoint.retain(self.root, self.settings.keep_checkpoints, pinned=[before])
        return counts

    def _complete(self, version: int, path: Path, digest: str) -> bool:
        new = NewCheckpoint(version=version, path=str(path), sha256=digest, metrics=self.metrics)
        request = CompleteRequest(policy=self.settings.policy, leases=self.trained, checkpoint=new)
        try:
            self.client.complete(request)
        except (errors.LeaseLost, errors.Conflict) as error:
            log.warning("batches.not_recorded", version=version, reason=error.detail)
            return False
        self._forget_leases()
        return True

    def _forget_leases(self) -> None:
        self.held.let_go()
        self.trained = ()

    def _resume(self) -> Trainer:
        """Start from the newest checkpoint that the API has recorded, whatever lies on the disk."""
        self._forget_leases()
        self.fresh = True
        path = self.processes.broadcast(self._newest() if self.processes.first else None)
        return Trainer(self.settings, path, self.processes)

    def _newest(self) -> Path | None:
        newest = self.client.newest_checkpoint(self.settings.policy)
        checkpoint.discard_after(self.root, newest.version if newest else 0)
        if newest is None:
            return None
        path = Path(newest.path)
        if not path.is_dir() or checkpoint.sha256(path) != newest.sha256:
            raise errors.ConfigurationError(
                f"the newest checkpoint of {self.settings.policy!r} is not at {path}, or not what"
                " was recorded; restore it, or train another policy"
            )
        log.info("trainer.resumed", version=newest.version, path=str(path))
        return path
