"""Connections to Postgres are cut: at any instant, and exactly between commit and send."""

import os
import signal

from tests.e2e.faults.fragile import CAUGHT
from tests.e2e.faults.load import connected, until


def cut(rig):
    """End every connection of the suite; return how many there were."""
    with connected(rig.suite.database_url) as connection:
        query = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
            " WHERE application_name = 'rrtf'"
        )
        return connection.execute(query).fetchone()[0]


def test_connections_cut_at_random_change_nothing(rig):
    cuts = 0
    with rig.fault("Postgres connections cut") as injections:
        for _ in injections:
            cuts += cut(rig)

    assert cuts > 0


def test_a_commit_whose_messages_never_left_is_found(rig):
    with rig.fault("cut, killed between commit and send") as injections:
        for number in injections:
            process = catch(rig, "services.delivery.dispatcher")
            assert cut(rig) > 0
            if number % 2:
                rig.suite.kill("dispatcher")
            else:
                os.kill(process, signal.SIGCONT)


def catch(rig, module):
    """Have the next sender of a service stop itself between commit and send; return its number."""
    caught = rig.traps / (module + CAUGHT)
    caught.unlink(missing_ok=True)
    (rig.traps / module).touch()
    assert until(caught.exists, 30), f"{module} sends nothing"
    return int(caught.read_text())
