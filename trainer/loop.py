"""The training loop: lease, tensors, loss, finite?, step; beside it, checkpoint and complete.

All processes of a run walk through it together; a thread of the first one speaks to the API.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from infra import errors
from infra.contracts.base import JsonValue
from infra.contracts.ranking import LeasedBatch
from infra.contracts.views.api import CheckpointView
from infra.contracts.views.evaluations import EvaluationView
from infra.observability import logs, scraping
from infra.observability.metrics import observe_step
from infra.weights import weights_sha256
from trainer.batches.client import LeaseClient
from trainer.batches.leases import Leases
from trainer.checkpoints import checkpoint
from trainer.planning.announcement import announce
from trainer.processes import Processes
from trainer.recorder import Recorder
from trainer.settings import TrainerSettings
from trainer.step import Trainer
from trainer.watch.tracking import Tracker, numbers, open_tracker, track_evaluations

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
        # Whatever a thread still asks the API for is not waited for any more.
        stop.set()
        processes.close()


@dataclass
class _Run:
    settings: TrainerSettings
    client: LeaseClient
    stop: threading.Event
    processes: Processes
    root: Path
    leases: Leases
    metrics: dict[str, JsonValue] = field(default_factory=dict)
    """Those of the newest step."""
    waited: float = 0.0
    """Seconds without a batch since the newest step."""
    stepped: float = field(default_factory=time.monotonic)
    """When that ended, or when the run began."""

    def train(self) -> None:
        recorder = self._resume()
        tracker = self._tracker(recorder)
        ended = self._ended(recorder.trainer)
        while not ended:
            batches = self._lease(patient=not recorder.is_behind)
            if batches:
                self._step(recorder, batches)
                self._report(recorder.trainer, tracker)
            ended = self._ended(recorder.trainer)
            if not recorder.keep_up(self.metrics, idle=not batches, ended=ended):
                # What was trained is not ours to keep: go on from what is recorded.
                recorder = self._resume()
                ended = self._ended(recorder.trainer)
            found = recorder.evaluations if batches else self._evaluations()
            if tracker:
                track_evaluations(tracker, self.root, found)
        if tracker:
            tracker.close()

    def _evaluations(self) -> tuple[EvaluationView, ...]:
        return self.processes.from_first(lambda: self.client.evaluations(self.settings.policy))

    def _ended(self, trainer: Trainer) -> bool:
        enough = 0 < self.settings.max_steps <= trainer.state.version
        return self.processes.broadcast(enough or self.stop.is_set())

    def _lease(self, *, patient: bool) -> tuple[LeasedBatch, ...]:
        began = time.monotonic()
        batches = self.processes.from_first(lambda: self.leases.take(patient=patient))
        self.waited += time.monotonic() - began
        return batches

    def _idle(self) -> dict[str, JsonValue]:
        """Return how long the step just taken was waited for, also as a share of all time."""
        now = time.monotonic()
        waited, since = self.waited, now - self.stepped
        self.waited, self.stepped = 0.0, now
        return {"wait_seconds": waited, "idle_share": waited / since if since else 0.0}

    def _step(self, recorder: Recorder, batches: tuple[LeasedBatch, ...]) -> None:
        trainer = recorder.trainer
        try:
            metrics = _step_on(trainer, batches)
        except errors.TrainingDiverged as error:
            # What came before is as good as it was.
            recorder.settled()
            good = checkpoint.last_good(self.root)
            # Version 0 is the weights that were given, of which there is no checkpoint.
            where = checkpoint.directory_of(self.root, good) if good else "nothing"
            raise errors.TrainingDiverged(
                f"{error.detail}, in the step after version {trainer.state.version}. {where} is the"
                " newest checkpoint from which the run went on well; a new policy can start there"
            ) from error
        self.metrics = metrics | self._idle()
        recorder.took(list(batches))

    def _resume(self) -> Recorder:
        """Start from the newest checkpoint that the API has recorded, whatever lies on the disk.

        Steps behind the newest one that has the optimizer's state are taken again.
        """
        self.leases.give_up()
        version = self.processes.from_first(self._newest)
        state = self.processes.broadcast(checkpoint.newest_state(self.root, version))
        path = checkpoint.directory_of(self.root, state) if state else None
        if self.processes.first:
            announce(self.settings, path, self.processes.count)
        trainer = Trainer(self.settings, path, self.processes)
        for step in self.processes.from_first(
            lambda: checkpoint.steps_between(self.root, state, version)
        ):
            _step_on(trainer, step)
            log.info("step.again", version=trainer.state.version)
        trainer.state.batch_ids = []
        return Recorder(
            settings=self.settings,
            processes=self.processes,
            root=self.root,
            leases=self.leases,
            client=self.client,
            trainer=trainer,
            recorded=version,
        )

    def _newest(self) -> int:
        """Return the version that the API has recorded, 0 before the first."""
        newest = self.client.newest_checkpoint(self.settings.policy)
        version = newest.version if newest else 0
        checkpoint.discard_after(self.root, version)
        if newest:
            self._check(newest)
            log.info("trainer.resumed", version=version, path=newest.path)
        return version

    def _check(self, newest: CheckpointView) -> None:
        path = Path(newest.path)
        here = path.is_dir() and path == checkpoint.directory_of(self.root, newest.version)
        if not here or weights_sha256(path) != newest.sha256:
            raise errors.ConfigurationError(
                f"the newest checkpoint of {self.settings.policy!r} is not at {path}, or not what"
                " was recorded; restore it, or train another policy"
            )

    def _tracker(self, recorder: Recorder) -> Tracker | None:
        if not self.processes.first:
            return None
        return open_tracker(self.settings, self.root, recorder.recorded)

    def _report(self, trainer: Trainer, tracker: Tracker | None) -> None:
        if tracker:
            tracker.log(trainer.state.version, numbers(self.metrics))
            log.info("step", version=trainer.state.version, **self.metrics)
            observe_step(self.metrics)


def _step_on(trainer: Trainer, batches: Sequence[LeasedBatch]) -> dict[str, JsonValue]:
    return trainer.step([group for batch in batches for group in trainer.encode(batch)])
