"""Suites that run in the candidate's process, each with a right program; forgeries attack them."""

import gzip
import json
import re
from typing import NamedTuple

from infra.contracts.base import IntegrityRule
from infra.contracts.execution import Suite
from infra.contracts.problems import AssertTest, Limits
from infra.forms.python import doctests
from tests.hostile.attacks import SLOWNESS

LIMITS = Limits(cpu_seconds=1.0 * SLOWNESS, total_cpu_seconds=5.0 * SLOWNESS)


class Attacked(NamedTuple):
    """A suite, and the name that a forgery has to define."""

    name: str
    entry_point: str
    source: str
    reference: str
    check: str | None = None
    module: str | None = None
    files: tuple[tuple[str, str], ...] = ()
    path: str | None = None

    def suite(self, with_reference: bool = True, limits: Limits = LIMITS) -> Suite:
        """As it is judged; without its reference program nothing guards it."""
        test = AssertTest(
            source=self.source,
            check=self.check,
            module=self.module,
            files=dict(self.files),
            path=self.path,
        )
        return Suite(
            tests=(test,),
            entry_point=self.entry_point,
            integrity=IntegrityRule.SHARED,
            limits=limits,
            reference_program=self.reference if with_reference else None,
        )


_ROMAN = """
def roman(number):
    if not isinstance(number, int):
        raise TypeError("a number is needed")
    if not 0 < number < 4000:
        raise ValueError("out of range")
    signs = [(1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"), (50, "L"),
             (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I")]
    text = ""
    for value, sign in signs:
        while number >= value:
            text, number = text + sign, number - value
    return text
"""
_STACK = """
class Stack:
    def __init__(self, items=()): self.items = list(items)
    def push(self, item): self.items.append(item); return len(self.items)
    def pop(self): return self.items.pop()
    def __len__(self): return len(self.items)
    def __eq__(self, other): return isinstance(other, Stack) and self.items == other.items
"""
_MEAN = "def mean(values): return sum(values) / len(values)\n"
_SHOWN = '''
def mean(values):
    """The mean of some numbers.

    >>> mean([1, 2])
    1.5
    >>> mean([])
    Traceback (most recent call last):
    ZeroDivisionError: division by zero
    """
    return sum(values) / len(values)


def spread(values):
    """The distance of the outermost.

    >>> for values in ([1, 5], [2]):
    ...     print(values, spread(values))
    [1, 5] 4
    [2] 0
    """
    return max(values) - min(values)
'''


def _examples(name: str, entry_point: str, reference: str) -> Attacked:
    """The suite that is made of a file with examples in its docstrings."""
    (test,) = doctests.to_problem(f"{name}.py", reference, {}).tests
    assert isinstance(test, AssertTest)
    return Attacked(name, entry_point, test.source, reference, test.check, test.module)


OWN = [
    Attacked(
        "pytest functions",
        "roman",
        """
import pytest
def test_small(): assert roman(3) == "III"
def test_nine(): assert roman(9) == "IX"
def test_year(): assert roman(1994) == "MCMXCIV"
@pytest.mark.parametrize("number, text", [(40, "XL"), (90, "XC"), (400, "CD"), (3999, "MMMCMXCIX")])
def test_signs(number, text): assert roman(number) == text
def test_range():
    with pytest.raises(ValueError, match="out of range"): roman(0)
def test_kind():
    with pytest.raises(TypeError): roman("x")
""",
        _ROMAN,
    ),
    Attacked(
        "an imported module",
        "roman",
        """
from solution import roman
def test_one(): assert roman(1) == "I"
def test_six(): assert roman(6) == "VI"
def test_more():
    found = [roman(number) for number in (2, 4, 8)]
    assert found == ["II", "IV", "VIII"]
    assert len(found) == 3
class TestLarge:
    def test_thousand(self): assert roman(1000) == "M"
    def test_length(self): assert roman(3888).count("M") == 3
""",
        _ROMAN,
        module="solution",
    ),
    Attacked(
        "unittest",
        "Stack",
        """
import unittest
class StackTest(unittest.TestCase):
    def setUp(self): self.stack = Stack([1, 2])
    def test_push(self): self.assertEqual(self.stack.push(5), 3)
    def test_pop(self):
        self.assertEqual(self.stack.pop(), 2)
        self.assertEqual(self.stack.pop(), 1)
    def test_empty(self):
        with self.assertRaises(IndexError): Stack().pop()
    def test_length(self): self.assertEqual(len(self.stack), 2)
    def test_equal(self): self.assertTrue(Stack([7]) == Stack([7]))
    def test_unequal(self): self.assertFalse(Stack([7]) == Stack([8]))
    def test_kind(self): self.assertIsInstance(self.stack.items, list)
""",
        _STACK,
    ),
    Attacked(
        "statements",
        "mean",
        """
import os
os.environ["MEAN"] = "1"
assert mean([1, 2, 3]) == 2
assert mean([4]) == 4
assert abs(mean([1, 2]) - 1.5) < 0.001
for values, expected in [([5, 5], 5), ([0, 10, 20], 10)]:
    assert mean(values) == expected
""",
        _MEAN,
    ),
    Attacked(
        "a function that checks",
        "mean",
        """
import os
def check(candidate):
    assert candidate([2, 4]) == 3
    assert candidate([7]) == 7
    assert candidate([-1, 1]) == 0
    assert candidate([10, 20, 60]) == 30
    assert candidate([1, 1, 4]) == 2
""",
        _MEAN,
        check="check",
    ),
    Attacked(
        "mocks and files",
        "save",
        """
import json, os, tempfile, unittest
from unittest import mock
class SaveTest(unittest.TestCase):
    def setUp(self): self.path = os.path.join(tempfile.mkdtemp(), "rows")
    def test_file(self):
        self.assertEqual(save(self.path, [1, 2]), 2)
        with open(self.path) as file: self.assertEqual(json.load(file), [1, 2])
    def test_again(self):
        save(self.path, [1])
        save(self.path, [3, 4, 5])
        with open(self.path) as file: self.assertEqual(file.read(), "[3, 4, 5]")
    @mock.patch("json.dump")
    def test_called(self, dump):
        save(self.path, ["x"])
        self.assertEqual(dump.call_count, 1)
        self.assertEqual(dump.call_args[0][0], ["x"])
    def test_exists(self):
        save(self.path, [])
        self.assertTrue(os.path.exists(self.path))
""",
        "import json\ndef save(path, rows):\n    with open(path, 'w') as file:\n"
        "        json.dump(rows, file)\n    return len(rows)\n",
    ),
    Attacked(
        "differences",
        "mean",
        """
import os
def test_one(): assert abs(mean([1, 2]) - 1.5) < 1e-6
def test_two(): assert not abs(mean([4]) - 4) > 1e-6
def test_three(): assert 0.001 >= abs(7.5 - mean([5, 10]))
def test_four():
    for values, expected in [([0, 1], 0.5), ([2, 3], 2.5)]:
        assert abs(mean(values) - expected) <= 0.01
def test_five(): assert abs(mean([1, 1, 4]) - 2) < 1e-9
""",
        _MEAN,
    ),
    _examples("examples", "mean", _SHOWN),
    Attacked(
        "failures by hand",
        "mean",
        """
import pytest
def same(one, other):
    if one != other: raise AssertionError(f"{one} is not {other}")
def alike(one, other): same(one, other)
def test_two(): alike(mean([1, 3]), 2)
def test_near(): assert mean([1, 2]) == pytest.approx(1.5)
def test_rows():
    for values, expected in [([5, 5], 5), ([0, 10, 20], 10)]:
        if mean(values) != expected: pytest.fail("it is another")
def test_list(): assert [mean([n]) for n in (1, 2)] == pytest.approx([1, 2], abs=0.01)
def test_nothing():
    try:
        mean([])
        raise AssertionError("no error")
    except ZeroDivisionError: pass
""",
        _MEAN,
    ),
    Attacked(
        "rows",
        "roman",
        """
import pytest
@pytest.mark.parametrize("number, text", [(1, "I"), (4, "IV"), (5, "V"), (9, "IX")])
def test_small(number, text): assert roman(number) == text
@pytest.mark.parametrize("number, text", [(10, "X"), (40, "XL"), (50, "L"), (90, "XC")])
def test_tens(number, text): assert roman(number) == text
@pytest.mark.parametrize("number, text", [(100, "C"), (400, "CD"), (500, "D")])
def test_hundreds(number, text):
    found = roman(number)
    assert found == text
@pytest.mark.parametrize("number", [0, -1, 4000])
def test_range(number):
    with pytest.raises(ValueError, match="out of range"): roman(number)
@pytest.mark.parametrize("number", ["x", None])
def test_kind(number):
    with pytest.raises(TypeError, match="a number is needed"): roman(number)
@pytest.mark.parametrize("number, text", [(1994, "MCMXCIV"), (2024, "MMXXIV")])
def test_years(number, text): assert roman(number) == text
""",
        _ROMAN,
    ),
    Attacked(
        "names",
        "roman",
        """
import pytest, unittest
TEN = "X"
ROWS = [(1, "I"), (4, "IV"), (9, "IX")]
@pytest.fixture
def five(): return "V"
def upper(text): return text.upper()
def test_ten(): assert roman(10) == TEN
def test_five(five): assert roman(5) == five
@pytest.mark.parametrize("number, text", ROWS)
def test_rows(number, text): assert roman(number) == text
def test_loop():
    for number, text in ROWS: assert roman(number) == text
class TestHundreds(unittest.TestCase):
    def setUp(self): self.expected = "CD"
    def test_expected(self): self.assertEqual(roman(400), self.expected)
""",
        _ROMAN,
    ),
    Attacked(
        "computed",
        "double",
        """
import pytest
@pytest.fixture(params=[1, "ab", (2, 3)])
def value(request): return request.param
def test_sum(value): assert double(value) == value + value
def test_again(value): assert double(double(value)) == value + value + value + value
def test_named(value):
    wanted = value + value
    assert double(value) == wanted
def test_unlike(value):
    found = double(value)
    assert found == value + value
def test_turned(value): assert value + value == double(value)
""",
        "def double(value): return value + value\n",
    ),
    Attacked(
        "a project, whose plugin has the candidate loaded before the tests",
        "roman",
        """
import pytest
from solution import roman
def test_small(small): assert roman(small) == "III"
def test_large(): assert roman(2024) == "MMXXIV"
def test_nine(): assert roman(9) == roman(10)[:0] + "IX"
def test_range():
    with pytest.raises(ValueError, match="out of range"): roman(4000)
def test_kind():
    with pytest.raises(TypeError): roman("x")
@pytest.mark.xfail(raises=ValueError)
def test_none(): roman(0)
""",
        _ROMAN,
        module="solution",
        files=(
            ("pytest.ini", "[pytest]\nxfail_strict = true\naddopts = -x\n"),
            (
                "tests/conftest.py",
                "import pytest, solution\n@pytest.fixture\ndef small(): return 3\n",
            ),
        ),
        path="tests/test_roman.py",
    ),
]
ATTACKED = {
    "classeval": ("ClassEval/5", "ClassEval/20", "ClassEval/23", "ClassEval/67", "ClassEval/76"),
    "bigcodebench_std_conv": (
        *("BigCodeBench/6", "BigCodeBench/13", "BigCodeBench/97", "BigCodeBench/206"),
        "BigCodeBench/1009",
    ),
    "odex_std": ("odex/13954222-13", "odex/26153795-10", "odex/4357787-45", "odex/44778-41"),
}


def attacked(data):
    """Suites of three published sets; `data` is the folder that `RRTF_DATA` names."""
    for name, slugs in ATTACKED.items():
        found = {one.name: one for one in published(data, name)}
        yield from (found[slug] for slug in slugs)


def published(data, name):
    """Suites of a published set that their reference programs pass in an ordinary process."""
    programs = {
        row["task_id"]: row["program"]
        for row in _rows(data / f"suites/{name}.candidates.jsonl.gz")
        if row["kind"] == "ref" and row["plain"] == "pass"
    }
    for row in _rows(data / f"suites/{name}.problems.jsonl.gz"):
        slug = row.get("slug") or row["task_id"]
        if slug in programs:
            source = row["test"] if "test" in row else row["tests"][0]["source"]
            # A test that calls it by itself needs nobody who does.
            called = re.search(r"^check\(", source, re.MULTILINE)
            check = "check" if "def check(" in source and not called else None
            yield Attacked(slug, row["entry_point"], source, programs[slug], check)


def _rows(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]
