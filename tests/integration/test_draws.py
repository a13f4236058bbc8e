"""Tests and their copies, compiled once for the runs of several candidates."""

import re

import pytest

from executor.judging.shared import readying, reference
from infra.contracts.base import Label
from tests.integration.judged import shared_judge

TESTS = """
import os, pytest
class Text(str): pass
def test_text(): assert f("a") == Text("ab")
def test_none(): assert f("") is None
@pytest.mark.parametrize("text, found", [("b", Text("bb")), ("cb", Text("cbb"))])
def test_rows(text, found): assert f(text) == found
def test_number():
    with pytest.raises(TypeError, match="text"): f(1)
    with pytest.raises(TypeError, match="text"): f(b"")
"""
RIGHT = """
def f(text):
    if not isinstance(text, str): raise TypeError("no text")
    return text + "b" if text else None
"""
TELLING = """
import os
def f(text): raise ValueError(os.environ["PYTEST_CURRENT_TEST"][::-1])
"""
"""Tells under which names tests run, so that nobody takes them for names of tests."""


def names_in(judge):
    verdict = judge.judge(TELLING)
    assert verdict.label is Label.RUNTIME_ERROR
    return {name for test in verdict.tests for name in re.findall("[0-9a-f]{16}_tset", test.detail)}


def test_several_runs_have_the_same_names_and_later_ones_others(cell, monkeypatch):
    monkeypatch.setattr(readying, "_RUNS", 2)
    judge = shared_judge(cell, TESTS, RIGHT)

    first, again, third = (names_in(judge) for _ in range(3))

    assert first == again
    assert first.isdisjoint(third)
    assert len(first) == len(third) > 1


def test_copies_that_are_many_are_chosen_as_well_as_few(cell, monkeypatch):
    few = shared_judge(cell, TESTS, RIGHT)
    monkeypatch.setattr(reference, "_LARGE", 0)
    many = shared_judge(cell, TESTS, RIGHT)

    assert few.asserts.protection == many.asserts.protection
    assert many.asserts.protection.guarded == many.asserts.protection.sites == 5
    assert many.judge(RIGHT).label is Label.ALL_PASS
    assert many.judge(RIGHT.replace('+ "b"', '+ "c"')).label is Label.PARTIAL_PASS


@pytest.mark.parametrize("large", [0, 10**9])
def test_a_check_that_cannot_be_made_outside_is_found_with_or_without_copies(
    cell, monkeypatch, large
):
    monkeypatch.setattr(reference, "_LARGE", large)
    program = "class Set(set):\n    def __eq__(self, other): return len(self) == len(other)\n"
    program += "def f(n): return Set(range(n))\n"
    source = "import os\ndef test_f(): assert f(2) == {3, 4}\ndef test_g(): assert f(0) == set()\n"

    judge = shared_judge(cell, source, program)

    assert judge.asserts.protection.guarded == 2
    assert judge.judge(program).label is Label.ALL_PASS
    assert judge.judge(program.replace("range(n)", "()")).label is not Label.ALL_PASS
