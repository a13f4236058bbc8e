"""`rrtf up`: the whole suite on this machine, until it is told to stop."""

import contextlib
import os
import shlex
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from infra.local.home import API_KEY, default_home
from services.cli.interrupts import Interrupted
from services.cli.suite.environments import served_policy
from services.cli.suite.running import RunningSuite, running_suite
from services.cli.terminal import say


def up(
    home: Path | None,
    port: int,
    executor_slots: int | None,
    trainer: bool | None,
    policy_endpoint: str | None,
    verbose: bool,
) -> None:
    """Run the suite until Ctrl-C, which waits for nothing, or SIGTERM, which waits for its work.

    Without a word about a `trainer`, one runs if a model is named for it. It trains the policy that
    is served at the `policy_endpoint`, if there is one.

    Raises:
        errors.SuiteError: something does not start, or a service is given up.
    """
    has_model = bool(os.environ.get("RRTF_TRAINER_MODEL"))
    trains = has_model if trainer is None else trainer
    with (
        contextlib.suppress(Interrupted),  # While it starts.
        running_suite(
            (home or default_home()).absolute(),
            executor_slots=executor_slots,
            trainer=trains,
            port=port,
            echo=verbose,
            tell=lambda text: say(text, err=True),
            overrides=served_policy(policy_endpoint) if policy_endpoint else None,
        ) as suite,
    ):
        if not has_model:
            what = "trains a small one made from nothing" if trains else "does not run"
            say(f"RRTF_TRAINER_MODEL names no model: the trainer {what}.", err=True)
        for line in _ready(suite):
            say(line, err=True)
        try:
            while True:
                suite.check()
                time.sleep(1.0)
        except Interrupted as interrupted:
            say("stopping", err=True)
            if interrupted.signal == signal.SIGINT:
                suite.abandon()


def _ready(suite: RunningSuite) -> Iterator[str]:
    """Say where the suite is, and how it is used and ended."""
    yield f"The suite is ready: {suite.api_url}"
    yield f"  dashboard  {suite.api_url} in a browser"
    yield f"  API        {suite.api_url}/docs documents it"
    yield f"  key        in {suite.home / API_KEY}, where commands on this machine find it"
    if suite.home != default_home().absolute():
        yield f"  commands   find it after: export RRTF_HOME={shlex.quote(str(suite.home))}"
    yield f"  logs       in {suite.home / 'logs'}; --verbose shows them here"
    yield "  stop       Ctrl-C"
