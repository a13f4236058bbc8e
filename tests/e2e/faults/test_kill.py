"""SIGKILL: every service at any instant, its children with it."""

import itertools

from infra.contracts.base import BatchState
from tests.e2e.faults.load import until


def test_services_killed_at_random_change_nothing(rig):
    names = list(rig.suite.names)
    assert {"api", "ranker", "sampler", "executor", "sweep", "trainer"} <= set(names)
    rig.rng.shuffle(names)
    victims = itertools.cycle(names)
    with rig.fault("SIGKILL of a service") as injections:
        for _ in injections:
            rig.suite.kill(next(victims))


def test_a_trainer_goes_on_with_what_a_killed_one_left(rig):
    def all_are_trained():
        rig.suite.check()
        batches = client.stats().training_batches
        return not batches[BatchState.READY] and not batches[BatchState.LEASED]

    with rig.suite.client() as client:
        assert until(all_are_trained, 120)

    assert rig.audit().is_clean
