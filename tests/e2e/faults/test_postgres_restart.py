"""Postgres is restarted, in order or by a crash, and comes back after a while."""

import os
import signal
import time


def test_a_restarted_postgres_is_waited_for(rig, long_outage):
    postgres = rig.suite.servers.postgres
    with rig.fault("Postgres restarted") as injections:
        for number in injections:
            if number % 2:
                os.kill(postgres.pid, signal.SIGQUIT)  # Immediate: recovery follows.
            postgres.stop()
            time.sleep(rig.rng.uniform(0.0, 0.3) if number % 20 else long_outage)
            postgres.start()
