"""What a process tells of its tests, as it is written there and as it is read here."""

import contextlib
import socket

import pytest

from executor.guest.channel import Channel, Closed
from executor.guest.reporting import PASSED, Report
from executor.judging.items import Items
from infra.contracts.base import Outcome


@pytest.fixture
def told():
    """Has a report made, and returns the messages of it."""

    def messages(make):
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                make(Report(Channel(theirs.fileno()), lambda: None))
            found, channel = [], Channel(ours.fileno())
            with contextlib.suppress(Closed):
                while True:
                    found.append(channel.receive())
            return found

    return messages


def test_the_end_of_a_test_comes_with_the_beginning_of_the_next(told):
    def make(report):
        for name, is_followed in (("a", True), ("b", True), ("c", False)):
            report.begin(name)
            report.tell(1, name)
            report.end(name, PASSED, is_followed)
        report.done([])

    messages = told(make)

    assert [sorted(message.keys() & {"begin", "end", "done"}) for message in messages] == [
        ["begin"], ["begin", "end"], ["begin", "end"], ["end"], ["done"],
    ]  # fmt: skip
    items = Items(None)
    assert [items.step(message) for message in messages] == [False] * 4 + [True]
    assert items.passed == ("a", "b", "c")
    assert [one["told"] for one in messages[1:4]] == [[[1, {"value": name}]] for name in "abc"]


def test_what_ends_the_process_is_charged_to_the_test_that_has_begun(told):
    def make(report):
        report.begin("a")
        report.end("a", PASSED, is_followed=True)
        report.begin("b")

    items = Items(None)
    for message in told(make):
        items.step(message)
    items.charge(Outcome.TIME_LIMIT_EXCEEDED, "late")

    outcomes = {name: result.outcome for name, result in items.told.items()}
    assert outcomes == {"a": Outcome.PASSED, "b": Outcome.TIME_LIMIT_EXCEEDED}


def test_an_end_is_told_even_if_nothing_follows_it(told):
    def make(report):
        report.begin("a")
        report.end("a", PASSED, is_followed=True)
        report.done([])

    assert [message.get("end") for message in told(make)] == [None, "a", None]
