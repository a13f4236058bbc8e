"""Another value than a given one, made where that is computed."""

import enum
from collections import namedtuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor.guest.guards.copies.differing import other_than


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Thing:
    """No plain data."""


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(), st.binary()
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.text(max_size=3), inner, max_size=3),
        st.frozensets(SCALARS, max_size=3),
    ),
    max_leaves=8,
)


@given(VALUES, st.booleans())
def test_it_is_never_equal_to_the_value(value, is_far):
    other = other_than(value, is_far)

    assert other != value
    assert value != other


@pytest.mark.parametrize(
    "value",
    [
        *(True, 3, 2.5, 1j, "abc", b"abc", [1, 2], (1, "a"), {"a": [1]}, {1, 2}, Colour.RED),
        *(Decimal("1.5"), Fraction(1, 3), date(2024, 1, 1), datetime(2024, 1, 1), timedelta(2)),  # noqa: DTZ001
    ],
)
def test_it_is_of_the_same_type_and_size(value):
    other = other_than(value)

    assert type(other) is type(value)
    assert other != value
    assert not hasattr(value, "__len__") or len(other) == len(value)


@pytest.mark.parametrize("value", [3, 2.5, [1.5], {"a": 2.0}, Decimal(4)])
def test_what_must_not_be_near_is_far(value):
    def number(one):
        return one if not hasattr(one, "__iter__") else next(iter(dict(enumerate(one)).values()))

    other = other_than(value, is_far=True)

    if isinstance(value, dict):
        value, other = list(value.values()), list(other.values())
    assert abs(number(other) - number(value)) > 100


@pytest.mark.parametrize(
    "value", [Thing(), [], {}, [Thing()], namedtuple("Pair", "a b")(1, 2), object]
)
def test_what_has_no_other_is_in_a_list(value):
    assert other_than(value) == [value]
