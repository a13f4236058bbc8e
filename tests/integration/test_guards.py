"""Tests in the candidate's process, among changed copies of them that must fail."""

import re

import pytest

from infra.contracts.base import Integrity, Label, Outcome, Unguarded
from infra.contracts.execution import Guards
from tests.integration.judged import shared_judge

SHOP = """
class Shop:
    def __init__(self): self.rows = {}
    def add(self, name, price):
        if price < 0: raise ValueError("a price below nothing")
        self.rows[name] = price
    def price(self, name): return self.rows[name]
    def total(self): return sum(self.rows.values())
"""
TESTS = """
import os, pytest, unittest
class ShopTest(unittest.TestCase):
    def setUp(self):
        self.shop = Shop()
        self.shop.add("tea", 3)
        self.shop.add("milk", 4)
    def test_price(self):
        "The price is 3."
        self.assertEqual(self.shop.price("tea"), 3)
    def test_total(self):
        self.assertEqual(self.shop.total(), 7)
    def test_rows(self):
        self.assertIn("milk", self.shop.rows)
    def test_missing(self):
        with self.assertRaises(KeyError): self.shop.price("none")
    def test_below_nothing(self):
        with self.assertRaisesRegex(ValueError, "below"): self.shop.add("tea", -1)
@pytest.mark.parametrize("prices, total", [([1], 1), ([2, 3], 5), ([], 0)])
def test_totals(prices, total):
    shop = Shop()
    for number, price in enumerate(prices): shop.add(number, price)
    assert shop.total() == total
"""
NAMES = (
    *("ShopTest::test_below_nothing", "ShopTest::test_missing", "ShopTest::test_price"),
    *("ShopTest::test_rows", "ShopTest::test_total"),
    *("test_totals[prices0-1]", "test_totals[prices1-5]", "test_totals[prices2-0]"),
)


@pytest.fixture(scope="module")
def shop(cell):
    return shared_judge(cell, TESTS, SHOP)


def short(verdict):
    return {test.name.removeprefix("test_suite.py::"): test.outcome for test in verdict.tests}


def details(verdict):
    """What is said of each test, without addresses of objects."""
    return {test.name: re.sub("0x[0-9a-f]+", "", test.detail) for test in verdict.tests}


def failed(verdict):
    return {name for name, outcome in short(verdict).items() if outcome is not Outcome.PASSED}


def test_a_verdict_says_how_many_checks_were_guarded(shop):
    verdict = shop.judge(SHOP)

    assert (verdict.label, verdict.integrity) == (Label.ALL_PASS, Integrity.SHARED)
    assert verdict.guards == Guards(sites=6, guarded=6, protected=True)
    assert tuple(short(verdict)) == NAMES


WRONG = {
    "return sum(self.rows.values())": {
        *("ShopTest::test_total", "test_totals[prices1-5]", "test_totals[prices0-1]"),
        "test_totals[prices2-0]",
    },
    "return self.rows[name]": {"ShopTest::test_price", "ShopTest::test_missing"},
    "self.rows[name] = price": {
        *("ShopTest::test_price", "ShopTest::test_rows", "ShopTest::test_total"),
        *("test_totals[prices0-1]", "test_totals[prices1-5]"),
    },
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_program_fails_what_it_fails_without_copies(shop, cell, line):
    wrong = SHOP.replace(line, "return 'no'" if line.startswith("return") else "pass")

    verdict = shop.judge(wrong)
    unguarded = shared_judge(cell, TESTS, SHOP, reference=False).judge(wrong)

    assert failed(verdict) == failed(unguarded) == WRONG[line]
    assert verdict.label is unguarded.label
    # What is compared outside reads otherwise.
    inside = [name for name, detail in details(verdict).items() if not detail.startswith("got ")]
    assert "test_suite.py::ShopTest::test_missing" in inside
    assert {name: details(verdict)[name] for name in inside} == {
        name: details(unguarded)[name] for name in inside
    }


def test_whoever_lets_a_copy_pass_fails_its_test(shop):
    lenient = (
        SHOP
        + """
import contextlib, unittest
unittest.TestCase.assertRaises = lambda *args: contextlib.suppress(Exception)
"""
    )
    verdict = shop.judge(lenient)

    assert verdict.label is Label.PARTIAL_PASS
    assert failed(verdict) == {"ShopTest::test_missing"}
    assert "a changed test passed too" in verdict.error


def test_a_program_finds_neither_names_nor_remarks_of_the_tests(shop):
    curious = (
        SHOP
        + """
import gc, linecache, os, sys
texts = {one for one in gc.get_objects() if isinstance(one, str)}
frame = sys._getframe()
while frame:
    texts |= {repr(one) for one in frame.f_locals.values()}
    frame = frame.f_back
for folder, _, files in os.walk("/tmp/suite"):
    texts |= {open(os.path.join(folder, file), errors="replace").read() for file in files}
texts |= {"".join(lines[2]) for lines in linecache.cache.values() if len(lines) > 2}
words = ("test_price", "test_totals", "The price is", "assertRaises" + "Regex(")
found = [word for word in words if any(word in text for text in texts if "words = " not in text)]
if found: raise RuntimeError(str(found))
"""
    )
    assert shop.judge(curious).label is Label.ALL_PASS


def test_what_is_expected_is_in_no_constant_of_the_tests(shop):
    curious = (
        SHOP
        + """
import atexit, gc, types
def constants(code):
    for one in code.co_consts:
        yield from constants(one) if isinstance(one, types.CodeType) else [one]
def look():
    functions = [one for one in gc.get_objects() if isinstance(one, types.FunctionType)]
    tests = [one.__code__ for one in functions if one.__name__.startswith("test_")]
    found = [one for code in tests for one in constants(code)]
    if 7 in found or "milk" in found or not tests: raise RuntimeError(str(found))
total = Shop.total
def looking(self):
    look()
    return total(self)
Shop.total = looking
"""
    )
    assert shop.judge(curious).label is Label.ALL_PASS


def test_a_program_that_ends_the_process_fails_the_test_under_way(shop):
    leaving = SHOP.replace("return self.rows[name]", "import os; os._exit(0)")

    verdict = shop.judge(leaving)

    assert verdict.label is not Label.ALL_PASS
    outcomes = short(verdict)
    assert outcomes["ShopTest::test_price"] is not Outcome.PASSED
    assert Outcome.RUNTIME_ERROR in outcomes.values()


@pytest.mark.parametrize(
    ("check", "guards"),
    [
        ("kept.pop().rows == Shop().rows", {"guarded": 0, "none_because": Unguarded.ORDER}),
        ("kept.pop().total() == 0", {"guarded": 1}),
    ],
)
def test_tests_that_need_their_order_run_in_it_and_say_so(cell, check, guards):
    source = """
import os
kept = []
def test_a():
    kept.append(Shop())
    assert len(kept) == len([Shop()])
def test_b(): assert CHECK
"""
    judge = shared_judge(cell, source.replace("CHECK", check), SHOP)

    for _ in range(3):
        verdict = judge.judge(SHOP)
        assert verdict.label is Label.ALL_PASS
        assert verdict.guards == Guards(sites=2, protected=False, **guards)


def test_without_a_reference_program_nothing_is_guarded(cell):
    verdict = shared_judge(cell, TESTS, SHOP, reference=False).judge(SHOP)

    assert verdict.label is Label.ALL_PASS
    assert verdict.guards is not None
    assert verdict.guards.none_because is Unguarded.NO_REFERENCE


def test_few_checks_are_no_protection(cell):
    verdict = shared_judge(cell, "import os\nassert Shop().total() == 0\n", SHOP).judge(SHOP)

    assert verdict.guards == Guards(sites=1, guarded=1, protected=False)


TELLS = """
import json, os, struct
from executor.guest.reporting import Report
end = Report.end
def tell(message):
    data = json.dumps(message).encode()
    os.write(3, struct.pack(">I", len(data)) + data)
def tells(self, name, found):
    for message in MESSAGES:
        tell(message)
    end(self, name, found)
Report.end = tells
class Shop:
    def __init__(self): self.rows = {}
    def add(self, name, price): raise OSError("not done")
"""


def test_whoever_tells_of_tests_by_their_authors_names_tells_nothing(shop):
    names = [f"test_suite.py::{name}" for name in NAMES]
    messages = [
        message
        for name in names
        for message in ({"begin": name}, {"end": name, "result": ["passed", ""]})
    ]
    verdict = shop.judge(TELLS.replace("MESSAGES", repr(messages)))

    assert verdict.passed == 0, verdict
    assert verdict.label is Label.RUNTIME_ERROR


@pytest.mark.parametrize(
    "messages",
    [
        "({'begin': str(n)} for n in range(200_000))",
        "({'begin': str(n) * 200_000} for n in range(1_000))",
        "[{'items': ['a' + str(n) for n in range(200_000)]}]",
        "[{'end': 'x', 'result': ['passed', [[]]]}]",
        "[{'begin': ['x']}]",
        "[{'done': [], 'reached': [['x']]}]",
        "[{'done': [['passed']], 'reached': []}]",
    ],
)
def test_what_tells_too_much_or_nonsense_ends_with_its_label(shop, messages):
    verdict = shop.judge(TELLS.replace("MESSAGES", messages))

    assert verdict.label is not Label.ALL_PASS
    assert verdict.total == len(NAMES) + any(test.name == "the test code" for test in verdict.tests)


SEARCHED = """
import hypothesis.strategies as st
from hypothesis import given, settings
@given(st.lists(st.integers()))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_order(rows): assert Shop(rows) == sorted(rows)
@given(st.lists(st.integers(0, 9)), st.lists(st.integers(0, 9)))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_both(one, other): assert Shop(one + other) == Shop(other + one)
def test_none(): assert Shop([]) == []
"""


@pytest.mark.slow
@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_a_copy_for_which_an_example_is_sought_has_its_time(slot):
    judge = shared_judge(slot, SEARCHED, "Shop = sorted\n")

    verdict = judge.judge("def Shop(rows): return sorted(rows)\n")
    wrong = judge.judge("def Shop(rows): return sorted(set(rows))\n")

    (guard,) = judge.asserts.guards
    assert guard.failing
    assert verdict.label is Label.ALL_PASS
    assert next(test.outcome for test in wrong.tests) is Outcome.WRONG_ANSWER
