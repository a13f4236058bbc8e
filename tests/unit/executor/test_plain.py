"""Which asserts are data, and which are code that must be run."""

import pytest

from executor.guest.reading import plain, statements

CHECK = "def check(candidate):\n    assert candidate({}) == {}\n"


def plain_sites(source, check, entry_point):
    return plain.plain_sites(source, check, entry_point, len(statements.marked(source, check)[1]))


@pytest.mark.parametrize(
    ("source", "relation", "args", "expected"),
    [
        ("assert f(1, 2) == 3", "equal", [1, 2], 3),
        ("assert 3 == f(1, 2)", "equal", [1, 2], 3),
        ("assert f((1, 2)) == [1]", "equal", [{"$tuple": [1, 2]}], [1]),
        ("assert f('a' + 'b') == 2 * 3.5", "equal", ["ab"], 7.0),
        ("assert f(1) is None, 'message'", "is", [1], None),
        ("assert f(-1)", "true", [-1], None),
        ("assert not f(1)", "false", [1], None),
        ("assert abs(f(1) - 2 / 3) < 1e-6", "near", [1], 2 / 3),
        ("import math\nassert f(1) == {1}", "equal", [1], {"$set": [1]}),
    ],
)
def test_a_call_with_constants_and_a_constant_is_data(source, relation, args, expected):
    (site,) = plain_sites(source, None, "f")

    assert (site["relation"], site["function"]) == (relation, "f")
    assert site["args"] == args
    assert site.get("expected") == expected


@pytest.mark.parametrize(
    "source",
    [
        "assert f(g(1)) == 2",
        "assert f(1) == g(1)",
        "assert f(x) == 1",
        "assert g(1) == 1",
        "assert f(1) < 2",
        "assert f(1) is 1",
        "assert f(1) == 1 and f(2) == 2",
        "assert f(*[1]) == 1",
        "assert f(**{'a': 1}) == 1",
        "assert f.g(1) == 1",
        "assert f(1) == 1, g()",
        "for i in range(3):\n    assert f(i) == i",
        "f = len\nassert f([]) == 0",
        "assert f([1] * 10**9) == 1",
        "assert f(10 ** 9) == 1",
        "assert f(1) == float('inf')",
        "import nowhere_to_be_found\nassert f(1) == 1",
        "def test_it():\n    assert f(1) == 1",
        "with open('x') as y:\n    assert f(1) == 1",
        "assert False",
        "assert 0 < abs(f(1) - 2) < 3",
        "print(1)\nassert f(1) == 1",
    ],
)
def test_everything_else_is_code(source):
    assert plain_sites(source, None, "f") is None


def test_a_check_function_calls_its_parameter():
    sites = plain_sites("METADATA = {'a': 'b'}\n" + CHECK.format(1, 2), "check", "f")

    assert sites == [
        {"relation": "equal", "function": "f", "args": [1], "kwargs": {}, "expected": 2}
    ]


@pytest.mark.parametrize(
    "source",
    [
        "def check(candidate, other):\n    assert candidate(1) == 1",
        "def check(candidate=len):\n    assert candidate(1) == 1",
        "@decorate\ndef check(candidate):\n    assert candidate(1) == 1",
        "def check(candidate):\n    candidate = len\n    assert candidate([]) == 0",
        "def check(candidate):\n    return\n    assert candidate(1) == 1",
        "check = print",
        CHECK.format(1, 2) + "\ncheck = print\n",
        CHECK.format(1, 2) + CHECK.format(3, 4),
    ],
)
def test_a_check_function_with_a_twist_is_code(source):
    assert plain_sites(source, "check", "f") is None


def test_asserts_of_a_constant_truth_do_not_count():
    assert len(plain_sites("assert True\nassert f(1) == 1\nassert 'text'", None, "f")) == 1
