"""Checks of tests in the candidate's process that are made outside of it."""

import pytest

from infra.contracts.base import Label, Outcome
from tests.integration.judged import shared_judge

SHOP = """
class Shop:
    def __init__(self): self.rows = {}
    def total(self): return sum(self.rows.values())
"""


def test_tests_that_read_themselves_are_there_to_be_read(cell):
    source = """
import inspect, os
def test_text():
    with open(__file__) as file: assert "Shop" + "()" in file.read()
    assert "inspect" in inspect.getsource(test_text)
def test_total(): assert Shop().total() == 0
"""
    assert shared_judge(cell, source, SHOP).judge(SHOP).label is Label.ALL_PASS


def test_a_program_reads_its_own_text(cell):
    source = """
import inspect
from solution import Shop
def test_text(): assert inspect.getsource(Shop.total).strip().startswith("def total")
"""
    assert shared_judge(cell, source, SHOP).judge(SHOP).label is Label.ALL_PASS


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("import enum\nclass E(enum.IntEnum): A = 3\ndef f(n): return E.A", Outcome.PASSED),
        (
            "class E:\n def __eq__(self, other): return 1\ndef f(n): return E()",
            Outcome.WRONG_ANSWER,
        ),
        ("def f(n): return 3 if n else iter([])", Outcome.PASSED),
        ("def f(n): raise SystemExit", Outcome.RUNTIME_ERROR),
    ],
)
def test_what_a_check_computes_counts_by_value(numbers, program, outcome):
    assert {test.outcome for test in numbers.judge(program).tests} == {outcome}


@pytest.fixture(scope="module")
def numbers(cell):
    source = "import os\nassert f(1) == 3\nassert f(2) == 3\n"
    return shared_judge(cell, source, "def f(n): return 3\n")


FORGED = """
import sys
from executor.guest.reporting import Report
def f(n): return 0
def tells(self, number, value): self._told += TOLD
Report.tell = tells
sites = sys.modules["test_suite"].__rrtf_site__
sites.tell = lambda number, value: tells(sites._report, number, value)
"""


@pytest.mark.parametrize(
    "told",
    [
        "[]",
        "[[number, {'value': True}]]",
        "[[number + 1, {'value': 3}]]",
        "[[number, {'value': 3}], [number, {'value': 4}]]",
        "[[None, {'value': 3}]]",
        "[[number, 3]]",
        "[[number, {'raised': 1, 'memory': 0, 'text': [1]}]]",
        "[[number, {'value': {'$iterator': [[], True, {'$error': ['SystemExit', []]}]}}]]",
        "[[number, {'opaque': 'x' * 100_000, 'true': True}]]",
        "[[number, {'value': {'$nodes': [[{'$at': 0}]]}}]]",
    ],
)
def test_what_is_told_of_a_check_is_nothing_but_a_value(numbers, told):
    verdict = numbers.judge(FORGED.replace("TOLD", told))

    assert verdict.passed < 2
    assert verdict.total >= 2


def test_a_check_that_cannot_be_made_outside_takes_no_other_with_it(cell):
    source = """
class TestCopies:
    def test_clone(self):
        first = {"a": "b"}
        assert first == clone(first)
        second = [{1: 2}, {"c": [3]}]
        assert second == clone(second)
    def test_size(self): assert size([1, 2]) == 2
    def test_none(self): assert size([]) == 0
"""
    reference = (
        "def clone(value):\n    if not isinstance(value, (dict, list)): raise TypeError(value)\n"
        "    return value.copy()\ndef size(value): return len(value)\n"
    )
    judge = shared_judge(cell, source, reference)

    assert judge.judge(reference).label is Label.ALL_PASS
    (guard,) = judge.asserts.guards
    assert len(guard.pattern.outside) >= 2
    assert judge.judge(reference.replace("len(value)", "3")).label is Label.PARTIAL_PASS
