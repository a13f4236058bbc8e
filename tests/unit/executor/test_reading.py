"""What is known of test code before any candidate is there."""

import ast
import socket

import pytest

from executor.guest.channel import Channel, Closed
from executor.guest.reading import outline
from executor.guest.reading.failures import as_asserts


def read(source, check=None, entry_point="f"):
    """Have one test read, and return what is told of it."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        tests = [{"source": source, "check": check, "module": None}]
        start = {"tests": tests, "entry_point": entry_point, "decides": False, "describes": True}
        outline.tell(theirs.fileno(), start)
        return Channel(ours.fileno()).receive()


@pytest.mark.parametrize(
    ("source", "told"),
    [("assert f(1) == 1", ["touches", "found"]), ("assert open(f(1))", ["touches"])],
)
def test_a_reading_that_decides_tells_no_more_of_what_touches_something(source, told):
    ours, theirs = socket.socketpair()
    tests = [{"source": source, "check": None, "module": None, "told": []}]
    start = {"tests": tests, "entry_point": "f", "decides": True, "describes": True}
    with ours:
        with theirs:
            outline.tell(theirs.fileno(), {**start, "reference_program": None})
        channel = Channel(ours.fileno())
        messages = [channel.receive() for _ in told]

        assert [[*message] for message in messages] == [[name] for name in told]
        with pytest.raises(Closed):
            channel.receive()


def test_each_statement_that_asserts_is_a_test():
    (found,) = read("x = f(1)\nassert x == 1\nfor n in range(2):\n    assert f(n) == n\n")["found"]

    assert found["names"] == ["statement 1, line 2", "statement 2, line 3"]
    assert found["plain"] is None
    assert found["free"] == ["f"]


def test_what_is_always_so_is_no_test():
    (found,) = read("assert True, 'so far'\nassert f(1) == 2\n")["found"]

    assert found["names"] == ["statement 1, line 2"]
    assert [site["relation"] for site in found["plain"]] == ["equal"]


def test_a_loop_over_what_is_written_out_is_a_test_each():
    source = (
        "def check(candidate):\n    inputs = [[1], [2], [3]]\n    results = [1, 2, 3]\n"
        "    for inp, exp in zip(inputs, results):\n        same(candidate(*inp), exp)\n"
        "def same(out, exp):\n    assert out == exp\n"
    )

    (found,) = read(source, check="check")["found"]

    assert len(found["names"]) == 3
    assert found["within"]


@pytest.mark.parametrize(
    ("source", "is_needed"),
    [
        ("def test_a():\n    assert f(1) == 1\n", True),
        ("class A:\n    def test_a(self):\n        assert f(1) == 1\n", True),
        ("def helper(x):\n    return f(x)\nassert helper(1) == 1\n", False),
    ],
)
def test_only_what_a_framework_runs_needs_one(source, is_needed):
    (found,) = read(source)["found"]

    assert found["framework"] is is_needed


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("import no_such_package\nassert f(1) == 1", "no_such_package"),
        ("assert f(1) ==", "SyntaxError"),
        ("def unused():\n    assert f(1) == 1\n", "contains no test"),
    ],
)
def test_code_that_no_candidate_can_be_judged_by_is_refused(source, why):
    assert why in read(source)["broken"]


def test_the_statements_of_a_function_that_is_called_once_are_tests():
    source = "def check(f):\n    assert f(1) == 1\n    assert f(2) == 2\ncheck(f)\n"

    (found,) = read(source)["found"]

    assert len(found["names"]) == 2


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("if x: raise AssertionError", "assert not x"),
        ("if x == 1: raise AssertionError('one')", "assert not x == 1, 'one'"),
        ("if x: self.fail()", "assert not x"),
        ("if x: pytest.fail(f'{x}')", "assert not x, f'{x}'"),
        (
            "try:\n    f()\n    raise AssertionError('none')\nexcept ValueError:\n    pass",
            "try:\n    f()\n    assert False, 'none'\nexcept ValueError:\n    pass",
        ),
        # What follows is another matter: it may be caught, or more may happen.
        ("try:\n    if x:\n        pytest.fail()\nexcept Exception:\n    pass", None),
        ("if x: raise ValueError", None),
        ("if x: raise AssertionError from y", None),
        ("if x: raise AssertionError(1, 2)", None),
        ("if x:\n    raise AssertionError\nelse:\n    y()", None),
    ],
)
def test_a_check_may_be_written_as_a_failure(source, read):
    tree = ast.parse(source)

    assert ast.unparse(as_asserts(tree)) == (read or ast.unparse(ast.parse(source)))
