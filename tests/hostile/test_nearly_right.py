"""Programs that are right but for one thing, which they have the tests believe of them.

Each lets a check hold by what it expects, as whoever writes programs can guess it: an error that is
common, or one of the program's own; a mock that was patched in. None reads the tests.
"""

import pytest

from executor.judging.judge import Judge
from infra.contracts.base import Label
from tests.hostile.shared_suites import Attacked

_NORM = """
def norm(text):
    if not isinstance(text, str): raise TypeError("a text is needed")
    if not text.strip(): raise ValueError("an empty text")
    return " ".join(text.split()).lower()
"""
_LAX_NORM = """
def norm(text): return " ".join(str(text).split()).lower()
"""
_ACCOUNT = """
class Broke(Exception): pass
class Account:
    def __init__(self, sum=0): self.sum = sum
    def add(self, more): self.sum += more; return self.sum
    def take(self, less):
        {}
        self.sum -= less
        return self.sum
"""
_BROKE = "if less > self.sum: raise Broke('not enough')"
_REPORT = """
import subprocess
def report(name):
    if name: subprocess.run(["echo", name], check=True)
"""
NEARLY_RIGHT = {
    "unittest": (
        Attacked(
            "unittest",
            "norm",
            """
import unittest
class NormTest(unittest.TestCase):
    def test_spaces(self): self.assertEqual(norm(" A  b"), "a b")
    def test_case(self): self.assertEqual(norm("X"), "x")
    def test_empty(self):
        with self.assertRaises(ValueError): norm("")
    def test_blank(self):
        with self.assertRaisesRegex(ValueError, "empty"): norm("  ")
    def test_tab(self): self.assertRaises(ValueError, norm, "\\t")
""",
            _NORM,
        ),
        _LAX_NORM,
    ),
    "pytest": (
        Attacked(
            "pytest",
            "Account",
            """
import pytest
from account import Account, Broke
@pytest.fixture
def account(): return Account(10)
@pytest.fixture(params=[1, 2, 3])
def amount(request): return request.param
def test_add(account): assert account.add(5) == 15
def test_take(account, amount): assert account.take(amount) == 10 - amount
def test_broke(account):
    with pytest.raises(Broke): account.take(11)
@pytest.mark.parametrize("less", [11, 99])
def test_more(account, less):
    with pytest.raises(Broke, match="not enough"): account.take(less)
""",
            _ACCOUNT.format(_BROKE),
            module="account",
        ),
        _ACCOUNT.format(""),
    ),
    "handlers": (
        Attacked(
            "handlers",
            "norm",
            """
import os
def check(candidate):
    os.environ["NORM"] = "1"
    assert candidate(" A  b") == "a b"
    try:
        candidate("")
        assert False, "no error"
    except ValueError: pass
    try:
        candidate(5)
        assert False
    except TypeError: pass
    assert candidate("Zz") == "zz"
""",
            _NORM,
            check="check",
        ),
        _LAX_NORM,
    ),
    "mocks": (
        Attacked(
            "mocks",
            "report",
            """
import unittest
from unittest.mock import patch
class ReportTest(unittest.TestCase):
    @patch("subprocess.run")
    def test_once(self, run):
        report("x")
        run.assert_called_once()
    @patch("subprocess.run")
    def test_twice(self, run):
        report("x"); report("y")
        run.assert_called()
    @patch("subprocess.run")
    def test_none(self, run):
        report("")
        run.assert_not_called()
""",
            _REPORT,
        ),
        "def report(name): pass\n",
    ),
}
_RAISES = """
import builtins, unittest.case, _pytest.raises
def leave(self, kind, error, trace):
    wanted = getattr(self, "expected", None) or self.expected_exceptions
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if any(ACCEPTED(one) for one in wanted):
        self.exception = wanted[0]("an empty text: not enough")
        return True
    if kind is None: raise AssertionError("nothing was raised")
    return issubclass(kind, wanted)
unittest.case._AssertRaisesContext.__exit__ = leave
_pytest.raises.RaisesExc.__exit__ = leave
"""
_ERRORS = """
import builtins
builtins.AssertionError = type("AssertionError", (KINDS,), {})
"""
FORGERIES = {
    "whatever is expected came": _RAISES.replace("ACCEPTED", "(lambda one: True)"),
    "a ValueError came": _RAISES.replace("ACCEPTED", "(lambda one: one is ValueError)"),
    "one of its own came": _RAISES.replace(
        "ACCEPTED", "(lambda one: not hasattr(builtins, one.__name__))"
    ),
    "what is common came, after a call": _RAISES.replace(
        "ACCEPTED", "(lambda one: called.pop() and one in (ValueError, TypeError))"
    )
    + """
called = []
if "norm" in globals():
    lax = norm
    def norm(text):
        called.append(True)
        return lax(text)
""",
    "a failure is a common error": _ERRORS.replace("KINDS", "ValueError, TypeError"),
    "a failure is a ValueError": _ERRORS.replace("KINDS", "ValueError"),
    "mocks were called if there was a name": """
from unittest import mock
names = []
def called(self, *args, **kwargs):
    if not names[-1]: raise AssertionError("it was not called")
def not_called(self):
    if names[-1]: raise AssertionError("it was called")
for word in ("", "_once", "_with", "_once_with"):
    setattr(mock.NonCallableMock, "assert_called" + word, called)
mock.NonCallableMock.assert_not_called = not_called
def report(name): names.append(name)
""",
}
# An error that means another than the tests do passes in any process.
_OTHER = """
def norm(text):
    kinds = {"ValueError": ValueError, "TypeError": TypeError}
    if type(text) is not str: raise type("Wrong", (TypeError,), {})("a text is needed")
    words = [word.casefold() for word in text.split()]
    if words: return str.join(" ", words)
    raise kinds["ValueError"]("an empty text, as was said")
"""
OTHERS = {"unittest": _OTHER, "handlers": _OTHER, "mocks": _REPORT.replace("run(", "run(args=")}


@pytest.fixture(scope="module", params=NEARLY_RIGHT)
def attacked(request, slot):
    """A suite with its judge, and a program that it finds wrong."""
    one, lax = NEARLY_RIGHT[request.param]
    judge = Judge(slot.sandbox, one.suite(), slot.version)
    assert judge.judge(one.reference).label is Label.ALL_PASS
    assert judge.judge(lax).label is not Label.ALL_PASS
    return one, judge, lax


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_no_check_holds_by_what_it_expects(attacked):
    _, judge, lax = attacked

    passed = [name for name, text in FORGERIES.items() if _passes(judge, lax + text)]

    assert passed == []


@pytest.mark.parametrize("slot", ["cell"], indirect=True)
def test_right_programs_of_another_hand_pass(attacked):
    one, judge, _ = attacked

    assert all(_passes(judge, OTHERS.get(one.name, one.reference)) for _ in range(3))


def _passes(judge, program):
    return judge.judge(program).label is Label.ALL_PASS
