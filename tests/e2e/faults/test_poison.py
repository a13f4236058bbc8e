"""Candidates that kill their cell and their worker, every time."""

import contextlib
import threading

import pytest

from tests.e2e.faults.fragile import CAUGHT
from tests.e2e.faults.load import LETHAL, POISON, Load, connected
from tests.e2e.faults.rig import QUICK, Record

_ATTEMPTS = 3
_KILL_SECONDS = 5.0
"""Longest that one kill may take, with the start of what was killed."""


@pytest.fixture(scope="module")
def rig(start_rig, open_directory):
    """A suite of its own, with as many attempts as one usually allows."""
    sweep = QUICK["sweep"] | {
        "RRTF_SWEEP_MAX_ATTEMPTS": str(_ATTEMPTS),
        # Each copy of a message kills once more. So no copy while an executor starts, nor while a
        # message waits for those before it, eight at most, each of which ends an executor.
        "RRTF_SWEEP_UNSENT_SECONDS": "5",
        "RRTF_SWEEP_BACKLOG_SECONDS": "60",
    }
    settings = {"sweep": sweep, "ranker": {}, "sampler": {}}
    home = open_directory / "poison"
    home.mkdir()
    home.chmod(0o711)
    rig = start_rig(home, settings, trainer=False, durable=False)
    rig.max_attempts = _ATTEMPTS
    return rig


def test_poison_is_set_aside_and_nobody_else_suffers(rig, injections):
    # Each candidate kills as often as it may be begun.
    candidates = -(-injections // _ATTEMPTS)
    poisoned(rig, Record("poison kills its process", candidates * _ATTEMPTS), POISON, candidates)


def test_poison_that_kills_its_whole_worker_is_set_aside(rig, injections):
    # The first time several may be run, and killed, together; afterwards each is alone.
    candidates = -(-injections // (_ATTEMPTS - 1))
    record = Record("poison kills its worker")
    with killer(rig, record):
        poisoned(rig, record, LETHAL, candidates)

    assert record.injections > candidates * (_ATTEMPTS - 1)


def poisoned(rig, record, poison, candidates):
    """Submit groups with poison in each; prove that it alone is set aside."""
    rig.records.append(record)
    load = Load(rig.suite, 1000 if poison == POISON else 2000)
    with rig.measured(record):
        with rig.suite.client() as client:
            load.submit(client, candidates, poison)
        rig.prove(record, load, 120.0 + candidates * _ATTEMPTS * _KILL_SECONDS)

    with connected(rig.suite.database_url) as connection:
        query = "SELECT state, attempts, reason FROM candidates WHERE model = %s"
        found = connection.execute(query, [poison]).fetchall()
    assert [state for state, *_ in found] == ["quarantined"] * candidates
    assert {attempts for _, attempts, _ in found} == {_ATTEMPTS}
    assert all(f"{_ATTEMPTS} attempts: " in reason for *_, reason in found)


@contextlib.contextmanager
def killer(rig, record):
    """Kill the executor with all its children whenever it is about to run what kills it."""
    caught = rig.traps / (LETHAL + CAUGHT)
    over = threading.Event()

    def kill():
        while not over.wait(0.05):
            if caught.exists():
                caught.unlink()
                rig.suite.kill("executor")
                record.injections += 1

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
