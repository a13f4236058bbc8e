"""How much the dispatcher puts into the executors' queue."""

import itertools
from types import SimpleNamespace

from services.delivery import dispatcher
from services.delivery.dispatcher import Stock


def test_a_queue_is_filled_up_once_a_quarter_is_gone():
    stock = Stock()
    room = stock.room(0, results=0)
    assert room > 0
    stock.added(room)

    assert stock.room(room, results=0) == 0
    assert stock.room(room * 3 // 4, results=0) >= room - room * 3 // 4


def test_nothing_is_added_while_results_wait_to_be_stored(monkeypatch):
    monkeypatch.setattr(dispatcher, "_LEAST_RESULTS", 10)
    monkeypatch.setattr(dispatcher, "_LEAST", 4)
    stock = Stock()

    assert stock.room(0, results=11) == 0
    assert stock.room(0, results=10) > 0


def test_who_empties_a_queue_faster_may_leave_more_results(monkeypatch):
    seconds = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds))
    monkeypatch.setattr(dispatcher, "time", clock)
    monkeypatch.setattr(dispatcher, "_LEAST_RESULTS", 1)
    stock = Stock()
    for results, is_room in ((0, True), (300, True), (1000, False)):
        stock.added(100)
        assert (stock.room(0, results=results) > 0) is is_room
