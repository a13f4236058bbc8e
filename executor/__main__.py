"""Starts an executor worker: probes the sandbox, then empties the executor's queue."""

import contextlib
import sys

from executor.images.packages import Images
from executor.sandbox.accounting import choose
from executor.sandbox.slot import Slot
from executor.settings import ExecutorSettings
from executor.worker.probe import require
from infra import errors
from infra.observability import logs, scraping
from infra.queues.messaging import Queue, run_worker
from infra.settings import QueueSettings, load, reject_unknown


def main() -> int:
    """Run until told to stop; return 1 when the sandbox does not hold."""
    logs.configure("executor")
    log = logs.get(__name__)
    try:
        scraping.begin_shared()
        settings = load(ExecutorSettings)
        if settings.batch_seconds >= load(QueueSettings).stop_seconds:
            raise errors.ConfigurationError(
                "RRTF_EXECUTOR_BATCH_SECONDS must be less than 14/15 of RRTF_QUEUE_TASK_SECONDS"
            )
        reject_unknown()
        # The number past the last slot, so that a worker already running here is not disturbed.
        with contextlib.closing(Slot(settings, number=settings.slots)) as slot:
            require(slot.sandbox)
            log.info("sandbox.ready", sandbox=slot.version, slots=settings.slots)
        from executor.worker.tasks import (
            app,  # Reads REDIS_URL; after the settings are known to be right.
        )
    except errors.SuiteError as error:
        log.error("executor.refused_to_start", code=error.code, reason=error.detail)
        return 1
    try:
        images = Images(settings.home, settings.images)
        run_worker(app, Queue.EXECUTOR, concurrency=settings.slots, images=images.built)
    finally:
        # A child that was killed could not remove its own groups; opening an account does.
        choose(settings.cgroup, settings.require_cgroup).close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
