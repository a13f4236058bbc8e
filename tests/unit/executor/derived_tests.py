"""Test code as it is arranged, run in this process as a jail's runner would."""

import contextlib
import types
import warnings

import pytest

from executor.guest.guards.copies.differing import other_than
from executor.guest.guards.deriving import pattern
from executor.guest.reading.statements import SITE
from executor.guest.telling import by_value, is_lasting
from executor.judging.shared.arranging import Arrangement, Pattern
from executor.judging.shared.guarding import Ran
from executor.judging.shared.reference import Mistaken, learn
from executor.judging.verdicts import result
from infra.contracts.base import Outcome

PROGRAM = """
import logging, warnings
class Refused(Exception): pass
class Stack:
    def __init__(self, items=()): self.items = list(items)
    def push(self, item): self.items.append(item)
    def pop(self): return self.items.pop()
    def __eq__(self, other): return isinstance(other, Stack) and self.items == other.items
def half(n):
    if n < 0: raise ValueError("it is negative")
    return n / 2
def words(text): return text.split()
def tell(to, text): to.write(text)
def warn(): warnings.warn("old", DeprecationWarning)
def log(): logging.getLogger("app").error("it is old")
def is_even(n): return n % 2 == 0
def nothing(): return None
"""
HEAD = """
import pytest, unittest
from unittest import mock
case = unittest.TestCase()
def holds(one, other): assert one == other
"""


class Running:
    """A run of functions and statements, as the runner of a jail would tell of it."""

    def __init__(self, arrangement: Arrangement, learnt):
        self.told = {
            name: result(Outcome.NOT_RUN, name=name) for name in arrangement.statements()[0]
        }
        self.comparison = arrangement.comparison(learnt)
        self._name = ""

    @contextlib.contextmanager
    def __call__(self, name):
        self._name = name
        try:
            yield
            self.told[name] = result(Outcome.PASSED)
        except (AssertionError, pytest.fail.Exception) as error:
            self.told[name] = result(Outcome.WRONG_ANSWER, str(error))
        except Exception as error:
            self.told[name] = result(Outcome.RUNTIME_ERROR, str(error))

    other = staticmethod(other_than)

    def tell(self, number, value, learnt=None):
        told = [number, by_value(value)]
        if learnt is not None:
            told.append(by_value(learnt[0]) if all(map(is_lasting, learnt[1:])) else {})
        self.comparison.take(self._name, [told])

    def ran(self):
        return Ran(self.told, self.comparison.tests)


def told_by_running(arrangement: Arrangement, value=None, learnt=None):
    """What becomes of functions and statements; `value` is a function that they may call.

    `learnt` is what the reference program's run has told before; without it that is learnt.
    """
    module, running = types.ModuleType("tests"), Running(arrangement, learnt)
    module.__dict__.update({SITE: running, "value": value})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # They are no errors in a process of its own.
        exec(PROGRAM, module.__dict__)  # noqa: S102 - it is ours
        exec(arrangement.source, module.__dict__)  # noqa: S102
        for name, function in list(vars(module).items()):
            if name.startswith("test_"):
                with running(name):
                    function()
    return running.ran()


def derived(source, check=None, entry_point="half", inside=frozenset()):
    return Pattern.of(pattern(source, check, entry_point, "seed", inside))


EVERY = frozenset(range(100))
"""Numbers of all checks of a suite."""


def learnt(source, check=None, run=told_by_running, inside=EVERY):
    plain = derived(source, check, inside=EVERY)
    alone = run(Arrangement(plain, [], range(len(plain.groups)))).told
    names = {item.name for item in plain.items if item.site is None}
    while True:
        found = derived(source, check, inside=inside)
        assert {told.outcome for told in alone.values()} <= {Outcome.PASSED}, alone
        try:
            return learn(found, sorted(names), run)
        except Mistaken as mistaken:
            inside |= mistaken.checks


def outcomes(results):
    return {found.name: found.outcome for found in results}
