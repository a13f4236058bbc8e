"""Checks of shared tests that are made outside: what is computed is told, and compared there."""

import enum
import textwrap
from collections import ChainMap, UserDict, UserList, UserString, namedtuple
from datetime import date
from decimal import Decimal
from types import MappingProxyType

import numpy
import pytest

from executor.guest.telling import by_value
from executor.judging.shared.arranging import Arrangement
from infra.contracts.base import Outcome
from tests.unit.executor.derived_tests import HEAD, derived, learnt, outcomes, told_by_running


class Bag:
    """No plain data, but true or not as it is full."""

    def __init__(self, *items):
        self.items = items

    def __len__(self):
        return len(self.items)


class Grade(enum.IntEnum):
    GOOD = 3


MOVED = """
assert value() == 3
assert 3 == value()
assert value() != [1, 2]
assert value() < 3
assert 2 <= value()
assert value() in (3, "abc", None)
assert 1 in value()
assert 1 not in value()
assert value() is None
assert value() is not True
assert value()
assert not value()
assert abs(value() - 3) < 0.01
case.assertEqual(value(), "abc", f"it is {value}")
case.assertEqual({"a": [1, (2, 3)]}, value())
case.assertEqual(value(), {1, 2})
case.assertNotEqual(value(), 3)
case.assertTrue(value())
case.assertFalse(value())
case.assertIsNone(value())
case.assertIsNotNone(value())
case.assertIn(value(), [3, 4])
case.assertNotIn("a", value())
case.assertAlmostEqual(value(), 3)
case.assertAlmostEqual(value(), 3, places=1)
case.assertAlmostEqual(value(), 2, delta=1)
case.assertNotAlmostEqual(value(), 3)
case.assertGreaterEqual(value(), 3)
case.assertCountEqual(value(), [2, 1])
expected = [1, 2]; assert value() == expected
for _ in "ab": assert value() == 3
from datetime import date; assert value() == date(2020, 1, 2)
assert value() == float("inf")
assert value() == pytest.approx(3)
assert pytest.approx(3, abs=0.05) == value()
assert value() == pytest.approx(3, 0.02, 0.001)
assert value() == pytest.approx([1, 2])
assert value() == pytest.approx(True)
assert value() == pytest.approx(1.0000001)
assert value() == pytest.approx({1: 2.0})
assert value() == pytest.approx(float("inf"))
expected = 3.04; assert value() == pytest.approx(expected, rel=1e-3)
for wanted in [3]: assert value() == pytest.approx(wanted)
case.assertEqual(value(), pytest.approx(3))
assert not value() == 3
if value() != 3: raise AssertionError
if value() not in (3, "abc"): raise AssertionError(f"it is {value}")
if not value(): pytest.fail("nothing")
case.assertFalse(value() == 3)
case.assertTrue(not value() is None)
"""
VALUES = [
    *(3, 3.0, 3.04, 2.99999999, True, False, None, "abc", "", float("inf"), Decimal(3)),
    *([], [1, 2], [2, 1], (1, 2), {1, 2}, {"a": [1, (2, 3)]}, {1: 2}.keys(), date(2020, 1, 2)),
    *({1: 2}, {1: 2.0000001}, [1.0000001, 2], 3.0000001, 3 + 1e-7j, [1, "b"], "ab", {1: "b"}),
    *(Grade.GOOD, Bag(), Bag(1), namedtuple("Pair", "a b")(1, 2), range(1, 3), frozenset({1, 2})),
    *(ChainMap({"a": [1, (2, 3)]}), UserDict({"a": [1, (2, 3)]}), UserList([1, 2]), [UserList()]),
    *(
        MappingProxyType({"a": [1, (2, 3)]}),
        UserString("abc"),
        namedtuple("P", "x x", rename=True)(1, 2),
    ),
]


@pytest.mark.parametrize("check", MOVED.strip().splitlines())
def test_a_check_holds_outside_where_it_would_hold_inside(check):
    body = textwrap.indent(check.replace("; ", "\n"), "    ")
    source = f"{HEAD}def test_it():\n{body}\n"
    found = derived(source, None, "value")
    ends = []
    for value in VALUES:
        plain = {"value": lambda value=value: value}
        exec(source, plain)  # noqa: S102 - it is ours
        try:
            plain["test_it"]()
            inside = Outcome.PASSED
        except (AssertionError, pytest.fail.Exception):
            inside = Outcome.WRONG_ANSWER
        except Exception:
            inside = Outcome.RUNTIME_ERROR
        arrangement = Arrangement(found, ())
        ran = told_by_running(arrangement, plain["value"])
        assert [one.outcome for one in ran.told.values()] == [Outcome.PASSED]
        (compared,) = ran.compared.values()
        outside = compared.first[0] if compared.first else Outcome.PASSED
        if not isinstance(value, Bag) or outside is not Outcome.WRONG_ANSWER:
            assert outside is inside, (value, compared.first)
        ends.append(inside)

    assert len(found.outside) == 1
    assert not found.siblings()
    assert {*ends} > {Outcome.PASSED}


def test_nothing_that_is_expected_outside_is_in_the_text():
    source = """
def test_it():
    expected = [1234, 5678]
    for n, wanted in [(2, "first"), (4, "second")]:
        assert half(n) == wanted
    assert words("") == expected
    assert half(7) == 3579, "it is 3579"
    with pytest.raises(ValueError): half(-1)
"""
    found = derived(source)
    text = Arrangement(found, found.siblings()).source

    assert len(found.outside) == 3
    assert found.siblings()
    assert not [word for word in ("1234", "5678", "first", "second", "3579") if word in text]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ([1, 2], Outcome.PASSED),
        ([2, 1], Outcome.WRONG_ANSWER),
        ([1], Outcome.NOT_RUN),
        ([], Outcome.NOT_RUN),
    ],
)
def test_a_check_in_a_loop_is_made_in_its_order_and_as_often(answer, outcome):
    source = """
def test_it():
    for place, wanted in [(0, 1), (1, 2)]:
        if place < len(value()): assert value()[place] == wanted
"""
    guard = learnt(source, run=lambda one: told_by_running(one, lambda: [1, 2]), inside=frozenset())
    arrangement = guard.arranged()
    ran = told_by_running(arrangement, lambda: answer)

    assert guard.protected == guard.pattern.sites == len(guard.pattern.outside) == 1
    assert outcomes(guard.results(arrangement, ran)) == {"test_it": outcome}


def test_what_the_reference_program_tells_nobody_outside_stays_inside():
    source = """
def test_it():
    assert half(4) == 2
    assert Stack() == []
    with pytest.raises(AssertionError): assert half(4) == 3
"""
    program = "Stack.__eq__ = lambda self, other: self.items == other\n"
    guard = learnt(HEAD + program + source, inside=frozenset())

    assert guard is not None
    assert guard.protected == guard.pattern.sites


def test_texts_of_numpy_are_told_as_texts():
    assert by_value([numpy.str_("a"), numpy.bytes_(b"a")]) == by_value(["a", b"a"])
