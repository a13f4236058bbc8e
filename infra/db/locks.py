"""Numbers of the suite's advisory locks in Postgres: one for each thing that is done one at a time.

Locks with one key and locks with two do not meet. `infra.repeats` takes locks by hashes.
"""

from enum import IntEnum


class Lock(IntEnum):
    """The only key of a lock, or the first of two."""

    MIGRATING = 7_300_911
    FORMING_BATCHES = 7_300_912
    SWEEPING = 7_300_913
    GIVING_OUT = 7_300_914
    """Whoever sends work to the queues, or deletes executions."""
    LEASING = 7_300_915
    """With the hash of a policy's name."""
    BRINGING_WEIGHTS = 7_300_916
    """With the hash of an endpoint's name."""
