"""Redis is stopped, in order or not, and comes back after a while."""

import os
import signal
import time


def test_a_stopped_redis_is_waited_for(rig, long_outage):
    valkey = rig.suite.servers.valkey
    with rig.fault("Redis stopped") as injections:
        for number in injections:
            if number % 2:
                os.kill(valkey.pid, signal.SIGKILL)
            valkey.stop()
            time.sleep(rig.rng.uniform(0.1, 0.6) if number % 20 else long_outage)
            valkey.start()
