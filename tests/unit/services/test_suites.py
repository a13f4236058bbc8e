"""Which suites are kept in memory."""

from infra.contracts.execution import Suite
from infra.contracts.problems import CallTest
from infra.queues.messaging import size_of
from services.delivery import suites
from services.delivery.suites import KnownSuites


def suite_of(size):
    return Suite(tests=(CallTest(expected="x" * size),), entry_point="f")


class Stored:
    """Suites that remember which of them was read."""

    def __init__(self, most_bytes):
        self.known = KnownSuites(most_bytes)
        self.reads = []

    def get(self, name, size):
        def read():
            self.reads.append(name)
            return suite_of(size)

        return self.known.get(name, read)


def test_suites_are_kept_as_long_as_their_bytes_fit():
    stored = Stored(2 * size_of(suite_of(1_000)))

    for name in ("a", "b", "a", "c", "a", "b"):
        stored.get(name, 1_000)

    # The third pushes out the one that was asked for longest ago.
    assert stored.reads == ["a", "b", "c", "b"]


def test_a_suite_larger_than_all_that_fits_is_kept_alone():
    stored = Stored(10_000)

    sizes = [stored.get(name, size).num_bytes for name, size in [("a", 10), ("b", 50_000)] * 2]
    stored.get("b", 50_000)

    assert sizes[1] == size_of(suite_of(50_000)) > 50_000
    assert stored.reads == ["a", "b", "a", "b"]


def test_suites_are_no_more_than_a_number(monkeypatch):
    monkeypatch.setattr(suites, "_MOST", 2)
    stored = Stored(10_000)

    for name in ("a", "b", "c", "b", "a"):
        stored.get(name, 1)

    assert stored.reads == ["a", "b", "c", "a"]
