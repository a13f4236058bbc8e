"""SIGTERM: every service ends in its time, and nothing of what it had in hand is lost."""

import signal

import pytest

from infra.contracts.base import Author, BatchState
from infra.contracts.candidates import NewCandidate, NewGroup
from infra.local.supervisor import Service
from tests.e2e.faults.load import PROBLEM, Load, connected, until, waiting
from tests.e2e.faults.rig import Record

_PATIENT = {
    "ranker": {"RRTF_RANKER_BATCH_GROUPS": "16"},
    "trainer": {"RRTF_TRAINER_THREADS": "1"},
    "sweep": {"RRTF_SWEEP_UNSENT_SECONDS": "600", "RRTF_SWEEP_STARTED_SECONDS": "600"},
}
"""A sweep that would find what is lost long after the test has given up."""
_SLOW = 8
_SLOW_PROGRAM = "import time\ntime.sleep(2)\ndef add(a, b):\n    return a + b\n_n = {}\n"


@pytest.fixture(scope="module")
def rig(start_rig, open_directory):
    home = open_directory / "sigterm"
    home.mkdir()
    home.chmod(0o711)
    return start_rig(home, _PATIENT, durable=False)


def stop(rig, name):
    """Tell a service, not its children, to stop; wait until another has taken its place."""
    pid = rig.suite.pid(name)
    rig.suite.kill(name, signal.SIGTERM, with_children=False)
    assert until(lambda: rig.suite.pid(name) != pid, Service.grace_seconds), f"{name} goes on"
    assert until(lambda: rig.suite.pid(name) is not None, 60)


def test_whoever_is_told_to_stop_loses_nothing(rig, injections):
    rounds = -(-injections // len(rig.suite.names))
    record = Record("SIGTERM")
    rig.records.append(record)
    with rig.measured(record):
        with Load(rig.suite, 1000) as load:
            for name in rig.suite.names * rounds:
                assert until(lambda: waiting(rig.suite.database_url)["candidates"] > 0)
                stop(rig, name)
                record.injections += 1
        record.refused = load.failures
        rig.prove(record, load)
        with rig.suite.client() as client:
            assert until(lambda: not client.stats().training_batches[BatchState.LEASED], 60)

    assert begun_twice(rig) == []
    assert record.sent_again == 0


def test_an_executor_told_to_stop_hands_back_the_rest_of_its_slice(rig):
    with rig.suite.client() as client:
        programs = [
            NewCandidate(author=Author.STUDENT, model="right", program=_SLOW_PROGRAM.format(number))
            for number in range(_SLOW)
        ]
        problem = client.find_problem(PROBLEM.slug)
        client.create_group(problem.id, NewGroup(candidates=tuple(programs)))
    assert until(lambda: begun(rig) > 0)

    stop(rig, "executor")
    rig.settle()

    log = (rig.suite.home / "logs" / "executor.log").read_text()
    assert "batch.handed_back" in log
    assert begun_twice(rig) == []
    assert rig.audit().is_clean


def begun(rig):
    with connected(rig.suite.database_url) as connection:
        query = "SELECT count(*) FROM candidates WHERE state = 'submitted' AND attempts > 0"
        return connection.execute(query).fetchone()[0]


def begun_twice(rig):
    """Name the candidates that were begun more than once.

    A batch may be leased twice: the answer with the lease is lost where the API stops meanwhile.
    """
    with connected(rig.suite.database_url) as connection:
        return connection.execute("SELECT id FROM candidates WHERE attempts > 1").fetchall()
