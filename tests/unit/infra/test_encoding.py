"""Plain data survives the trip as it was, and nothing else makes it."""

import enum
import itertools
import json
import math
import uuid
import zoneinfo
from array import array
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.contracts.values.composites import NotPlain
from infra.contracts.values.encoding import Writer, encode, plain_error
from infra.contracts.values.tagged import Reader, decode, decode_tree

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=4),
    max_leaves=6,
)
plain = st.recursive(
    hashable,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(hashable, inner, max_size=4)
        | st.sets(hashable, max_size=4)
    ),
    max_leaves=12,
)
Point = namedtuple("Point", "x y")


def crossed(value, read=decode):
    return read(json.loads(json.dumps(encode(value), allow_nan=False)))


@given(plain)
def test_plain_data_crosses_unchanged(value):
    assert crossed(value) == value
    assert type(crossed(value)) is type(value)
    assert crossed(value, decode_tree) == value


@pytest.mark.parametrize(
    "value",
    [
        2**100, -(2**53) - 1, 2**3000, math.inf, math.nan, -0.0, Decimal("1.50"), Fraction(1, 3),
        date(2024, 2, 29), datetime(2024, 1, 1, tzinfo=UTC),
        datetime(2024, 1, 1, tzinfo=UTC, fold=1),
        datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo("Europe/Rome")), time(3, 4, 5),
        timedelta(days=-1, seconds=5), timezone(timedelta(hours=-3)), deque([1, [2]]),
        deque([1], maxlen=3), {"a": 1, (2,): 3}.keys(), {"a": 1, (2,): [3]}.items(),
        {"a": [1]}.values(), range(1, 10, 2), ..., int, ValueError, {"$tuple": 1},
        {1: "a", "b": 2}, bytearray(b"x"), Counter("aab"), OrderedDict(b=1, a=2),
        defaultdict(list, a=[1]), Point(1, [2]), array("d", [1.5, math.nan]), uuid.uuid4(),
        KeyError("x"), OSError(2, "no such file", "name"), ValueError("a", [1]),
        ExceptionGroup("both", (ValueError(1), TypeError("x"))), "\udc80", 3 - 2j,
    ],
)  # fmt: skip
def test_special_values_cross_unchanged(value):
    assert repr(crossed(value)) == repr(value)


def test_an_integer_of_more_digits_than_are_written_crosses():
    assert crossed(10**6000) == 10**6000


def test_an_iterator_crosses_as_what_it_gives_and_ends_in():
    def counting(n):
        yield from range(n)
        raise ValueError("at the end")

    given = crossed([map(str, (1, 2)), counting(2)])

    assert [*given[0]] == ["1", "2"]
    assert [next(given[1]), next(given[1])] == [0, 1]
    with pytest.raises(ValueError, match="at the end"):
        next(given[1])


def test_who_is_met_twice_is_one_on_the_other_side():
    one = [1]
    both = crossed([one, (one,), {"a": one}])

    assert both[0] is both[1][0] is both[2]["a"]


def test_a_ring_crosses_and_is_none_for_who_walks_through():
    ring = []
    ring.append({"again": ring})

    found = crossed(ring)

    assert found[0]["again"] is found
    with pytest.raises(NotPlain, match="contains itself"):
        crossed(ring, decode_tree)


@pytest.mark.parametrize("wrap", [lambda v: [v], lambda v: {"a": v}, lambda v: deque([v])])
def test_nesting_is_limited_by_nothing_on_the_way(wrap):
    value = 5
    for _ in range(50_000):
        value = wrap(value)

    found, depth = crossed(value), 0
    while found != 5:
        (found,) = found.values() if type(found) is dict else found
        depth += 1

    assert depth == 50_000


def test_what_would_be_hashed_without_end_is_refused():
    pair, deep = (1,), ()
    for _ in range(60):
        pair = (pair, pair)
    for _ in range(5_000):
        deep = (deep,)

    for value in (pair, {1: pair}, deep):
        with pytest.raises(NotPlain):
            crossed(value)


def test_a_list_that_is_short_only_by_its_aliases_is_refused_to_who_walks_through():
    value = [1]
    for _ in range(60):
        value = [value, value]

    assert crossed(value)[0] is crossed(value)[0] or len(crossed(value)) == 2
    with pytest.raises(NotPlain, match="too large"):
        crossed(value, decode_tree)
    assert crossed([[0] * 3] * 3, decode_tree) == [[0] * 3] * 3


def test_a_class_that_compares_as_its_base_does_crosses_as_that():
    class Shown(list):
        def __repr__(self):
            return "shown"

    class Level(enum.IntEnum):
        LOW = 3

    assert type(crossed(Shown([9]))) is list
    assert crossed(Shown([9])) == [9]
    assert type(crossed(Level.LOW)) is int


class Text(str):
    def shouted(self):
        return self.upper() + "!"


Colour = enum.StrEnum("Colour", {"RED": "red"})
Mark = enum.Enum("Mark", {"X": "x"}, type=str)


@pytest.mark.parametrize("value", [Text("red"), Text(""), Colour.RED, Mark.X])
def test_a_text_of_another_class_crosses_as_a_text_wherever_it_is(value):
    for whole in (value, [value, value], {value: value}, (value,), {value}):
        assert crossed(whole) == whole
    assert type(crossed(value)) is str


@pytest.mark.parametrize(
    "name",
    ["__eq__", "__ne__", "__lt__", "__hash__", "__iter__", "__len__", "__getitem__",
     "__contains__", "__bool__"],
)  # fmt: skip
@pytest.mark.parametrize("base", [list, dict, set, str, int, float, tuple, bytes, deque])
def test_a_class_that_compares_or_iterates_in_its_own_way_is_no_plain_data(base, name):
    kind = type("Own", (base,), {name: lambda *_: True})

    with pytest.raises(NotPlain, match="Own"):
        encode([kind()])


@pytest.mark.parametrize(
    "value", [object(), len, lambda: 1, NotPlain, itertools.count(), Counter, enum.Enum]
)
def test_what_is_no_plain_data_is_refused_by_its_name(value):
    with pytest.raises(NotPlain, match=r"of type|iterator"):
        encode({"a": [value]})


def test_an_object_that_claims_to_be_a_list_is_refused():
    class Claims:
        __class__ = list

    with pytest.raises(NotPlain):
        encode(Claims())


def test_an_exception_becomes_the_nearest_built_in_one_of_the_same_text():
    class Own(KeyError):
        pass

    class Says(ValueError):
        def __str__(self):
            return "in its own way"

    class Holds(Exception):
        def __init__(self):
            super().__init__(object())

    assert repr(plain_error(Own("x"))) == "KeyError('x')"
    assert repr(plain_error(Says(1, 2))) == "ValueError('in its own way')"
    assert type(plain_error(Holds())) is Exception
    assert repr(plain_error(json.JSONDecodeError("no", "doc", 0))).startswith("ValueError('no")


def test_an_answer_refers_to_what_was_given():
    given = [[1], ({"a": 2},)]
    asked = Writer()
    asked.place(given)
    asked.nodes()
    there = Reader()
    there.read({"$nodes": asked.nodes()})
    there.made[1].append(5)

    answer = Writer(known=there.made)
    placed = answer.place([there.made[1], there.made[0]])
    nodes = answer.nodes()
    here = Reader(known=asked.values)
    here.load(nodes)

    assert here.value(placed)[0] is given[0]
    assert here.value(placed)[1] is given
    assert nodes == [[{"$at": -2}, {"$at": -1}]]


@pytest.mark.parametrize(
    "data",
    [
        {"$int": "12"}, {"$int": 5}, {"$float": "1.0"}, {"$tuple": 3}, {"$set": [[1]]},
        {"$unknown": 1}, {"$tuple": [], "more": 1}, {"$type": "Popen"}, {"$number": ["<i8", "1"]},
        {"$keys": ["a"]}, {"$keys": {"$tuple": [[1]]}}, {"$items": {"$tuple": [1]}},
        {"$fraction": [1, 0]}, {"$handle": 0}, {"$at": 0}, {"$at": -1}, {"$nodes": []},
        {"$nodes": [{"$at": 0}]}, {"$nodes": [{"$tuple": [{"$at": 0}]}]}, {"$nodes": {"a": 1}},
        {"$nodes": [{"$tuple": [{"$at": 1}]}, {"$tuple": [{"$at": 0}]}]},
        {"$nodes": [[{"$at": 7}]]}, {"$nodes": [{"$dict": [[{"$at": 1}, 1]]}, []]},
        {"$error": ["SystemError2", []]}, {"$error": ["UnicodeDecodeError", [1]]},
        {"$iterator": [[], 1, None]}, {"$iterator": [[], True, 5]},
        {"$named": ["P", ["__class__"], {"$tuple": [1]}]}, {"$zone": "x"},
        {"$datetime": ["2024-01-01T00:00:00", "No/Where", 0]}, {"$uuid": "x"},
        *({"$datetime": ["2024-01-01T00:00:00", name, 0]} for name in ("America", "a" * 5000)),
    ],
)  # fmt: skip
def test_malformed_tags_are_refused(data):
    with pytest.raises(NotPlain):
        next(iter([decode(data)]))
