"""Starts a trainer, or says what it would take: `python -m trainer --plan 8x80`."""

import argparse
import os
import signal
import sys
import threading
import warnings
from collections.abc import Sequence

from transformers.utils import logging as transformers_logging

from infra import errors
from infra.observability import logs
from infra.settings import ClientSettings, load, reject_unknown
from trainer.batches.client import LeaseClient, Stopped
from trainer.loop import run
from trainer.planning.announcement import explain
from trainer.planning.cards import HERE, Cards
from trainer.settings import TrainerSettings


def main(arguments: Sequence[str] = ()) -> int:
    """Train until told to stop; return 1 when something is wrong, 70 after a crash."""
    parser = argparse.ArgumentParser(prog="python -m trainer", description=__doc__)
    parser.add_argument(
        "--plan",
        metavar="CARDS",
        nargs="?",
        const=HERE,
        help=f"say what training takes of each card, and stop: `{HERE}` (default), or as in `8x80`,"
        " eight GPUs of 80 GiB",
    )
    cards = parser.parse_args(arguments).plan
    logs.configure("trainer")
    # Bars are drawn for people, over and over; what happens is in the log.
    transformers_logging.disable_progress_bar()
    # Said of every state that a single process saves.
    warnings.filterwarnings("ignore", message="torch.distributed is disabled")
    log = logs.get(__name__)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        settings, api = load(TrainerSettings), load(ClientSettings)
        reject_unknown()
        if cards:
            sys.stdout.write(explain(settings, Cards.parse(cards)))
            return 0
        key = api.key.get_secret_value() if api.key else None
        client = LeaseClient(api.url, key, stop)
        log.info("trainer.ready", policy=settings.policy)
        run(settings, client, stop)
        client.close()
    except Stopped:
        return 0
    except errors.SuiteError as error:
        log.error("trainer.stopped", code=error.code, reason=error.detail)
        return 1
    except Exception:
        # A full disk, for one. Status 1 says that another start will not help; after this one may.
        log.exception("trainer.crashed")
        return os.EX_SOFTWARE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
