"""A set that crosses iterates as it did, whatever has become of it before."""

import json
import random
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.contracts.values import orders
from infra.contracts.values.encoding import encode
from infra.contracts.values.tagged import decode

elements = st.one_of(
    st.lists(st.integers(0, 60), max_size=40),
    st.lists(st.integers(-(2**40), 2**40), max_size=40),
    st.lists(st.text("abcdef", max_size=4), max_size=40),
    st.lists(st.tuples(st.integers(0, 9), st.text("ab", max_size=2)), max_size=20),
    st.lists(st.frozensets(st.integers(0, 9), max_size=3), max_size=20),
    st.lists(st.floats(allow_nan=False), max_size=20),
)


STEPS = ["copy", "add", "more", "less of all"]


def crossed(value):
    return decode(json.loads(json.dumps(encode(value))))


def assert_alike(found, wanted):
    assert (type(found), [*found]) == (type(wanted), [*wanted])
    assert [*map(type, found)] == [*map(type, wanted)]
    # As large a table: so it is with what is done to it next.
    assert sys.getsizeof(found) == sys.getsizeof(wanted)


@pytest.mark.slow
@settings(max_examples=1000)
@given(elements, st.data())
def test_a_set_crosses_in_its_order(items, data):
    table = set(items)
    for step in data.draw(st.lists(st.sampled_from(STEPS))):
        other = data.draw(st.lists(st.sampled_from(items), max_size=20)) if items else []
        match step:
            case "copy":
                table = table.copy()
            case "add":
                table.update(other)
            case "more":
                table = table | set(other)
            case "less of all":
                table = table & set(items)

    assert_alike(crossed(table), table)


@settings(max_examples=300)
@given(elements)
def test_a_literal_crosses_in_its_order(items):
    source = "{" + ", ".join(map(repr, items)) + "}" if items else "set()"
    literal = eval(source, {"inf": float("inf")})  # noqa: S307 - made here

    assert_alike(crossed(literal), literal)


@given(elements)
def test_a_frozen_set_made_of_a_set_crosses_in_its_order(items):
    assert_alike(crossed(frozenset(set(items))), frozenset(set(items)))


def some_history(rng):
    """A set from which elements have gone, perhaps many, perhaps between others that came."""
    scale, least, most = rng.choice([(1, 0, 90), (32, 0, 40), (1, -(10**9), 10**9)])
    items = [scale * rng.randint(least, most) for _ in range(rng.randint(1, 60))]
    items += [(rng.randint(0, 9), rng.randint(0, 9)) for _ in range(rng.choice([0, 9]))]
    table = set(items)
    for _ in range(rng.randint(1, 3)):
        for item in rng.sample(items, rng.randint(0, len(items))):
            table.discard(item)
        if table and rng.random() < 0.3:
            table.pop()
        table.update(rng.sample(items, min(3, len(items))))
    return table


def test_a_set_from_which_elements_have_gone_crosses_in_its_order_but_for_a_few():
    rng = random.Random(0)
    histories = [some_history(rng) for _ in range(3000)]

    others = sum([*crossed(table)] != [*table] for table in histories)

    # Such a table tells too little of what was in it for certainty.
    assert others <= 6


def test_a_large_set_crosses_in_its_order():
    for large in (set(range(1000)), {n * n * 31 for n in range(1000)}, set(map(str, range(1000)))):
        assert_alike(crossed(large), large)
        few = set(large)
        for item in list(large)[:950]:
            few.remove(item)
        assert_alike(crossed(few), few)


def test_whoever_defines_a_hash_is_not_asked_for_it():
    class Counts:
        asked = 0

        def __hash__(self):
            self.asked += 1
            return 1

    items = {Counts(), Counts()}
    asked = [item.asked for item in items]

    orders.recipe(items)

    assert [item.asked for item in items] == asked
