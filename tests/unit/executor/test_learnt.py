"""Checks whose expected value a run of the reference program tells, and nobody computes again."""

import textwrap

import pytest

from executor.judging.shared import reference
from executor.judging.shared.arranging import Arrangement
from infra.contracts.base import Outcome
from tests.unit.executor.derived_tests import HEAD, derived, learnt, outcomes, told_by_running

LEARNT = """
def test_it():
    n = 4
    assert half(n) == n / 2 + 131 - 131
---
def test_it():
    for n in range(3): assert half(n) == n * 131 / 262
---
import math
def test_it(): assert half(8) == math.sqrt(16) + math.factorial(3) - 6
---
def wanted(n): return n / 2
def test_it(): assert half(6) == wanted(6)
---
@pytest.fixture(params=[2, 6])
def n(request): return request.param
def test_it(n): assert half(n) == n / 2
---
@pytest.mark.parametrize("n", [2, 6])
def test_it(n): assert n / 2 == half(n)
---
import datetime
class TestIt(unittest.TestCase):
    def setUp(self): self.n = 10
    def test_it(self): self.assertEqual(half(self.n), self.n / 2)
---
def test_it():
    text = "a b"
    assert words(text) == text.split()
    assert len(words(text)) == len(text) - 1
---
def test_it():
    n = 3
    assert half(n) == pytest.approx(n / 2)
---
N = 12
def test_it(): assert half(N) == N / 2
---
def test_it():
    n = 4
    wanted = n / 2
    assert half(n) == wanted
---
def test_it():
    for n in (2, 4):
        wanted = n / 2
        assert half(n) == wanted
---
assert half(10) == sum([2, 3])
for n in (2, 4): assert half(n) == n - n / 2
---
from datetime import date
def test_it():
    day = 3
    assert half(2 * day) == date(2020, 1, day).day
---
def test_it():
    n = 4
    if n > 2: assert half(n) < n - 1
---
def test_it(): assert words("a b") == [sign for sign in "ab"]
"""
NOT_LEARNT = """
def test_it(): assert half(4) == half(half(8))
---
def test_it():
    wanted = half(4)
    assert half(4) == wanted
---
import datetime
def test_it(): assert half(2) <= datetime.date.today().year
---
import random
def test_it(): assert half(2) <= random.random() + 1
---
import time
def test_it(): assert half(2) <= time.time()
---
def test_it():
    found = []
    for n in words("a b"):
        found.append(n)
        assert len(found) == len(found)
---
def test_it():
    n = 0
    while half(n) < 2: n += 1
    assert half(8) == n
---
def test_it():
    n = 0
    for _ in words("a b"): n += 1
    assert half(4) == n
---
def test_it():
    n = 4
    if half(8) == 4: n = 2
    assert half(4) == n
---
def test_it():
    for n in words("4 2"):
        if half(8) != 4: continue
        assert half(4) == 4 - int("2")
---
def test_it():
    for n in (2, 4):
        if half(n) > 1: break
        assert half(n) == n / 2
---
def test_it(tmp_path): assert len(str(half(2))) < len(str(tmp_path))
---
def test_it():
    try: n = half(-1)
    except ValueError as error: n = 2
    assert half(4) == n
---
def test_it():
    with mock.patch("json.dumps") as dumps: assert half(2) == dumps.call_count + 1
---
class TestIt(unittest.TestCase):
    def setUp(self): self.n = half(10)
    def test_it(self): self.assertEqual(half(10), self.n)
---
import solution_of_somebody
def test_it(): assert half(4) == solution_of_somebody.VALUE
---
def test_it():
    n = 4
    def inner():
        nonlocal n
        n = half(4)
    inner()
    assert half(4) == n
---
COUNT = []
def count(): COUNT.append(1); return len(COUNT)
def test_it(): assert half(2) == count()
---
def test_it(): assert half(2) == globals()["N"]
---
def test_it(): assert words("a b") == mock.sentinel.words
---
@pytest.mark.parametrize("n, wanted", [(2, 1), (4, 2)])
def test_it(n, wanted): assert half(n) == wanted
---
@pytest.fixture
def n(request): return half(request.param)
@pytest.mark.parametrize("n", [2, 4], indirect=True)
def test_it(n): assert half(n) == n / 2
---
from hypothesis import given, strategies
@given(strategies.integers())
def test_it(n): assert half(n) == n / 2
---
WANTED = 2
def test_it(): assert half(4) == WANTED + 0
---
def test_it():
    n = 4
    wanted = n / 2
    n = 6
    assert half(n) == wanted
---
def test_it():
    wanted = float("2")
    print(wanted)
    assert half(4) == wanted
"""


def _learnt_of(source):
    return [one for one in derived(HEAD + source).outside.values() if one.is_learnt]


@pytest.mark.parametrize("source", LEARNT.split("---\n"))
def test_a_value_in_which_the_candidate_has_no_part_is_learnt(source):
    assert _learnt_of(source)


@pytest.mark.parametrize("source", NOT_LEARNT.split("---\n"))
def test_a_value_in_which_it_may_have_a_part_is_not(source):
    assert not _learnt_of(source)


COUNTING = """
def test_it():
    for n in range(1, 4):
        assert value(n) == n * n + 100
"""


def _judged(answer, source=COUNTING):
    guard = learnt(source, run=lambda one: told_by_running(one, _square), inside=frozenset())
    arrangement = guard.arranged()
    ran = told_by_running(arrangement, answer, guard.learnt)
    return guard, arrangement, outcomes(guard.results(arrangement, ran))


def _square(n):
    return n * n + 100


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (_square, Outcome.PASSED),
        (lambda n: n * n + 100.0, Outcome.PASSED),
        (lambda n: 101, Outcome.WRONG_ANSWER),
        (lambda n: type("", (), {"__eq__": lambda self, other: True})(), Outcome.WRONG_ANSWER),
    ],
)
def test_a_candidate_is_judged_by_what_was_learnt(answer, outcome):
    guard, _, found = _judged(answer)

    assert guard.protected == guard.pattern.sites == 1
    assert found == {"test_it": outcome}


def test_what_is_learnt_is_computed_beside_no_candidate():
    guard, arrangement, _ = _judged(_square)

    assert "* n" not in arrangement.source
    assert "* n" in Arrangement(guard.pattern, (), learns=True).source


def test_a_check_that_is_made_too_often_or_not_often_enough_does_not_hold():
    source = """
def test_it():
    for n in range(1, 4):
        if n <= 4: assert value(n) == n * n + 100
"""
    guard, arrangement, _ = _judged(_square, source)

    def told(*values):
        comparison = guard.comparison(arrangement)
        ran = told_by_running(arrangement, _square, guard.learnt)
        (name,) = ran.compared
        (drawn,) = (arrangement._first + number for number in guard.pattern.outside)
        comparison.take(name, [[drawn, {"value": value}] for value in values])
        results = guard.results(arrangement, ran._replace(compared=comparison.tests))
        return outcomes(results)["test_it"]

    assert told(101, 104, 109) is Outcome.PASSED
    assert told(101, 104) is Outcome.NOT_RUN
    assert told(101, 104, 109, 116) is Outcome.WRONG_ANSWER


@pytest.mark.parametrize(
    "expected",
    [
        "[*rows, 1]",
        "rows[0]",
        "[rows]",
    ],
)
def test_what_can_be_changed_on_the_way_is_not_learnt(expected):
    source = f"""
def test_it():
    rows = [1]
    assert value(rows) == {expected}
"""
    source = textwrap.dedent(source)
    answers = {"[*rows, 1]": [1, 1], "rows[0]": 1, "[rows]": [[1]]}

    def answer(rows):
        return answers[expected]

    guard = learnt(source, run=lambda one: told_by_running(one, answer), inside=frozenset())

    assert not guard.pattern.outside
    assert guard.protected == 1


def test_what_is_another_each_time_is_not_learnt():
    turns = iter(range(100))
    source = """
import math
def test_it():
    assert value(3) >= math.factorial(3) - 6
"""

    def run(arrangement):
        arrangement.source = arrangement.source.replace("math.factorial(3)", f"{next(turns)}")
        return told_by_running(arrangement, lambda n: 3)

    guard = learnt(source, run=run, inside=frozenset())

    assert guard is None or not guard.pattern.outside


RUN = (0, "test_one")


@pytest.mark.parametrize(
    ("one", "other", "agreed"),
    [
        ((1, 2), (1, 2), (1, 2)),
        # As often in both, so that a candidate has to come to it as often.
        ((1, 1, 1), (1, 1, 1), (1, 1, 1)),
        ((1, 1), (1, 1, 1), (1,)),
        ((1, 2), (1, 2, 2), None),
        ((1,), (2,), None),
    ],
)
def test_two_runs_agree_on_values_and_on_how_often_there_is_one(one, other, agreed):
    def found():
        return reference._agreed({RUN: {7: one}}, {RUN: {7: other}})

    if agreed is None:
        with pytest.raises(reference.Mistaken):
            found()
    else:
        assert found() == {RUN: {7: agreed}}
