"""Comparison of answers."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.judging.answers import judged
from executor.judging.compare import relation_holds, texts_match, values_match
from infra.contracts.base import Outcome
from infra.contracts.problems import TextComparator, ValueComparator

EXACT, EQUAL = ValueComparator.EXACT, ValueComparator.EQUAL
CLOSE, UNORDERED = ValueComparator.TOLERANCE, ValueComparator.UNORDERED


@pytest.mark.parametrize(
    ("comparator", "actual", "expected", "same"),
    [
        (EXACT, 1, 1, True),
        (EXACT, True, 1, False),
        (EXACT, 1.0, 1, False),
        (EXACT, -0.0, 0.0, False),
        (EXACT, (1, 2), [1, 2], False),
        (EXACT, [1, [2.0]], [1, [2]], False),
        (EXACT, {1: "a"}, {True: "a"}, False),
        (EXACT, {1, 2}, {2, 1}, True),
        (EXACT, {1}, {1.0}, False),
        (EXACT, float("nan"), float("nan"), True),
        (EQUAL, True, 1, True),
        (EQUAL, (1,), [1], False),
        (CLOSE, 0.1 + 0.2, 0.3, True),
        (CLOSE, 0.31, 0.3, False),
        (CLOSE, float("inf"), 1e300, False),
        (CLOSE, float("nan"), 1.0, False),
        (CLOSE, (1.0, [2]), [1, (2.0,)], True),
        (CLOSE, True, 1, False),
        (CLOSE, 10**400, 10**400, True),
        (CLOSE, "1", 1, False),
        (CLOSE, 10**400 + 1, 10**400, False),
        (CLOSE, 1000000999, 1000000007, False),
        (CLOSE, 1000000999.0, 1000000007, False),
        (CLOSE, 1000000007.0, 1000000007, True),
        (CLOSE, 1000000999, 1000000007.0, True),
        (CLOSE, 2.0000001, 2, False),
        (CLOSE, 2, 2.0000001, True),
        (CLOSE, [0.5, 1000000999], (0.5, 1000000007), False),
        (CLOSE, {"a": [1000000999]}, {"a": [1000000007]}, False),
        (CLOSE, 2**53 + 1, 2.0**53, True),
        (CLOSE, 2.0**53, 2**53 + 1, False),
        (CLOSE, True, 1.0, False),
        (CLOSE, 10**400, 1.0, False),
        (UNORDERED, [3, 1, 2], [1, 2, 3], True),
        (UNORDERED, [1, 1, 2], [1, 2, 2], False),
        (UNORDERED, [[2], [1]], [[1], [2]], True),
        (UNORDERED, [[1]], [[1], [1]], False),
        (UNORDERED, 5, 5, True),
    ],
)
def test_values_match(comparator, actual, expected, same):
    assert values_match(actual, expected, comparator, 1e-6) is same


MANY = range(0, 10**12, 3)


@pytest.mark.parametrize(
    ("relation", "actual", "expected", "holds"),
    [
        ("items", MANY, [0], False),
        ("items", range(3), [2, 1, 0], True),
        ("contains", MANY, 0.5, False),
        ("contains", MANY, 3.0, True),
        ("contains", MANY, 3 + 0j, True),
        ("contains", MANY, 3j, False),
        ("lacks", MANY, "a", True),
        ("lacks", MANY, float("nan"), True),
        ("in", Decimal("3.5"), MANY, False),
        ("in", Fraction(6, 2), MANY[::-1], True),
        ("not_in", float("inf"), MANY, True),
        ("not_in", 2.0, range(0), True),
    ],
)
def test_nobody_goes_through_a_range(relation, actual, expected, holds):
    assert relation_holds(relation, actual, expected, 0) is holds


@pytest.mark.parametrize("name", ["array", "dict", "list", "str", "instance"])
def test_an_answer_of_any_name_is_judged(name):
    answer = {"value": {"$named": [name, ["a"], {"$tuple": [1]}]}}

    outcome, detail = judged(answer, lambda actual: actual == 3, lambda: "expected 3")

    assert outcome is Outcome.WRONG_ANSWER
    assert f"{name}(a=1)" in detail


@pytest.mark.parametrize(
    ("actual", "expected", "same"),
    [
        (2**53, 2**53, True),
        (2**53 + 1, 2**53, False),
        (2.0, 2, True),
        ((1, [2]), [1, (2,)], True),
        (0.5, 0.5000001, False),
    ],
)
def test_a_tolerance_of_nothing_asks_for_equal_numbers_in_sequences_of_any_type(
    actual, expected, same
):
    assert values_match(actual, expected, CLOSE, 0.0) is same


@given(st.lists(st.integers() | st.lists(st.integers(), max_size=2), max_size=6), st.randoms())
def test_order_does_not_matter_to_unordered(items, rng):
    shuffled = list(items)
    rng.shuffle(shuffled)

    assert values_match(shuffled, items, UNORDERED, 0.0)


@pytest.mark.parametrize(
    ("comparator", "actual", "expected", "same"),
    [
        (TextComparator.EXACT, "a\n", "a", False),
        (TextComparator.LINES, "a  \nb\n\n", "a\nb", True),
        (TextComparator.LINES, "a", "a\nb", False),
        (TextComparator.LINES, " a", "a", False),
        (TextComparator.TOKENS, "1  2\n3", "1 2 3\n", True),
        (TextComparator.TOKENS, "1 2", "1 2 3", False),
        (TextComparator.TOLERANCE, "x 0.3000000001", "x 0.3", True),
        (TextComparator.TOLERANCE, "x 1e999", "x 5", False),
        (TextComparator.TOLERANCE, "nan", "5", False),
        (TextComparator.TOLERANCE, "1_000", "1000", False),
        (TextComparator.TOLERANCE, "1" * 400, "1" * 399 + "2", False),
        (TextComparator.TOLERANCE, "1" * 9000, "1" * 8999 + "2", False),
        (TextComparator.TOLERANCE, "--1", "1", False),
        (TextComparator.TOLERANCE, "\uff15", "5", False),
        (TextComparator.TOLERANCE, "1000000999", "1000000007", False),
        (TextComparator.TOLERANCE, "0.5 1000000999", "0.5 1000000007", False),
        (TextComparator.TOLERANCE, "0.5 1000000999.0", "0.5 1000000007", False),
        (TextComparator.TOLERANCE, "1000000007.0", "1000000007", True),
        (TextComparator.TOLERANCE, "1000000007.0000000001", "1000000007", False),
        (TextComparator.TOLERANCE, "0.9999999", "1", False),
        (TextComparator.TOLERANCE, "1", "0.9999999", True),
        (TextComparator.TOLERANCE, "1000000999", "1.000000007e9", True),
        (TextComparator.TOLERANCE, "+7", "7", True),
        (TextComparator.TOLERANCE, "nan", "7", False),
        (TextComparator.TOLERANCE, "snan", "7", False),
        (TextComparator.TOLERANCE, "1e99999999999999999999", "7", False),
        (TextComparator.TOLERANCE, "1e999999999", "7", False),
    ],
)
def test_texts_match(comparator, actual, expected, same):
    assert texts_match(actual, expected, comparator, 1e-6) is same
