"""Values of tests are read at the door as they are read later, by the judge and by the guest."""

import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from executor.guest import values
from executor.guest.objects import Objects
from infra.contracts import tagged
from infra.contracts.problems import CallTest, Problem

TAGS = [*tagged.CONTAINERS, *tagged.SCALARS, "$dict", "$keys", "$items", "$array", "$number"]
COLLECTED = ["$named", "$counter", "$ordered", "$defaultdict"]
LEAVES = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(
    [2**60, 0.5, "", "a", "0x1f", "-0x2", "nan", "1.5", "00ff", "2024-02-29", "12:30", "int", "i",
     "x y", "<i8", "|O", "2024-01-01T00:00:00+00:00"]
)  # fmt: skip


def documents(tags):
    """JSON that is made of tags with whatever in them, valid or not."""
    return st.recursive(
        LEAVES,
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["a", "b", "$int", "$set"]), inner, max_size=2)
            | st.builds(lambda tag, body: {tag: body}, st.sampled_from(tags), inner)
            | st.builds(
                lambda tag, body: {tag: body}, st.sampled_from(tags), st.lists(inner, max_size=3)
            )
        ),
        max_leaves=12,
    )


def attempted(decode, data):
    # As where nobody has imported numpy; another test may have done so in this process.
    with pytest.MonkeyPatch.context() as patch:
        patch.delitem(sys.modules, "numpy", raising=False)
        try:
            return repr(decode(data))
        except tagged.NotPlain:
            return None


@settings(max_examples=1000)
@given(documents(TAGS))
def test_what_is_expected_is_read_as_an_answer_is(data):
    assert attempted(tagged.decode, data) == attempted(values.decode, data)


@settings(max_examples=1000)
@given(documents(TAGS + COLLECTED))
def test_an_argument_is_read_as_the_guest_reads_it(data):
    assert attempted(lambda d: tagged.decode(d, is_argument=True), data) == attempted(
        Objects().decode, data
    )


def test_what_may_be_nested_deeply_can_be_read():
    data = {}
    for _ in range(tagged.MAX_DEPTH // 2):
        data = {"$dict": [[1, {"$tuple": [data]}]]}

    assert tagged.decode(data) == values.decode(data)
    with pytest.raises(tagged.NotPlain, match="too deeply"):
        tagged.decode([data])


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
def test_what_only_the_guest_makes_may_be_an_argument_and_not_expected(data):
    assert Problem(slug="a", prompt="", entry_point="f", tests=(CallTest(args=(data,)),)).tests
    with pytest.raises(ValueError, match="unknown tag"):
        Problem(slug="a", prompt="", entry_point="f", tests=(CallTest(expected=data),))
