"""Values of tests are read at the door as they are read later, by the judge and by the guest."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from infra.contracts.problems import CallTest, Problem
from infra.contracts.values import tagged
from infra.contracts.values.composites import NotPlain
from infra.contracts.values.scalars import SCALARS

TAGS = [
    *SCALARS, "$tuple", "$set", "$frozenset", "$dict", "$deque", "$bounded", "$keys", "$items",
    "$values", "$named", "$counter", "$ordered", "$defaultdict", "$iterator", "$error", "$array",
    "$number", "$table", "$nodes", "$at",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(
    [2**60, 0.5, "", "a", "0x1f", "-0x2", "nan", "1.5", "00ff", "2024-02-29", "12:30", "int", "i",
     "x y", "<i8", "|O", "2024-01-01T00:00:00+00:00", "ValueError", "UTC"]
)  # fmt: skip
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "$int", "$set"]), inner, max_size=2)
        | st.builds(lambda tag, body: {tag: body}, st.sampled_from(TAGS), inner)
        | st.builds(
            lambda tag, body: {tag: body}, st.sampled_from(TAGS), st.lists(inner, max_size=3)
        )
    ),
    max_leaves=12,
)


@pytest.mark.slow
@settings(max_examples=2000)
@given(DOCUMENTS)
def test_whatever_is_sent_is_a_value_or_refused(data):
    for read in (tagged.decode, tagged.decode_tree):
        try:
            read(data)
        except NotPlain:
            continue


def _wrapped(data):
    for _ in range(tagged.MAX_DEPTH):
        data = [data]
    return data


def test_what_may_be_nested_deeply_can_be_read():
    data = {}
    for _ in range(tagged.MAX_DEPTH // 4):
        data = {"$dict": [[1, {"$tuple": [data]}]]}

    assert tagged.decode(data)
    with pytest.raises(NotPlain, match="too deeply"):
        tagged.decode(_wrapped(data))


BAD = {
    "a range without a step": {"$range": [0, 1, 0]},
    "a range of fractions": {"$range": [0.5]},
    "one inside": [1, {"a": {"$tuple": [{"$range": [0, 1, 0]}]}}],
    "an unknown tag": {"$tupel": [1]},
    "a reference": {"$ref": 0},
    "a tag beside a key": {"$tuple": [1], "more": 2},
    "no digits": {"$int": "12"},
    "no number": {"$float": "1.0"},
    "a set of lists": {"$set": [[1]]},
    "a date that is none": {"$date": "2023-02-29"},
    "half a pair": {"$dict": [[1]]},
    "a pair as text": {"$dict": ["ab"]},
    "a fraction of nothing": {"$fraction": [1, 0]},
    "half a number": {"$complex": [1]},
    "two digits": {"$complex": "12"},
    "odd bytes": {"$bytes": "0"},
    "a type that is none": {"$type": "Popen"},
    "an array of texts": {"$array": ["<i8", ["x"]]},
    "no ellipsis": {"$ellipsis": False},
    "numbers too large for it": {"$numbers": ["b", [1000]]},
    "a deque of less than nothing": {"$bounded": [-1, []]},
}


@pytest.mark.parametrize("field", ["args", "kwargs", "expected"])
@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_test_with_no_valid_value_is_refused_by_name(field, data):
    given = {"args": (1, data), "kwargs": {"x": data}, "expected": data}
    where = {"args": "args[1]", "kwargs": "kwargs.x", "expected": "expected"}[field]
    good = CallTest(expected=1)

    with pytest.raises(ValidationError) as refused:
        Problem(
            slug="a", prompt="", entry_point="f", tests=(good, CallTest(**{field: given[field]}))
        )

    assert f"tests[1].{where}: no valid value" in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        {"$counter": {"a": 1}},
        {"$ordered": {"a": 1}},
        {"$defaultdict": [{"$type": "int"}, {"a": 1}]},
        {"$named": ["Point", ["x", "y"], {"$tuple": [1, 2]}]},
    ],
)
def test_containers_of_the_standard_library_may_be_given_and_expected(data):
    test = CallTest(args=(data,), expected=data)

    assert Problem(slug="a", prompt="", entry_point="f", tests=(test,)).tests
