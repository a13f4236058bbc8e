"""Changed copies of tests: a right program passes the tests and fails their copies."""

import textwrap

import pytest

from executor.guest.guards.text.examples import other_output
from executor.guest.guards.text.values import Draws
from executor.judging.shared.arranging import NAME, Arrangement
from executor.judging.shared.choosing import ALL_SECONDS, NoTime, with_time
from executor.judging.shared.guarding import Ran
from executor.judging.verdicts import result
from infra.contracts.base import Outcome
from tests.unit.executor.derived_tests import (
    EVERY,
    HEAD,
    derived,
    learnt,
    outcomes,
    told_by_running,
)

# Each is one check, in the body of a test function, that a right program passes.
CHECKS = """
assert half(4) == 2
assert half(5) == 2.5
assert words("a b") == ["a", "b"]
assert words("") == []
assert 2.0 == half(4)
assert half(4) != 3
assert half(4) < 3
assert half(400) >= 100
assert "a" in words("a b")
assert "c" not in words("a b")
assert nothing() is None
assert half(2) is not None
assert is_even(2)
assert not is_even(3)
assert is_even(2) and half(4) == 2
assert half(4) == 3 or half(6) == 3
assert 0 < half(4) <= 2
assert len(words("a b c")) == 3
assert isinstance(half(4), float)
assert type(half(4)) == float
assert all(is_even(n) for n in (2, 4))
assert half(5) == pytest.approx(2.5)
assert abs(half(1) - 0.5) < 1e-6
assert Stack([1]) == Stack([1])
assert half(4) == half(2) * 2
assert words("ab cd")[0].startswith("ab")
with pytest.raises(ValueError): half(-1)
with pytest.raises(ValueError, match="negative"): half(-1)
with pytest.warns(DeprecationWarning): warn()
with case.assertLogs("app", level="INFO") as logs: log(); half(2)
with case.assertLogs(): log()
with case.assertNoLogs("app"): half(2)
case.assertEqual(half(4), 2)
case.assertEqual(words("a"), ["a"], "they are not alike")
case.assertNotEqual(half(4), 3)
case.assertTrue(is_even(2))
case.assertFalse(is_even(3))
case.assertIsNone(nothing())
case.assertIsNotNone(half(1))
case.assertIn("a", words("a b"))
case.assertNotIn("z", words("a b"))
case.assertAlmostEqual(half(1), 0.5)
case.assertIsInstance(words(""), list)
case.assertGreater(half(4), 1)
case.assertLessEqual(half(4), 2)
case.assertRegex(words("abc")[0], "^ab")
case.assertCountEqual(words("b a"), ["a", "b"])
case.assertListEqual(words("b a"), ["b", "a"])
with case.assertRaises(ValueError): half(-1)
with case.assertRaisesRegex(ValueError, "negative"): half(-1)
case.assertRaises(ValueError, half, -1)
to = mock.Mock(); tell(to, "x"); to.write.assert_called_once_with("x")
to = mock.Mock(); tell(to, "x"); to.write.assert_called_once()
to = mock.Mock(); tell(to, "x"); to.read.assert_not_called()
expected = [1.0, 2.0]; assert [half(2), half(4)] == expected
for n, expected in [(2, 1), (4, 2)]: assert half(n) == expected
holds(half(4), 2)
"""
ALL = CHECKS.strip().splitlines()


@pytest.mark.parametrize("check", ALL)
def test_a_right_program_fails_copies_of_every_check(check):
    body = textwrap.indent(check.replace("; ", "\n"), "    ")
    guard = learnt(f"{HEAD}def test_it():\n{body}\n")

    assert guard is not None
    assert guard.protected == guard.pattern.sites >= 1


@pytest.mark.parametrize("check", [check for check in ALL if check.startswith(("assert", "for"))])
def test_it_fails_copies_of_statements_outside_of_functions(check):
    guard = learnt(HEAD + check)

    assert guard is not None
    assert guard.protected == guard.pattern.sites == 1


# What right programs may give, of which the reference program gives one.
LOOSE = {
    "assert value() in (1, 2)": ["1", "2"],
    "case.assertIn(value(), [1, 2, 3])": ["1", "2", "3"],
    "assert value() == 1 or value() == 2": ["1", "2"],
    "assert value() < 3": ["2", "-(10**9)"],
    "case.assertGreater(value(), 3)": ["4", "10**9", "float('inf')"],
    "assert 3 <= value() <= 5": ["3", "4", "5"],
    "assert value() != 3": ["2", "4"],
    "assert all(n > 0 for n in value())": ["[1]", "[1, 2]", "[]"],
    "assert 'abc' in value()": ["'abc'", "['abc']", "'the abc of it'"],
    "assert 1 in value()": ["[1]", "[1, 2, 3]", "range(100)"],
    "assert value()": ["1", "[0]", "True"],
    "assert value().startswith('a')": ["'a'", "'abc'"],
    "import math; assert math.isclose(value(), 100, rel_tol=0.5)": ["100", "120", "80"],
    "assert value() == pytest.approx(10, abs=2)": ["8", "10", "12"],
    "case.assertAlmostEqual(value(), 10, delta=3)": ["7", "10", "13"],
    "case.assertAlmostEqual(value(), 0.5, places=1)": ["0.5", "0.54"],
    "assert abs(value() - 10) <= 3": ["7", "10", "13"],
    "assert 3 >= abs(-10 - value())": ["-7", "-13"],
    "far = 10; assert not abs(value() - far) > 3": ["7", "13"],
    "by = 3.5; assert abs(value() - 10) < by": ["7", "13"],
    "case.assertLess(abs(value() - 0.5), 0.1)": ["0.5", "0.55"],
    "assert abs(value() - 10) / 10 < 0.3": ["10", "12.9"],
    "assert (value() - 10) ** 2 < 1": ["10", "10.9"],
    "assert all(abs(a - b) < 0.6 for a, b in zip(value(), [1, 2]))": ["[1, 2]", "[1.5, 1.5]"],
    "assert max(abs(a - b) for a, b in zip(value(), [1, 2])) <= 0.5": ["[1, 2]", "[1.5, 1.5]"],
    "near = lambda a, b: abs(a - b) < 3; assert near(value(), 10)": ["10", "12"],
    "from collections.abc import Iterable; assert isinstance(value(), Iterable)": [
        "[]",
        "()",
        "''",
    ],
    "assert isinstance(value(), (int, float))": ["1", "1.5", "True"],
    "case.assertRegex(value(), r'\\d+ pieces')": ["'3 pieces'", "'all 12 pieces'"],
    "with pytest.raises(Exception): value()": ["fail(ValueError)", "fail(IndexError)"],
    "with case.assertRaises(LookupError): value()": ["fail(KeyError)", "fail(IndexError)"],
    "with pytest.raises(RuntimeError): value()": ["fail(RuntimeError)", "fail(RecursionError)"],
    "with pytest.raises(Refused): value()": ["fail(Refused)"],
    "to = mock.Mock(); [to(n) for n in value()]; to.assert_any_call('a')": [
        "'a'",
        "'abcdefghijkl'",
    ],
}


@pytest.mark.parametrize(
    ("check", "value"), [(c, v) for c, values in LOOSE.items() for v in values]
)
def test_no_right_program_passes_a_copy(check, value):
    program = f"""
class Refused(ValueError, KeyError): pass
def fail(error): raise error("no")
def value(): return {value}
"""
    body = textwrap.indent(check.replace("; ", "\n"), "    ")
    source = f"{HEAD}{program}def test_it():\n{body}\n"
    found = derived(source, None, "value", EVERY)
    arrangement = Arrangement(found, found.siblings())
    ran = told_by_running(arrangement)

    assert found.siblings()
    passed = {name for name, one in ran.told.items() if one.outcome is Outcome.PASSED}
    assert passed == {arrangement.name(0)}


@pytest.mark.parametrize(
    "check",
    [
        *("assert abs(value() - 10) < 1", "assert 1e-6 > abs(10 - value())"),
        *("assert not abs(value() - 10) >= 1", "assert not (abs(value() - 10) > 1)"),
        *("case.assertLess(abs(value() - 10), 1)", "case.assertFalse(abs(value() - 10) > 1)"),
        *("case.assertTrue(abs(value() - 10) < 1)", "by = 1; assert abs(value() - 10) < by"),
        *("assert abs(value() - other()) < 1", "assert abs(value() - 10) / 10 < 1e-6"),
        *("assert (value() - 10) ** 2 < 1e-6", "assert not abs(value() / 2 - 5) > 1e-6"),
        "assert all(abs(a - b) < 1 for a, b in zip([value()], [10]))",
        "assert max(abs(a - b) for a, b in zip([value()], [10])) < 1",
        "near = lambda a, b: abs(a - b) < 1; assert near(value(), 10)",
    ],
)
@pytest.mark.parametrize("lie", ["Near(7)", "float('nan')"])
def test_what_is_near_to_everything_passes_a_copy_where_it_passes(check, lie):
    program = f"""
class Near(float):
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __truediv__(self, other): return self
def other(): return 10
def value(): return {lie}
"""
    body = textwrap.indent(check.replace("; ", "\n"), "    ")
    source = f"{HEAD}{program}def test_it():\n{body}\n"
    for inside in (EVERY, frozenset()):
        found = derived(source, None, "value", inside)
        arrangement = Arrangement(found, found.siblings())
        ran = told_by_running(arrangement)
        passed = {name for name, one in ran.told.items() if one.outcome is Outcome.PASSED}
        has_failed = any(one.first for one in ran.compared.values())
        assert arrangement.name(0) not in passed or len(passed) > 1 or has_failed


DOCSTRING = """Half of a number.

    >>> half(4)
    2.0
    >>> half(5) # doctest: +ELLIPSIS
    2...
    >>> half(-1)
    Traceback (most recent call last):
        ...
    ValueError: it is negative
    >>> for n in (2, 4):
    ...     print(n,
    ...           half(n))
    2 1.0
    4 2.0
"""


@pytest.mark.parametrize("number", range(12))
def test_an_example_in_a_text_has_copies_that_expect_other_output(number):
    text = other_output(DOCSTRING, Draws(number))
    changed = [
        line
        for line, old in zip(text.split("\n"), DOCSTRING.split("\n"), strict=True)
        if line != old
    ]

    assert len(changed) == 1
    assert not changed[0].strip().startswith((">>>", "...", "2...", "Traceback"))


def test_a_text_without_output_has_no_other():
    for text in (">>> f()", "no example", ">>> f()\n1...", "  >>> f()\n 1"):
        assert other_output(text, Draws("seed")) is None


@pytest.mark.parametrize("patched", ["DocTestRunner.run", "OutputChecker.check_output"])
def test_examples_that_are_not_run_pass_a_copy(patched, monkeypatch):
    monkeypatch.setattr(f"doctest.{patched}", lambda *_, **__: True)
    source = f"""
import doctest
def failures(text):
    test = doctest.DocTestParser().get_doctest(text, globals(), "half", None, 0)
    shown = []
    doctest.DocTestRunner().run(test, out=shown.append)
    return "".join(shown)
def test_it(): assert failures({DOCSTRING!r}) == ""
"""
    found = derived(source)
    told = told_by_running(Arrangement(found, found.siblings())).told

    assert [one.outcome for one in told.values()].count(Outcome.PASSED) > 1
    monkeypatch.undo()
    guard = learnt(source, inside=frozenset())
    assert guard is not None
    assert guard.protected == guard.pattern.sites == 1


@pytest.mark.parametrize("handler", ["except", "except*"])
def test_a_failure_that_is_caught_has_copies_that_catch_something_else(handler):
    guard = learnt(f"""
def test_it():
    try:
        half(-1)
        assert False
    {handler} ValueError:
        pass
""")

    assert guard is not None
    assert guard.protected == guard.pattern.sites == 1


def test_each_check_has_a_copy_where_tests_are_slow():
    def slow(arrangement):
        ran = told_by_running(arrangement)
        took = {"cpu_seconds": 2.0}
        return ran._replace(
            told={name: one.model_copy(update=took) for name, one in ran.told.items()}
        )

    checks = "".join(f"    assert half({2 * n}) == {n}\n" for n in range(1, 5))
    guard = learnt(f"def test_it():\n{checks}", run=slow)

    assert guard is not None
    assert guard.protected == guard.pattern.sites == len(guard.failing) == 4


def test_a_check_is_counted_once_however_many_functions_lead_to_it():
    guard = learnt("""
def is_half(n, other):
    assert half(n) == other
    if n > 1: is_half(n / 2, other / 2)
def assert_half(n, other): is_half(n, other)
def assert_it(n): assert_half(n, n / 2)
def test_it(): assert_it(8)
""")

    assert guard is not None
    assert guard.protected == guard.pattern.sites == 1


def test_a_function_that_is_given_the_candidates_has_copies_of_each_statement():
    guard = learnt("def check(f):\n    assert f(2) == 1\n    assert f(6) == 3\ncheck(half)", "none")

    assert guard is not None
    assert guard.protected == guard.pattern.sites == 2


def test_nothing_in_the_text_tells_a_test_from_its_copies():
    source = 'def test_two():\n    "It is two."\n    # two\n    assert half(4) == 2'
    found = derived(source, inside=EVERY)
    one = Arrangement(found, found.siblings())
    other = Arrangement(found, found.siblings())

    assert "It is two" not in one.source
    assert "test_two" not in one.source
    assert one.source.count("def test_") == len(found.items) > 2
    assert not {one.name(n) for n in range(len(found.items))} & {other.name(0)}


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        (
            '@pytest.mark.parametrize("n, wanted", [(2, 131), (40, 272), (60, 393)])\n'
            "def test_it(n, wanted): assert half(n) == wanted",
            ("(2, 131)", "(40, 272)", "(60, 393)"),
        ),
        (
            '@pytest.mark.parametrize("n, error", [(-1, ValueError), ("a", TypeError)])\n'
            "def test_it(n, error):\n    with pytest.raises(error): half(n)",
            ("(-1, ValueError)", "('a', TypeError)"),
        ),
        (
            "def test_it(): assert Stack([11, 22, 33]) == Stack([44, 5.5, 'six'])",
            ("44", "5.5", "six"),
        ),
        ("def test_it(): assert half(4) == 121 and half(8) == 14.5", ("121", "14.5")),
        (
            "def test_it(): assert all(half(n) == m for n, m in zip((2, 4), (71, 8.2)))",
            ("71", "8.2"),
        ),
        (
            "def test_it():\n    with pytest.raises(ValueError, match='negative'): half(-1)",
            ("ValueError", "negative"),
        ),
        ("def test_it(): app.assert_called_with(131, name='negative')", ("131", "negative")),
        (
            "WANTED = {'one': 131, 'two': 24.5}\ndef test_it(): assert Stack(1) == WANTED",
            ("131", "24.5"),
        ),
    ],
)
def test_no_part_of_what_is_expected_is_in_most_copies(test, expected):
    items = derived(HEAD + test, inside=EVERY).items
    copies = [item.text for item in items if item.site is not None][:3]

    assert len(copies) == 3
    assert {part for part in expected if any(part in text for text in copies)} == set()


def test_both_truths_are_in_copies_of_what_expects_some():
    rows = [(n, n % 2 == 0) for n in range(8)]
    test = f"""
@pytest.mark.parametrize("n, wanted", {rows})
def test_it(n, wanted): assert is_even(n) == wanted
"""
    copies = [item for item in derived(HEAD + test, inside=EVERY).items if item.site is not None]

    kept = [sum(str(row) in item.text for row in rows) for item in copies[:3]]
    assert all(0 < count < len(rows) for count in kept)


def test_tests_whose_order_matters_are_kept_in_it():
    source = """
stack = Stack()
def test_a_first():
    stack.push(1)
    assert stack.items == [1]
def test_b_then(): assert stack.pop() == 1
class Other: pass
assert half(4) == 2
"""
    guard = learnt(source)

    assert guard is not None
    assert guard.kept
    assert "def test_a_first" in guard.arranged().source
    assert guard.protected < guard.pattern.sites


def test_where_order_decides_everything_nothing_guards():
    source = """
stack = Stack()
def test_a_first():
    stack.push(1)
    assert stack.items == [1]
def test_b_then(): assert stack.pop() == 1
"""
    assert learnt(source) is None


TWO = "def test_one():\n    assert half(2) == 1\n    assert half(4) == 2\n"


class EndedBy:
    """Runs `TWO` up to the first copy of some of its checks, which meets a limit."""

    def __init__(self, checks, used_up=False):
        self.items = derived(TWO, inside=EVERY).items
        self.checks, self.used_up, self.runs = checks, used_up, 0

    def __call__(self, arrangement):
        self.runs += 1
        ran, is_over = told_by_running(arrangement), False
        for name in ran.told:
            item = arrangement.read(name)[0]
            if is_over:
                ran.told[name] = result(Outcome.NOT_RUN)
            elif item is not None and self.items[item].site in self.checks:
                ran.told[name] = result(Outcome.TIME_LIMIT_EXCEEDED)
                is_over = True
        return ran._replace(used_up=self.used_up and is_over)


@pytest.mark.parametrize("check", [0, 1])
def test_copies_that_meet_a_limit_are_left_out_and_others_guard(check):
    guard = learnt(TWO, run=EndedBy({check}))

    assert guard is not None
    assert not guard.kept
    assert {guard.pattern.items[item].site for item in guard.failing} == {1 - check}


def test_nothing_guards_where_all_copies_meet_a_limit():
    assert learnt(TWO, run=EndedBy({0, 1})) is None


def test_where_the_time_of_all_is_used_up_checks_outside_guard_alone():
    run = EndedBy({0, 1}, used_up=True)

    guard = learnt(TWO, run=run, inside=frozenset({0}))

    assert guard is not None
    assert not guard.failing
    assert guard.protected == 1


def test_where_the_time_of_all_is_used_up_and_none_is_outside_nothing_guards():
    run = EndedBy({0, 1}, used_up=True)

    with pytest.raises(NoTime):
        learnt(TWO, run=run)
    assert run.runs == 2  # The tests alone, and with all copies.


def test_there_are_no_more_copies_than_there_is_time_for():
    found = derived(TWO, inside=EVERY)

    assert with_time(found, 0.1) == found.siblings()
    # Beside one test that takes nearly half of it there is time for one copy, and not for two.
    (one,) = with_time(found, 0.4 * ALL_SECONDS)
    assert found.items[one].site == 0
    with pytest.raises(NoTime):
        with_time(found, 0.6 * ALL_SECONDS)


def test_a_test_that_needs_its_name_keeps_it():
    source = "import sys\ndef test_name(): assert sys._getframe().f_code.co_name == 'test_name'\n"
    found = derived(source)

    assert not found.items
    assert found.sites == 1


GUARDED = """
def test_one(): assert half(2) == 1
def test_two(): assert half(4) == 2
"""


def judged_by(change):
    """What becomes of the two tests where `change` says what a runner tells of each item."""
    guard = learnt(GUARDED)
    arrangement = guard.arranged()
    told = {}
    for item, runs in guard.runs.items():
        for name in runs:
            right = Outcome.WRONG_ANSWER if item in guard.failing else Outcome.PASSED
            outcome = change(guard.pattern.items[item], right)
            told[name.replace(NAME, arrangement.name(item))] = result(
                outcome, arrangement.name(item)
            )
    assert list(guard.known(arrangement))[:2] == [
        arrangement.name(0),
        arrangement.name(guard.pattern.items[-1].origin),
    ]
    return guard.results(arrangement, Ran(told, {}))


def test_a_right_program_passes():
    assert outcomes(judged_by(lambda item, right: right)) == {
        "test_one": Outcome.PASSED,
        "test_two": Outcome.PASSED,
    }


def test_where_a_copy_passes_its_test_has_failed():
    results = judged_by(lambda item, right: Outcome.PASSED if item.name == "test_two" else right)

    assert outcomes(results) == {"test_one": Outcome.PASSED, "test_two": Outcome.WRONG_ANSWER}
    assert "changed test passed" in results[1].detail


def test_where_a_copy_did_not_run_its_test_is_not_judged():
    results = judged_by(
        lambda item, right: (
            Outcome.NOT_RUN if item.site is not None and item.name == "test_one" else right
        )
    )

    assert outcomes(results) == {"test_one": Outcome.NOT_RUN, "test_two": Outcome.PASSED}


def test_what_ended_in_a_copy_is_told_of_its_test_by_its_own_name():
    def change(item, right):
        if item.name == "test_two":
            return right
        return Outcome.NOT_RUN if item.site is None else Outcome.TIME_LIMIT_EXCEEDED

    results = judged_by(change)

    assert outcomes(results)["test_one"] is Outcome.TIME_LIMIT_EXCEEDED
    assert {found.detail for found in results} == {"test_one", "test_two"}


def test_a_limit_that_a_copy_met_is_charged_to_the_first_test_after_it():
    def change(item, right):
        if item.name == "test_one":
            return right if item.site is None else Outcome.MEMORY_LIMIT_EXCEEDED
        return Outcome.NOT_RUN

    assert outcomes(judged_by(change)) == {
        "test_one": Outcome.PASSED,
        "test_two": Outcome.MEMORY_LIMIT_EXCEEDED,
    }
