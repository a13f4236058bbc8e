"""Starts a sampler worker."""

import sys

from infra import errors
from infra.observability import logs
from infra.queues.messaging import Queue, run_worker
from infra.settings import DatabaseSettings, load, reject_unknown
from sampler.servers.endpoint_settings import EndpointSettings
from sampler.settings import SamplerSettings


def main() -> int:
    """Run until told to stop."""
    logs.configure("sampler")
    try:
        settings = load(SamplerSettings)
        settings.backends()
        load(EndpointSettings).read_for_tasks()
        load(DatabaseSettings)
        reject_unknown()
        from sampler.tasks import app  # Reads REDIS_URL; after the settings are known to be right.
    except errors.SuiteError as error:
        logs.get(__name__).error("sampler.refused_to_start", code=error.code, reason=error.detail)
        return 1
    # Threads, not processes: they wait for servers, and a GPU has no use for a fork.
    run_worker(app, Queue.SAMPLER, concurrency=settings.groups, pool="threads")
    return 0


if __name__ == "__main__":
    sys.exit(main())
