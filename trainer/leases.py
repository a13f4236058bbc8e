"""Batches that are leased and not yet recorded, and the heart that beats for them."""

import threading
from types import TracebackType
from typing import Self

from infra import errors, logs
from infra.contracts.ranking import HeartbeatRequest, Lease, LeasedBatch
from trainer.client import LeaseClient, Stopped

log = logs.get(__name__)


def lease_of(batch: LeasedBatch) -> Lease:
    """Return the right to train a batch, without its content."""
    return Lease(batch_id=batch.batch_id, epoch=batch.epoch)


class HeldLeases:
    """Extends leases from a thread for as long as its block runs."""

    def __init__(self, client: LeaseClient, lease_seconds: float) -> None:
        self._client = client
        self._lease_seconds = lease_seconds
        self._lock = threading.Lock()
        self._leases: tuple[Lease, ...] = ()
        self._lost = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    @property
    def leases(self) -> tuple[Lease, ...]:
        """Those held now."""
        with self._lock:
            return self._leases

    @property
    def lost(self) -> bool:
        """Whether one was taken over: what was trained since the last checkpoint is not ours."""
        with self._lock:
            return self._lost

    def hold(self, batches: tuple[LeasedBatch, ...]) -> None:
        """Keep these batches too."""
        new = tuple(lease_of(batch) for batch in batches)
        with self._lock:
            self._leases += new

    def let_go(self) -> None:
        """Stop caring for any batch: all are recorded, or given up."""
        with self._lock:
            self._leases = ()
            self._lost = False

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

    def _beat(self) -> None:
        # Three beats to a lease: two may be lost before it ends.
        while not self._ended.wait(self._lease_seconds / 3):
            leases = self.leases
            if not leases:
                continue
            try:
                self._client.heartbeat(
                    HeartbeatRequest(leases=leases, lease_seconds=self._lease_seconds)
                )
            except errors.LeaseLost:
                with self._lock:
                    # Batches recorded while the beat was on its way are lost to nobody.
                    self._lost = self._lost or set(leases) <= set(self._leases)
            except Stopped:
                return
            except errors.SuiteError as error:
                log.warning("heartbeat.failed", reason=error.detail)
