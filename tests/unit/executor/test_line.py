"""Work in line for slots: what waits, and in which order it is back."""

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from executor.judging.run import Asserts
from executor.worker.line import Done, Labelled, Line, Work


class Slots:
    """Three slots that say what they are given, and which suites they have read themselves."""

    def __init__(self, first_is_slow=False):
        self.read = Counter()
        self.largest = 0
        self.others_are_done = threading.Event()
        self.meeting = None
        """Where slots wait for one another that have more than one program of a broken suite."""
        self._first_is_slow = first_is_slow
        self._threads = ThreadPoolExecutor(3)

    def submit(self, work, read):
        self.largest = max(self.largest, len(work))
        return self._threads.submit(self._label, work, dict(read))

    def _label(self, work, read):
        suites = {one.suite for one in work}
        if self._first_is_slow and "a" in suites:
            assert self.others_are_done.wait(60)
        if self.meeting is not None and "broken" in suites and len(work) > 1:
            self.meeting.wait(60)
        if "c" in suites:
            self.others_are_done.set()
        unread = suites - read.keys()
        self.read.update(unread)
        found = {} if "broken" in unread else dict.fromkeys(unread, Asserts([], [], []))
        return Done([Labelled(None, one.source) for one in work], found)


def work(counts):
    return [Work(suite, f"{suite}{n}") for suite, count in counts.items() for n in range(count)]


@pytest.mark.parametrize(
    "counts",
    [
        {"a": 1},
        {"a": 40, "b": 3, "c": 64},
        {"a": 7, "b": 9, "c": 1, "d": 30},
        {str(n): 1 for n in range(50)},
        {},
    ],
)
def test_each_suite_is_read_by_one_slot_and_all_is_back_in_order(counts):
    slots = Slots()

    found = list(Line(slots.submit, 6).label(work(counts)))

    assert [one.error for one in found] == [one.source for one in work(counts)]
    assert slots.read == dict.fromkeys(counts, 1)
    assert slots.largest <= 8


def test_others_are_handed_over_while_a_suite_is_being_read():
    slots = Slots(first_is_slow=True)
    counts = {"a": 20, "b": 8, "c": 8}

    found = list(Line(slots.submit, 8).label(work(counts)))

    assert [one.error for one in found] == [one.source for one in work(counts)]
    assert slots.read == {"a": 1, "b": 1, "c": 1}


def test_what_nobody_can_read_keeps_nobody_waiting():
    slots = Slots()
    slots.meeting = threading.Barrier(3)

    found = list(Line(slots.submit, 4).label(work({"broken": 1 + 3 * 8, "a": 9})))

    assert len(found) == 34
    assert slots.read["a"] == 1
