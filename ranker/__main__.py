"""Starts a ranker worker."""

import sys

from infra import errors
from infra.observability import logs, scraping
from infra.queues.messaging import Queue, run_worker
from infra.settings import DatabaseSettings, load, reject_unknown
from ranker.settings import RankerSettings


def main() -> int:
    """Run until told to stop."""
    logs.configure("ranker")
    try:
        scraping.begin_shared()
        load(RankerSettings)
        load(DatabaseSettings)
        reject_unknown()
        from ranker.tasks import app  # Reads REDIS_URL; after the settings are known to be right.
    except errors.SuiteError as error:
        logs.get(__name__).error("ranker.refused_to_start", code=error.code, reason=error.detail)
        return 1
    run_worker(app, Queue.RANKER, concurrency=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
