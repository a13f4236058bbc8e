"""The batches a trainer holds: leased, kept by a heartbeat, recorded with a checkpoint."""

import threading
import time
from collections.abc import Collection
from types import TracebackType
from typing import Self

from infra import errors, health
from infra.contracts.ranking import (
    CompleteRequest,
    HeartbeatRequest,
    Lease,
    LeasedBatch,
    LeaseRequest,
    NewCheckpoint,
)
from infra.observability import logs
from trainer.batches.client import LeaseClient, Stopped
from trainer.settings import TrainerSettings

log = logs.get(__name__)

_GIVEN_BACK_SECONDS = 1.0
"""Shortest lease there is: what is extended by it is another's to take."""
_MOST_PAUSE_SECONDS = 30.0
"""Between two beats, however long the lease: each also says that the trainer lives."""
_BUSY_SECONDS = 3.0
"""Longest pause before a policy that another trains is asked for again: its lease may end early."""


class Leases:
    """Leases of one policy's batches, extended from a thread for as long as its block runs."""

    def __init__(
        self, settings: TrainerSettings, client: LeaseClient, stop: threading.Event
    ) -> None:
        self._settings = settings
        self._client = client
        self._stop = stop
        self._lock = threading.Lock()
        self._held: tuple[Lease, ...] = ()
        self._lost = False
        self._fresh = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def lost(self) -> bool:
        """Whether one was taken over: what was trained since the last checkpoint is not ours."""
        with self._lock:
            return self._lost

    def take(self, *, patient: bool) -> tuple[LeasedBatch, ...]:
        """Lease the batches of one step: fewer if the API has no more, none when told to stop.

        The API may wait for a batch, unless its asker is not patient.

        Raises:
            errors.PolicyBusy: another trainer of this policy is alive.
        """
        batches: tuple[LeasedBatch, ...] = ()
        while len(batches) < self._settings.batches_per_step:
            leased = self._ask(self._settings.batches_per_step - len(batches), patient)
            if not leased:
                break
            with self._lock:
                self._held += tuple(Lease(batch_id=b.batch_id, epoch=b.epoch) for b in leased)
            batches += leased
        return () if self._stop.is_set() else batches

    def complete(self, checkpoint: NewCheckpoint, trained: Collection[str]) -> bool:
        """Record the batches of these ids with the checkpoint they went into.

        Others that are held stay so: they were leased, and no step has seen them. Tells whether
        the checkpoint counts.
        """
        held = tuple(one for one in self._held if str(one.batch_id) in trained)
        request = CompleteRequest(policy=self._settings.policy, leases=held, checkpoint=checkpoint)
        try:
            self._client.complete(request)
        except (errors.LeaseLost, errors.Conflict) as error:
            log.warning("batches.not_recorded", version=checkpoint.version, reason=error.detail)
            return False
        with self._lock:
            self._held = tuple(one for one in self._held if one not in held)
            self._lost = False
        return True

    def give_up(self) -> None:
        """Stop caring for any batch: they are not ours to record, and the API has them back."""
        with self._lock:
            self._held, self._lost = (), False
        self._fresh = True

    def _ask(self, limit: int, patient: bool) -> tuple[LeasedBatch, ...]:
        """Ask once, and again for as long as a lease of another trainer may outlive it."""
        patient_until = time.monotonic() + 1.5 * self._settings.lease_seconds
        is_told = False
        while not self._stop.is_set():
            request = LeaseRequest(
                worker=self._settings.worker,
                policy=self._settings.policy,
                limit=limit,
                lease_seconds=self._settings.lease_seconds,
                wait_seconds=self._settings.wait_seconds if patient else 0,
                max_staleness=self._settings.max_staleness,
                # What this worker's name held before it started, or gave up, is given back.
                fresh=self._fresh,
            )
            try:
                leased = self._client.lease(request).batches
            except Stopped:
                break
            except errors.PolicyBusy as busy:
                if time.monotonic() > patient_until:
                    raise
                if not is_told:
                    log.warning("policy.busy", reason=busy.detail)
                is_told = True
                self._stop.wait(min(self._settings.lease_seconds / 8, _BUSY_SECONDS))
                continue
            self._fresh = False
            return leased
        return ()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        # A batch that came while the trainer was told to stop waits for nobody's lease to end.
        if error is None and self._held:
            self._give_back()

    def _give_back(self) -> None:
        log.info("batches.given_back", batch_ids=[str(one.batch_id) for one in self._held])
        request = HeartbeatRequest(leases=self._held, lease_seconds=_GIVEN_BACK_SECONDS)
        try:
            self._client.heartbeat(request)
        except (Stopped, errors.SuiteError) as failure:
            # Its lease ends by itself.
            log.warning("batches.not_given_back", reason=str(failure) or "the API is away")

    def _beat(self) -> None:
        # Three beats to a lease: two may be lost before it ends.
        seconds = self._settings.lease_seconds
        pause = min(seconds / 3, _MOST_PAUSE_SECONDS)
        health.round_ended("trainer")
        while not self._ended.wait(pause):
            health.round_ended("trainer")
            with self._lock:
                held = self._held
            if not held:
                continue
            try:
                self._client.heartbeat(HeartbeatRequest(leases=held, lease_seconds=seconds))
            except errors.LeaseLost:
                with self._lock:
                    # Batches recorded while the beat was on its way are lost to nobody.
                    self._lost = self._lost or set(held) <= set(self._held)
            except Stopped:
                return
            except errors.SuiteError as error:
                log.warning("heartbeat.failed", reason=error.detail)
